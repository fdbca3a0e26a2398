"""Fakes that record what was asked of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from runtime.errors import Unavailable
from runtime.records import Record
from schemas.envelope import Envelope
from schemas.topics import Topic


@dataclass
class FakeBus:
    """A log that keeps what is published; it is away for as long as `away` says."""

    published: list[tuple[Topic, Envelope]] = field(default_factory=list)
    parked: list[Record] = field(default_factory=list)
    away: bool = False

    async def publish(self, topic: Topic, envelope: Envelope) -> None:
        self._look()
        self.published.append((topic, envelope))

    async def publish_bytes(self, topic: Topic, *, key: bytes | None, value: bytes, headers: Mapping[str, str]) -> None:
        self._look()
        kept = tuple((name, text.encode()) for name, text in headers.items())
        self.parked.append(Record(topic.name, 0, len(self.parked), 0, kept, key, value))

    def of(self, topic: Topic) -> list[Envelope]:
        """What was published on a topic."""
        return [envelope for where, envelope in self.published if where is topic]

    def _look(self) -> None:
        if self.away:
            raise Unavailable("Kafka is away", on="kafka")
