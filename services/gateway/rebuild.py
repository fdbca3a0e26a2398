"""Rebuilding the view from the log: folded anew beside the one that is read, then put in its place."""

import asyncio
import gc
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field

from runtime.kafka import Offsets
from runtime.records import Record
from services.gateway.parked import DeadLetter
from services.gateway.ports import Log, NoRebuild, Reading, Shadow, StatusView
from services.gateway.projection import Fact
from services.gateway.projector import FOLLOWED, decoded
from services.gateway.streams import Line

TOPICS = tuple(FOLLOWED.values())

BATCH = 4_000
"""Records to a fold; twice as many are in memory at once. The more, the fewer jobs has another batch begun."""

SELDOM = 200_000
"""New objects from one look of Python's garbage collector to the next: those of two batches or so."""

NEAR = 1_000
"""Records that are folded while writers wait, at the most, unless the log grows faster than it is folded."""

ROUNDS = 10
"""How often what has come meanwhile is folded before writers are made to wait."""


async def rebuild(log: Log, view: StatusView, *, lossy: bool = False) -> AsyncGenerator[Line]:
    """Rebuilds the view; tells how far it is.

    Args:
        log: what is folded, from its beginning.
        view: what is made anew.
        lossy: also where the log does not go back to its beginning any more.

    Raises:
        NoRebuild: another rebuild is under way, the database is of another version, or records would be missed.
        Unavailable: the log or the database is away. The view is as it was.
    """
    async with view.rebuilding() as shadow, log.reading() as reading:
        with _seldom_collected():
            work = _Rebuild(reading, shadow, await reading.starts(TOPICS), await reading.ends(TOPICS))
            expired = sum(work.start.values())
            if expired and not lossy:
                raise NoRebuild(
                    f"The log has dropped its first {expired} records, and what only they told would be lost."
                    " Ask for a lossy rebuild if that is meant."
                )
            yield {"event": "started", "records": work.total, "expired": expired}
            for _ in range(ROUNDS):
                async with aclosing(work.batches()) as batches:  # who hangs up ends them before what they read from
                    async for _ in batches:
                        yield {"event": "progress", **work.told()}
                if await work.further() <= NEAR:
                    break
            await shadow.swap(work.catching_up())
            yield {"event": "done", **work.told()}


@contextmanager
def _seldom_collected() -> Generator[None]:
    """Lets the collector be while batches are decoded: half of a rebuild's work was to find that all is in use still.

    It is the process that is changed: one rebuild at a time.
    """
    before = gc.get_threshold()
    gc.set_threshold(SELDOM, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@dataclass
class _Rebuild:
    reading: Reading
    shadow: Shadow
    start: Offsets
    end: Offsets
    done: int = 0
    skipped: int = 0
    total: int = field(init=False)
    began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.total = _size(self.start, self.end)

    def told(self) -> Line:
        seconds = time.monotonic() - self.began
        return {
            "done": self.done,
            "records": self.total,
            "skipped": self.skipped,
            "seconds": round(seconds, 3),
            "per_second": round(self.done / seconds) if seconds else 0,
        }

    async def batches(self) -> AsyncGenerator[int]:
        """Folds the range, batch by batch; gives their sizes."""
        async with aclosing(_ahead(_decoded(_close_together(self.reading, self.start, self.end)))) as batches:
            async for batch in batches:
                await self.shadow.park(batch.letters)
                self.skipped += batch.skipped + await self.shadow.apply(batch.facts)
                self.done += batch.records
                yield batch.records

    async def further(self) -> int:
        """Makes what has come since the end of the range the new one; how many records it has."""
        self.start, self.end = self.end, await self.reading.ends(TOPICS)
        size = _size(self.start, self.end)
        self.total = self.done + size
        return size

    def catching_up(self) -> Callable[[], Awaitable[None]]:
        """Folds what is there of the log by then. What it brought in is gone when it is called again."""
        done, skipped = self.done, self.skipped

        async def catch_up() -> None:
            self.end = await self.reading.ends(TOPICS)
            self.done, self.skipped, self.total = done, skipped, done + _size(self.start, self.end)
            async for _ in self.batches():
                pass

        return catch_up


@dataclass(frozen=True)
class _Batch:
    records: int
    letters: Sequence[DeadLetter]
    facts: Sequence[Fact]
    skipped: int


async def _decoded(batches: AsyncGenerator[list[Record]]) -> AsyncGenerator[_Batch]:
    async for records in batches:
        yield _Batch(len(records), *await asyncio.to_thread(decoded, records))


async def _ahead(batches: AsyncGenerator[_Batch]) -> AsyncGenerator[_Batch]:
    """The batches: one is read and decoded while the database is at the one before."""

    async def following() -> _Batch | None:
        return await anext(batches, None)

    coming = asyncio.create_task(following())
    try:
        while (batch := await coming) is not None:
            coming = asyncio.create_task(following())
            yield batch
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)


async def _close_together(reading: Reading, start: Offsets, end: Offsets) -> AsyncGenerator[list[Record]]:
    """The records of a range in batches.

    Partition by partition, each with its like of all topics: there a job's events lie, and they come close together.
    """
    for number in sorted({partition for _, partition in start}):
        own = {place: offset for place, offset in start.items() if place[1] == number}
        batch: list[Record] = []
        async for records in reading.read(own, end):
            batch += records
            if len(batch) >= BATCH:
                yield batch
                batch = []
        if batch:
            yield batch


def _size(start: Offsets, end: Offsets) -> int:
    return sum(last - start[place] for place, last in end.items())
