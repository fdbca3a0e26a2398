"""The crash count: a record that kills its process again and again is parked instead.

Only the first record of a partition after an assignment, or after it was given back, can be the one that
was in hand when a process died, so only that one is counted. The count lies in the object store until there is an
outcome.
"""

from dataclasses import dataclass, field

from runtime.errors import Unavailable
from runtime.objects import ObjectMissing, ObjectStore
from runtime.records import Record

LIMIT = 3
"""Starts at which a record may be in hand without an outcome."""


@dataclass
class Crashes:
    """Counts how often the records of one stage were in hand at a start."""

    store: ObjectStore
    stage: str
    _seen: set[tuple[str, int]] = field(default_factory=set[tuple[str, int]])
    _counted: tuple[str, int] | None = None
    """The key of the record in hand, and how many starts had it in hand before this one."""

    def assigned(self) -> None:
        """Partitions came: the next record of each may be one that killed its last holder."""
        self._seen.clear()

    async def in_hand(self, record: Record) -> int:
        """How many starts have had this record in hand without an outcome, before this one.

        While the store is away nothing is counted: the stage will meet the same and wait.
        """
        partition = (record.topic, record.partition)
        if partition in self._seen:
            return 0
        key = f"hands/{self.stage}/{record.topic}/{record.partition}/{record.offset}"
        try:
            starts = await self._count(key)
            await self._write(key, starts + 1)
        except Unavailable:
            return 0
        self._seen.add(partition)
        self._counted = key, starts
        return starts

    async def settled(self) -> None:
        """There is an outcome. Raises `Unavailable`."""
        if self._counted is not None:
            key, _ = self._counted
            await self.store.delete(key)
            self._counted = None

    async def given_back(self, record: Record) -> None:
        """This start survived the record, which may still kill whoever polls it next. Raises `Unavailable`."""
        self._seen.discard((record.topic, record.partition))
        if self._counted is not None:
            key, starts = self._counted
            await (self._write(key, starts) if starts else self.store.delete(key))
            self._counted = None

    async def _write(self, key: str, starts: int) -> None:
        await self.store.put(key, str(starts).encode(), content_type="text/plain")

    async def _count(self, key: str) -> int:
        try:
            return int(await self.store.get(key))
        except (ObjectMissing, ValueError):
            return 0
