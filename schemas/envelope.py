"""CloudEvents 1.0: what stands around an event's data.

On the log an event is in Kafka's binary mode (attributes in `ce_*` headers, the value is the data
alone); in the object store, where there are no headers, it is in structured mode (one JSON).
Ids are derived, not drawn: the same cause gives the same id on every redelivery.

Source: CloudEvents 1.0.2 and its Kafka protocol binding.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid5

NAMESPACE = UUID("6f6d1b0e-1c0d-4b1f-9d55-6b6579667261")
CONTENT_TYPE = "application/json"

_ATTRIBUTES = ("specversion", "id", "type", "source", "time", "subject", "causationid", "redrives")
_REQUIRED = ("specversion", "id", "type", "source", "subject")


class MalformedEnvelope(ValueError):
    """The headers do not make a CloudEvent of ours."""


def derive_id(*parts: object) -> str:
    """An id from what it stands for: `derive_id(stage, type, id of the cause, ordinal)`."""
    return str(uuid5(NAMESPACE, "/".join(map(str, parts))))


@dataclass(frozen=True)
class Envelope:
    """An event's CloudEvents attributes and its data as JSON bytes."""

    id: str
    type: str
    source: str
    subject: str
    """The job's id."""
    time: datetime
    data: bytes = field(repr=False)
    causation_id: str | None = None
    """The id of the event that this one answers."""
    redrives: int = 0
    """How often the record was taken out of a dead-letter queue."""

    @property
    def trace_id(self) -> str:
        """A job is a trace: 32 hexadecimal digits, derived from its id."""
        return UUID(self.subject).hex

    @property
    def traceparent(self) -> str:
        """W3C Trace Context: an event is a span of its job's trace."""
        return f"00-{self.trace_id}-{derive_id(self.id).replace('-', '')[:16]}-01"

    def headers(self) -> dict[str, str]:
        """Kafka headers in binary mode."""
        attributes = {f"ce_{name}": text for name, text in self._attributes().items()}
        return attributes | {"content-type": CONTENT_TYPE, "traceparent": self.traceparent}

    def structured(self) -> bytes:
        """One JSON document: attributes and data."""
        return json.dumps(
            self._attributes() | {"datacontenttype": CONTENT_TYPE, "data": json.loads(self.data)}
        ).encode()

    def _attributes(self) -> dict[str, str]:
        attributes = {
            "specversion": "1.0",
            "id": self.id,
            "type": self.type,
            "source": self.source,
            "time": self.time.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "subject": self.subject,
        }
        if self.causation_id is not None:
            attributes["causationid"] = self.causation_id
        if self.redrives:
            attributes["redrives"] = str(self.redrives)
        return attributes

    @classmethod
    def from_kafka(cls, headers: Sequence[tuple[str, bytes | None]], value: bytes | None) -> "Envelope":
        """Binary mode to an envelope; the data is not looked at.

        Raises:
            MalformedEnvelope: an attribute is missing, or is not what CloudEvents asks for.
        """
        attributes: dict[str, str] = {}
        for name, raw in headers:
            if name.startswith("ce_") and name[3:] in _ATTRIBUTES and raw is not None:
                try:
                    attributes[name[3:]] = raw.decode()
                except UnicodeDecodeError as error:
                    raise MalformedEnvelope(f"header {name} is not UTF-8") from error
        if value is None:
            raise MalformedEnvelope("the record has no value")
        return cls._from_attributes(attributes, value)

    @classmethod
    def from_structured(cls, document: bytes) -> "Envelope":
        """Structured mode to an envelope.

        Raises:
            MalformedEnvelope: this is not a CloudEvent in JSON.
        """
        try:
            parsed = json.loads(document)
            data = json.dumps(parsed["data"], separators=(",", ":"), ensure_ascii=False).encode()
        except (ValueError, TypeError, KeyError) as error:
            raise MalformedEnvelope("not a CloudEvent in structured JSON") from error
        return cls._from_attributes({name: str(parsed[name]) for name in _ATTRIBUTES if name in parsed}, data)

    @classmethod
    def _from_attributes(cls, attributes: Mapping[str, str], data: bytes) -> "Envelope":
        missing = [name for name in _REQUIRED if not attributes.get(name)]
        if missing:
            raise MalformedEnvelope(f"CloudEvents attribute missing: {', '.join(missing)}")
        if attributes["specversion"] != "1.0":
            raise MalformedEnvelope(f"CloudEvents {attributes['specversion']} is not spoken here, only 1.0")
        try:
            time = datetime.fromisoformat(attributes.get("time", ""))
            redrives = int(attributes.get("redrives", "0"))
        except ValueError as error:
            raise MalformedEnvelope(f"CloudEvents time or redrives: {error}") from error
        if time.tzinfo is None or redrives < 0:
            raise MalformedEnvelope("CloudEvents time without a zone, or redrives below zero")
        return cls(
            id=attributes["id"],
            type=attributes["type"],
            source=attributes["source"],
            subject=attributes["subject"],
            time=time,
            data=data,
            causation_id=attributes.get("causationid"),
            redrives=redrives,
        )
