"""Parked records: what a dead-letter queue's record says of itself. Nothing in it is to be trusted."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

from pydantic import ValidationError

from runtime.dead_letters import HEADER, redrives_of
from runtime.kafka import Location
from runtime.records import Record
from schemas.envelope import Envelope, MalformedEnvelope, derive_id
from schemas.jobs import JobEvent
from schemas.topics import CHAIN, DEAD_LETTERS, STAGES, ServiceName, Topic, dead_letters

QUEUES: Mapping[str, ServiceName] = {dead_letters(stage).name: stage for stage in STAGES}
"""Whose each dead-letter queue is."""

TOPICS: Mapping[str, Topic] = {topic.name: topic for topic in DEAD_LETTERS}

INPUTS: Mapping[ServiceName, Topic] = {stage: topic for topic in CHAIN for stage in STAGES if stage in topic.consumers}
"""What each stage takes."""

MAX_TEXT = 500
MAX_INTEGER = 2**31 - 1
NEVER = datetime.fromtimestamp(0, UTC)

_PLACE = re.compile(r"([a-z0-9.]{1,100})/([0-9]{1,9})/([0-9]{1,18})")
_RAW = "keyframe_raw_"


@dataclass(frozen=True)
class DeadLetter:
    """A parked record, as it can be listed."""

    at: Location
    job_id: str | None
    """Of the job that its failure was told of; None where its bytes name none."""
    revision: int
    event_id: str | None
    redrives: int
    code: str
    reason: str
    attempts: int
    parked_at: datetime
    settled: str | None = None
    """`redriven` or `discarded`; None where it waits for somebody."""
    settled_at: datetime | None = None

    @property
    def stage(self) -> ServiceName:
        return QUEUES[self.at.topic]

    @property
    def subject(self) -> str:
        """The job that events about it are told of; of bytes that name none, an id of their own."""
        return self.job_id or nobody(str(self.at))


def nobody(place: str) -> str:
    """The id that stands for the job of parked bytes that name none."""
    return derive_id(ServiceName.GATEWAY, "parked", place)


def place(text: str) -> Location | None:
    """topic/partition/offset, if it is a place in a dead-letter queue."""
    found = _PLACE.fullmatch(text)
    return Location(found[1], int(found[2]), int(found[3])) if found and found[1] in QUEUES else None


def dead_letter(record: Record) -> DeadLetter:
    """What is known of a record of a dead-letter queue."""
    headers = _texts(record)
    code = headers.get(f"{HEADER}code", "unknown")
    job_id, revision, event_id = _job(record, by_key=code == "undecodable")
    return DeadLetter(
        at=Location(record.topic, record.partition, record.offset),
        job_id=job_id,
        revision=revision,
        event_id=event_id,
        redrives=min(redrives_of(record), MAX_INTEGER - 1),
        code=code,
        reason=headers.get(f"{HEADER}reason", ""),
        attempts=_number(headers.get(f"{HEADER}attempts", "")),
        parked_at=_time(record.timestamp),
    )


def original(parked: Record, letter: DeadLetter) -> Record | str:
    """The record as its stage shall get it again, or why it shall not."""
    headers, ours = list[tuple[str, bytes | None]](), dict[str, bytes]()
    for name, raw in parked.headers:
        if name.startswith(_RAW):
            try:
                headers.append((name.removeprefix(_RAW), bytes.fromhex((raw or b"").decode())))
            except ValueError:
                return "its headers were changed"
        elif name.startswith(HEADER):
            ours[name.removeprefix(HEADER)] = raw or b""
        elif name != "ce_redrives":
            headers.append((name, raw))
    topic = INPUTS[letter.stage].name
    if ours.get("topic", b"").decode("utf-8", "replace") != topic:
        return f"it says that it does not come from {topic}"
    return replace(
        parked,
        topic=topic,
        headers=(*headers, ("ce_redrives", str(letter.redrives + 1).encode())),
        value=None if ours.get("null_value") == b"true" else parked.value,
    )


def _job(record: Record, *, by_key: bool) -> tuple[str | None, int, str | None]:
    """Job, revision and event id, as the stage told of its failure: by the key where it could not decode the event."""
    event_id = None
    try:
        envelope = Envelope.from_kafka(record.headers, record.value)
        event_id = _clean(envelope.id)
        if not by_key:
            event = JobEvent.model_validate_json(envelope.data)
            if event.job_id == envelope.subject:
                return event.job_id, event.revision, event_id
    except (MalformedEnvelope, ValidationError):
        pass
    try:
        return str(UUID((record.key or b"").decode())), 1, event_id
    except ValueError:
        return None, 1, event_id


def _texts(record: Record) -> Mapping[str, str]:
    return {name: _clean((raw or b"").decode("utf-8", "replace")) for name, raw in record.headers}


def _clean(text: str) -> str:
    """Bounded, and without what Postgres keeps in no text."""
    return text[:MAX_TEXT].replace("\0", "")


def _number(text: str) -> int:
    return min(int(text), MAX_INTEGER) if text.isascii() and text.isdigit() and len(text) < MAX_TEXT else 0


def _time(milliseconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(max(0, milliseconds) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return NEVER
