import asyncio

import pytest

from runtime.concurrency import each
from runtime.errors import Permanent, Transient, Unavailable


async def test_results_keep_the_order_of_the_items() -> None:
    async def slower_first(item: int) -> int:
        for _ in range(10 - item):
            await asyncio.sleep(0)
        return item * item

    assert await each(range(10), slower_first, limit=4) == [item * item for item in range(10)]


async def test_no_more_at_once_than_the_limit() -> None:
    running, most = 0, 0

    async def work(_: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return 0

    await each(range(20), work, limit=3)

    assert most == 3


async def test_what_is_under_way_is_finished_and_nothing_new_begun_after_a_failure() -> None:
    begun: list[int] = []
    finished: list[int] = []

    async def work(item: int) -> int:
        begun.append(item)
        await asyncio.sleep(0)
        if item == 0:
            raise Transient("no")
        await asyncio.sleep(0)
        finished.append(item)
        return item

    with pytest.raises(Transient):
        await each(range(10), work, limit=3)

    assert begun == [0, 1, 2]
    assert finished == [1, 2]


async def test_the_gravest_failure_is_raised() -> None:
    failures = [Transient("later"), Unavailable("away", on="x"), Permanent("never")]

    async def work(failure: Exception) -> None:
        await asyncio.sleep(0)
        raise failure

    with pytest.raises(Permanent, match="never"):
        await each(failures, work, limit=3)
