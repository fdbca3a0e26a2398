"""Records of the log, and the port that publishes them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from schemas.envelope import Envelope
from schemas.topics import Topic


@dataclass(frozen=True)
class Record:
    """A record as it came from Kafka, not looked at yet."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    """Milliseconds since the epoch, as the broker or the producer set it."""
    headers: tuple[tuple[str, bytes | None], ...] = ()
    key: bytes | None = None
    value: bytes | None = field(default=None, repr=False)


class Bus(Protocol):
    """Publishes to the log. Returns once every in-sync replica has the record (acks=all).

    Both methods raise `Unavailable`, and `Permanent` for a record that is too large.
    """

    async def publish(self, topic: Topic, envelope: Envelope) -> None:
        """Publishes an event under its job's id."""
        ...

    async def publish_bytes(self, topic: Topic, *, key: bytes | None, value: bytes, headers: Mapping[str, str]) -> None:
        """Publishes bytes as they are."""
        ...
