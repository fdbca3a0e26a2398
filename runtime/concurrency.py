"""Bounded concurrency inside a record."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from runtime.errors import Permanent, Transient, Unavailable

Item = TypeVar("Item")
Result = TypeVar("Result")


async def each(items: Iterable[Item], work: Callable[[Item], Awaitable[Result]], *, limit: int) -> list[Result]:
    """Works at `limit` items at a time; the results stand in the order of the items.

    After a failure nothing new is begun, but what is under way is finished first, because it may be
    paid for already and its artefact serves the next try. A cancellation cancels all at once.

    Raises:
        The gravest of the failures: a `Permanent` before an `Unavailable` before any other.
    """
    gate = asyncio.Semaphore(limit)
    failures: list[Exception] = []

    async def guarded(item: Item) -> Result | None:
        async with gate:
            if failures:
                return None
            try:
                return await work(item)
            except Exception as failure:
                failures.append(failure)
                return None

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(guarded(item)) for item in items]
    if failures:
        raise min(failures, key=_gravity)
    return [result for task in tasks if (result := task.result()) is not None]


def _gravity(failure: Exception) -> int:
    for rank, kind in enumerate((Permanent, Unavailable, Transient)):
        if isinstance(failure, kind):
            return rank
    return len((Permanent, Unavailable, Transient))
