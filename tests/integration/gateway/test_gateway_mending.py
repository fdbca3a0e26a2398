"""Redrives and discards that are not alone: two gateways at once, and a log that fails in the middle."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path

import asyncpg
import pytest

from runtime.errors import Unavailable
from runtime.records import Record
from schemas.topics import JOB_DISCARDED, JOB_REDRIVEN
from services.gateway import turns
from services.gateway.mending import Mending
from services.gateway.ports import MendingUnderWay, Wanted
from tests.builders import record, script_written
from tests.gateways import FakeLog, GatewayUnderTest, running
from tests.integration.gateway.test_gateway_dead_letters import ask, name, park


@dataclass
class SlowLog(FakeLog):
    """Takes no record before a test says so."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    taking: asyncio.Event = field(default_factory=asyncio.Event)

    async def put(self, record: Record) -> None:
        self.reached.set()
        await self.taking.wait()
        await super().put(record)


@pytest.fixture
async def both(tables: str, tmp_path: Path) -> AsyncIterator[tuple[GatewayUnderTest, GatewayUnderTest, SlowLog]]:
    """Two gateways of a deployment, and the log that they share."""
    log = SlowLog()
    async with running(tables, tmp_path, log=log) as first, running(tables, tmp_path, log=log) as second:
        yield first, second, log


async def in_line(dsn: str) -> None:
    """Waits until somebody waits for a turn."""
    connection = await asyncpg.connect(dsn)
    query = "select count(*) from pg_locks where locktype = 'advisory' and objid = $1 and not granted"
    try:
        async with asyncio.timeout(30):
            while not await connection.fetchval(query, turns.MENDING):  # noqa: ASYNC110 - SQL has no event
                await asyncio.sleep(0.01)
    finally:
        await connection.close()


async def test_what_two_gateways_redrive_at_once_is_sent_once(
    both: tuple[GatewayUnderTest, GatewayUnderTest, SlowLog], tables: str
):
    first, second, log = both
    parked = [park(first, record(script_written(number))) for number in (1, 2)]
    await first.log.deliver(*parked)
    names = [name(one) for one in parked]

    at_work = asyncio.create_task(ask(first, "redrive", all=True))
    await log.reached.wait()
    waiting = [
        asyncio.create_task(ask(second, "redrive", all=True)),
        asyncio.create_task(ask(second, "redrive", records=names)),
        asyncio.create_task(ask(second, "discard", records=names)),
    ]
    await in_line(tables)
    log.taking.set()

    assert (await at_work)[-1] == {"event": "done", "totals": {"redriven": 2}}
    whatever, *by_name = [await one for one in waiting]
    assert whatever == [{"event": "done", "totals": {}}]
    for lines in by_name:
        assert [line.get("reason") for line in lines] == ["it is redriven already"] * 2 + [None]
    assert len(log.written) == len(log.of(JOB_REDRIVEN)) == 2
    assert log.of(JOB_DISCARDED) == []


async def test_who_has_waited_for_long_is_told_so(
    both: tuple[GatewayUnderTest, GatewayUnderTest, SlowLog], tables: str
):
    first, second, log = both
    await first.log.deliver(park(first, record(script_written())))
    at_work = asyncio.create_task(ask(first, "redrive", all=True))
    await log.reached.wait()
    for gateway in (first, second):
        mending: Mending = replace(gateway.app.state.parts.mending, patience=0.2)
        for settle in (mending.redrive, mending.discard):
            with pytest.raises(MendingUnderWay, match="try again when it is done"):
                [line async for line in settle(Wanted())]
    log.taking.set()
    assert (await at_work)[-1] == {"event": "done", "totals": {"redriven": 1}}
    assert len(log.written) == 1


async def test_who_hangs_up_in_line_or_at_work_leaves_the_turn_to_the_next(
    both: tuple[GatewayUnderTest, GatewayUnderTest, SlowLog], tables: str
):
    first, second, log = both
    await first.log.deliver(park(first, record(script_written())))
    at_work = asyncio.create_task(ask(first, "redrive", all=True))
    await log.reached.wait()
    waiting = asyncio.create_task(ask(second, "redrive", all=True))
    await in_line(tables)
    for one in (waiting, at_work):
        one.cancel()
        await asyncio.gather(one, return_exceptions=True)
    log.taking.set()
    assert (await ask(second, "redrive", all=True))[-1] == {"event": "done", "totals": {"redriven": 1}}
    assert len(log.written) == 1


async def test_who_is_not_sure_to_be_alone_any_more_sends_nothing_further(gateway: GatewayUnderTest, tables: str):
    parked = [park(gateway, record(script_written(number))) for number in range(1, 61)]
    await gateway.log.deliver(*parked)
    mending: Mending = gateway.app.state.parts.mending
    async with aclosing(mending.redrive(Wanted())) as lines:
        await anext(lines)
        connection = await asyncpg.connect(tables)
        ended = "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and objid = $1"
        await connection.execute(ended, turns.MENDING)
        await connection.close()
        with pytest.raises(Unavailable):
            [line async for line in lines]
    assert len(gateway.log.written) == 50
