"""What the gateway needs: the log, and the view that it answers from."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from runtime.errors import Permanent
from runtime.kafka import Lag, Location, Offsets, Subscription
from runtime.records import Record
from schemas.envelope import Envelope
from schemas.topics import Topic
from services.gateway.known import JobView
from services.gateway.parked import DeadLetter
from services.gateway.projection import Fact


class Follower(Protocol):
    """A consumer of the log, as readiness looks at it."""

    @property
    def partitions(self) -> int: ...
    @property
    def seconds_since_poll(self) -> float | None: ...


class Reading(Protocol):
    """Reads the log beside the consumer groups, one thing at a time. Every method may raise `Unavailable`."""

    async def starts(self, topics: Sequence[Topic]) -> Offsets:
        """The first offsets that are still there."""
        ...

    async def ends(self, topics: Sequence[Topic]) -> Offsets:
        """The offsets after the last records: the fixed end of a range."""
        ...

    async def at(self, topics: Sequence[Topic], time: datetime) -> Offsets:
        """The offsets of the first records that the log took at `time` or later; the ends where there are none."""
        ...

    def read(self, start: Offsets, end: Offsets) -> AsyncGenerator[list[Record]]:
        """The records from `start` up to, and without, `end`, in batches; within a partition in their order."""
        ...

    async def record(self, at: Location) -> Record | None:
        """The record that lies there; None where it is not there (any more)."""
        ...


class Writing(Protocol):
    """Writes records as they are."""

    async def put(self, record: Record) -> None:
        """Writes a record to its topic, where its key leads; returns once every in-sync replica has it.

        Raises:
            Unavailable: no acknowledgement came in time. The log may have the record even so.
            Permanent: it is too large.
        """
        ...


class Log(Protocol):
    """The log, to write to and to follow. Its owner starts and stops it."""

    async def publish(self, topic: Topic, envelope: Envelope) -> None:
        """Returns once every in-sync replica has the event, which lies under its job's id.

        Raises:
            Unavailable: no acknowledgement came in time. The log may have the event even so.
        """
        ...

    async def publish_bytes(self, topic: Topic, *, key: bytes | None, value: bytes, headers: Mapping[str, str]) -> None:
        """Publishes a record as it is. Raises `Unavailable`, and `Permanent` for one that is too large."""
        ...

    def follow(self, subscription: Subscription, handle: Callable[[Sequence[Record]], Awaitable[None]]) -> Follower:
        """Declares a consumer, before the log is started.

        A batch is committed when `handle` has returned; one that it raises on is handed on again.
        """
        ...

    def reading(self) -> AbstractAsyncContextManager["Reading"]:
        """A reader of ranges, for as long as the context is open. Raises `Unavailable`."""
        ...

    def writing(self) -> AbstractAsyncContextManager[Writing]:
        """A writer of records as they are, for as long as the context is open. Raises `Unavailable`."""
        ...

    async def lags(self, groups: Mapping[str, Iterable[Topic]]) -> list[Lag]:
        """How far each group is behind on each partition of the topics that it reads. Raises `Unavailable`."""
        ...

    async def retention(self, topics: Iterable[str]) -> Mapping[str, Mapping[str, str]]:
        """`retention.ms` and `cleanup.policy` of topics, as the brokers have them. Raises `Unavailable`."""
        ...

    @property
    def unjoined(self) -> str | None:
        """Why the log's groups are not joined; None once they are."""
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


@dataclass(frozen=True)
class Wanted:
    """Which parked records are asked for; None leaves a choice open."""

    stage: str | None = None
    job_id: str | None = None
    code: str | None = None


class NoRebuild(Permanent):
    """The view cannot be rebuilt now; the message says why."""


class ReplayUnderWay(Permanent):
    """Another replay is under way."""


class MendingUnderWay(Permanent):
    """Somebody else settles parked records, and has not come to an end."""


class Shadow(Protocol):
    """The tables of a view that nobody reads yet. Every method may raise `Unavailable`."""

    async def apply(self, facts: Sequence[Fact]) -> int:
        """As that of a view."""
        ...

    async def park(self, letters: Sequence[DeadLetter]) -> None:
        """As that of a view."""
        ...

    async def swap(self, catch_up: Callable[[], Awaitable[None]]) -> None:
        """Puts them in the place of those that are read, in one transaction, while reads go on.

        Args:
            catch_up: brings in what they still lack, while nobody folds into the others. It is called again where
                the swap has to be tried again, and what it had brought in is gone then.
        """
        ...


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

    async def park(self, letters: Sequence[DeadLetter]) -> None:
        """Notes parked records; one that is noted already is no error."""
        ...

    def rebuilding(self) -> AbstractAsyncContextManager[Shadow]:
        """Empty tables beside those that are read, for as long as the context is open.

        Raises:
            NoRebuild: another rebuild is under way, or the database is of another version.
        """
        ...

    async def parked(
        self, limit: int, wanted: Wanted, *, settled: bool = False, after: tuple[datetime, Location] | None = None
    ) -> list[DeadLetter]:
        """Parked records, the newest first, from after a time and place on; those that are settled only if asked."""
        ...

    async def parked_at(self, places: Sequence[Location]) -> list[DeadLetter]:
        """The parked records at these places, as far as there are any."""
        ...

    async def waiting(self, wanted: Wanted) -> list[Location]:
        """Where the parked records lie that wait for somebody, the oldest first."""
        ...

    async def find(self, job_id: str) -> JobView | None:
        """What is known of a job."""
        ...

    async def find_all(self, job_ids: Collection[str]) -> Mapping[str, JobView]:
        """What is known of these jobs, as far as anything is."""
        ...

    async def with_status(self, status: str) -> list[str]:
        """The ids of the jobs that have it."""
        ...

    async def seen(self, event_ids: Collection[str]) -> Mapping[str, int]:
        """Those of these events that have been folded in, and of which revision they are."""
        ...

    async def take_revisions(self, events: Sequence[tuple[str, str, int]]) -> Mapping[str, int]:
        """Takes a revision of its job for each event, by whose id it is given; the same one when it is taken again.

        Args:
            events: their ids, their jobs' ids, and the newest revision that is known of the job. What is taken is
                above it, and above all that were taken for other events.
        """
        ...

    def replaying(self) -> AbstractAsyncContextManager[Callable[[], Awaitable[None]]]:
        """No other replay of this deployment is under way for as long as the context is open.

        What it gives raises `Unavailable` where that is not sure any more.

        Raises:
            ReplayUnderWay: another one is.
        """
        ...

    def mending(self, patience: float) -> AbstractAsyncContextManager[Callable[[], Awaitable[None]]]:
        """Nobody else of this deployment settles parked records for as long as the context is open.

        What it gives raises `Unavailable` where that is not sure any more.

        Args:
            patience: seconds to wait for those who came before.

        Raises:
            MendingUnderWay: they are at it still.
        """
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
