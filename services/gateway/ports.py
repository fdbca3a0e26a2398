"""What the gateway needs: the log, and the view that it answers from."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from runtime.records import Record
from schemas.envelope import Envelope
from schemas.topics import Topic
from services.gateway.projection import Fact, JobView


class Bus(Protocol):
    """The log, to write to and to follow."""

    async def publish(self, topic: Topic, envelope: Envelope) -> None:
        """Returns once all in-sync replicas have the record, which is keyed by the envelope's subject.

        Raises:
            Unavailable: the broker did not acknowledge in time. The record may be on the log even so.
        """
        ...

    async def follow(
        self, group: str, topics: Sequence[Topic], handle: Callable[[Sequence[Record]], Awaitable[None]]
    ) -> None:
        """Hands on records in batches, from the group's offsets or the earliest, until it is cancelled.

        A batch is committed when `handle` has returned. One that `handle` raises on is not: it is
        handed on again, here or after the caller's next `follow`.

        Raises:
            Unavailable: the broker is away.
        """
        ...

    async def ping(self) -> None:
        """Raises `Unavailable` unless the broker answers."""
        ...


@dataclass(frozen=True)
class Claim:
    """What an Idempotency-Key stands for: whoever came first has said it."""

    digest: str
    """Of the request's body in its canonical form."""
    requested_at: datetime


@dataclass(frozen=True)
class Place:
    """A place in the feed: after the video of this job, published then."""

    completed_at: datetime
    job_id: str


class StatusView(Protocol):
    """The status view. Every method may raise `Unavailable`."""

    async def open(self) -> None:
        """Makes the tables what this version expects; may be called again after it raised.

        Raises:
            MigrationRefused: the database has been migrated by other files than these.
        """
        ...

    async def close(self) -> None:
        """Lets go of the database."""
        ...

    async def ping(self) -> None:
        """Raises `Unavailable` unless the view can be read."""
        ...

    async def apply(self, facts: Sequence[Fact]) -> int:
        """Folds facts in, all or none, and drops those whose id it has seen; says how many it could not store."""
        ...

    async def find(self, job_id: str) -> JobView | None:
        """What is known of a job."""
        ...

    async def newest(self, limit: int, *, style: str | None, after: Place | None) -> list[JobView]:
        """Jobs with a published video, the newest first."""
        ...

    async def unfinished(self) -> int:
        """How many jobs are queued or processing."""
        ...

    async def claimed(self, job_id: str) -> Claim | None:
        """What the key that this job's id derives from stands for, if it has been used."""
        ...

    async def claim(self, job_id: str, claim: Claim) -> Claim:
        """Lets the key stand for this claim, unless it stands for another; the one that it stands for."""
        ...
