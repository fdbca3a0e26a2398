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
from schemas.envelope import Envelope
from schemas.topics import JOB_DISCARDED, JOB_REDRIVEN, Topic
from services.gateway import turns
from services.gateway.mending import Mending
from services.gateway.ports import MendingUnderWay, Wanted
from tests.builders import job_id, record, script_written
from tests.gateways import FakeLog, GatewayUnderTest, running
from tests.integration.gateway.test_gateway_dead_letters import ask, listed, name, park


@dataclass
class SlowLog(FakeLog):
    """Takes no record before a test says so."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    taking: asyncio.Event = field(default_factory=asyncio.Event)

    async def put(self, record: Record) -> None:
        self.reached.set()
        await self.taking.wait()
        await super().put(record)


@dataclass
class ChoosyLog(FakeLog):
    """Takes neither these records nor events about these jobs, for now."""

    no_records_of: str = ""
    no_events_of: str = ""

    async def put(self, record: Record) -> None:
        if record.key == self.no_records_of.encode():
            raise Unavailable("no broker for this record", on="kafka")
        await super().put(record)

    async def publish(self, topic: Topic, envelope: Envelope) -> None:
        if envelope.subject == self.no_events_of:
            raise Unavailable("no broker for this event", on="kafka")
        await super().publish(topic, envelope)


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


@pytest.mark.parametrize(("what", "done"), [("redrive", "redriven"), ("discard", "discarded")])
async def test_what_is_done_is_told_before_what_failed_beside_it(tables: str, tmp_path: Path, what: str, done: str):
    log = ChoosyLog(no_events_of=job_id(3), no_records_of=job_id(4))
    async with running(tables, tmp_path, log=log) as gateway:
        parked = [park(gateway, record(script_written(number))) for number in range(1, 7)]
        await log.deliver(*parked)
        good = [name(one) for one in (parked[0], parked[1], parked[4], parked[5])]
        if what == "discard":
            good.insert(2, name(parked[3]))
        *lines, last = await ask(gateway, what, records=[f"{parked[0].topic}/9/9", *map(name, parked)])

        assert [(line["event"], line["record"]) for line in lines] == [
            ("refused", f"{parked[0].topic}/9/9"),
            *((done, one) for one in good),
        ]
        assert (last["event"], "no broker for this" in last["detail"]) == ("error", True)
        settled = [one["record"] for one in await listed(gateway, settled=True) if one["settled"]]
        assert sorted(settled) == sorted(good)  # what was told of has come into the view, too

        log.no_events_of = log.no_records_of = ""
        again = await ask(gateway, what, all=True)
        assert again[-1] == {"event": "done", "totals": {done: 6 - len(good)}}
        assert await listed(gateway) == []
