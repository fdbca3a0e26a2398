"""What the gateway needs: the log, and the view that it answers from."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from runtime.kafka import Subscription
from runtime.records import Record
from schemas.envelope import Envelope
from schemas.topics import Topic
from services.gateway.known import JobView
from services.gateway.projection import Fact


class Follower(Protocol):
    """A consumer of the log, as readiness looks at it."""

    @property
    def partitions(self) -> int: ...
    @property
    def seconds_since_poll(self) -> float | None: ...


class Log(Protocol):
    """The log, to write to and to follow. Its owner starts and stops it."""

    async def publish(self, topic: Topic, envelope: Envelope) -> None:
        """Returns once every in-sync replica has the event, which lies under its job's id.

        Raises:
            Unavailable: no acknowledgement came in time. The log may have the event even so.
        """
        ...

    def follow(self, subscription: Subscription, handle: Callable[[Sequence[Record]], Awaitable[None]]) -> Follower:
        """Declares a consumer, before the log is started.

        A batch is committed when `handle` has returned; one that it raises on is handed on again.
        """
        ...

    async def reachable(self) -> bool:
        """Whether a broker answers within a few seconds."""
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
