"""A cancelled job's records: settled without work, without an answer, without a failure."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from runtime.artefacts import Made
from runtime.bill import Bill
from runtime.cancellations import Cancellations
from runtime.concurrency import each
from runtime.errors import Permanent, Transient, Unavailable
from runtime.folder_objects import FolderObjects
from runtime.metrics import REGISTRY
from runtime.outcome import Cancelled, Emitted
from runtime.records import Record
from runtime.settings import StageSettings
from runtime.stage import Job
from schemas.costs import Charge
from schemas.events import ImagesRendered, ScriptWritten
from schemas.jobs import JobCancelled
from schemas.topics import IMAGES_RENDERED
from tests import builders
from tests.unit.test_worker import House, Script, paints
from tests.waiting import until

CHARGE = Charge(provider="nebius", model="flux", units={"images": 1}, usd=0.01, seconds=1.0)
PENNY = Made(b"a picture", "image/png")


def cancel(revision: int = 1, number: int = 1) -> Record:
    return builders.record(JobCancelled(job_id=builders.job_id(number), revision=revision))


def record(revision: int = 1) -> Record:
    return builders.record(builders.script_written().model_copy(update={"revision": revision}))


def told_nothing(house: House) -> bool:
    """Neither an answer nor a failure, and nothing that counts as one."""
    return (house.bus.of(IMAGES_RENDERED), house.failed(), house.bus.parked, house.brake.in_a_row) == ([], [], [], 0)


def unexpected() -> float:
    """Bugs that the metrics tell of."""
    told = {"stage": "images", "kind": "unexpected"}
    return REGISTRY.get_sample_value("keyframe_tries_failed_total", told) or 0.0


@pytest.fixture
def store(tmp_path: Path) -> FolderObjects:
    return FolderObjects(tmp_path)


async def test_a_cancelled_record_is_settled_without_work(store: FolderObjects) -> None:
    run = Script([])
    house = House(store, run)
    house.worker.cancelled.note(cancel())

    assert await house.worker.settle(record()) == Cancelled()

    assert run.runs == 0
    assert house.bus.published == []
    assert [entry async for entry in store.list("hands/")] == []


async def test_an_answer_that_is_remembered_is_not_emitted_again(store: FolderObjects) -> None:
    house = House(store, paints)
    assert isinstance(await house.worker.settle(record()), Emitted)
    house.worker.cancelled.note(cancel())

    assert await house.worker.settle(record()) == Cancelled()
    assert len(house.bus.of(IMAGES_RENDERED)) == 1


async def test_a_replay_of_a_cancelled_job_is_worked_at(store: FolderObjects) -> None:
    house = House(store, paints)
    house.worker.cancelled.note(cancel(revision=2))
    house.worker.cancelled.note(cancel(revision=1))  # older news change nothing

    assert await house.worker.settle(record(2)) == Cancelled()
    assert isinstance(await house.worker.settle(record(3)), Emitted)


async def test_another_job_goes_on(store: FolderObjects) -> None:
    house = House(store, paints)
    house.worker.cancelled.note(cancel(number=2))

    assert isinstance(await house.worker.settle(record()), Emitted)


async def test_the_call_in_flight_ends_and_is_kept_and_no_other_begins(store: FolderObjects) -> None:
    calling, answered, paid = asyncio.Event(), asyncio.Event(), list[int]()

    async def pays(script: ScriptWritten, job: Job) -> ImagesRendered:
        async def painted(index: int) -> None:
            async def make(bill: Bill) -> Made:
                bill.reserve(0.01)
                paid.append(index)
                calling.set()
                await answered.wait()
                bill.charge(CHARGE)
                return PENNY

            await job.artefacts.obtain({"scene": index}, make, lambda made: None)
            await job.progress(index + 1, 9, "image")

        await each(range(9), painted, limit=1)
        return await paints(script, job)

    house = House(store, pays)
    settling = asyncio.create_task(house.worker.settle(record()))
    await calling.wait()
    house.worker.cancelled.note(cancel())
    answered.set()

    assert await settling == Cancelled()
    assert paid == [0]
    assert len([entry async for entry in store.list("artefacts/")]) == 2  # its bytes and its facts
    assert told_nothing(house)
    assert [each.step for each in house.progress()] == [0]


async def test_a_second_call_within_one_artefact_is_not_begun(store: FolderObjects) -> None:
    calls = list[int]()

    async def writes(script: ScriptWritten, job: Job) -> ImagesRendered:
        async def make(bill: Bill) -> Made:
            bill.reserve(0.01)
            calls.append(1)
            bill.charge(CHARGE)
            house.worker.cancelled.note(cancel())
            bill.reserve(0.01)  # to have the answer repaired
            calls.append(2)
            return PENNY

        await job.artefacts.obtain({"scene": 1}, make, lambda made: None)
        return await paints(script, job)

    house = House(store, writes)

    assert await house.worker.settle(record()) == Cancelled()
    assert calls == [1]
    assert told_nothing(house)


@pytest.mark.parametrize("asks", ["an artefact", "progress", "nothing"])
async def test_work_that_costs_nothing_stops_too(store: FolderObjects, asks: str) -> None:
    made = list[str]()

    async def works(script: ScriptWritten, job: Job) -> ImagesRendered:
        async def make(bill: Bill) -> Made:
            made.append("an artefact")
            return PENNY

        house.worker.cancelled.note(cancel())
        if asks == "an artefact":
            await job.artefacts.obtain({"scene": 1}, make, lambda made: None)
        elif asks == "progress":
            await job.progress(1, 10, "rendered to 10 %")
        return await paints(script, job)

    house = House(store, works)

    assert await house.worker.settle(record()) == Cancelled()
    assert made == []
    assert told_nothing(house)
    assert [entry async for entry in store.list("answers/")] == []


@pytest.mark.parametrize(
    "failure",
    [
        Permanent("refused"),
        Transient("malformed"),
        Unavailable("away", on="polly"),
        ZeroDivisionError(),
        ExceptionGroup("both", [Permanent("refused"), ZeroDivisionError()]),
    ],
)
async def test_what_fails_beside_a_cancel_is_no_failure(store: FolderObjects, failure: Exception) -> None:
    async def fails(script: ScriptWritten, job: Job) -> ImagesRendered:
        house.worker.cancelled.note(cancel())
        raise failure

    house = House(store, fails)

    assert await house.worker.settle(record()) == Cancelled()
    assert told_nothing(house)


@pytest.mark.parametrize(("failure", "bugs"), [(ZeroDivisionError(), 1), (Permanent("refused"), 0), (None, 0)])
async def test_a_bug_beside_a_cancel_shows(store: FolderObjects, failure: Exception | None, bugs: int) -> None:
    async def fails(script: ScriptWritten, job: Job) -> ImagesRendered:
        house.worker.cancelled.note(cancel())
        if failure is not None:
            raise failure
        return await paints(script, job)

    house = House(store, fails)
    before = unexpected()
    assert await house.worker.settle(record()) == Cancelled()
    assert unexpected() - before == bugs


@pytest.mark.parametrize(
    "failure", [Unavailable("away", on="polly", retry_after=3600), Transient("malformed")], ids=["hold", "back-off"]
)
async def test_a_cancel_ends_a_wait_at_once(store: FolderObjects, failure: Exception) -> None:
    run = Script([failure])
    settings = StageSettings(attempts=2)
    house = House(store, run, settings, leap=timedelta(0))
    house.worker.jitter = lambda most: 3600.0
    settling = asyncio.create_task(house.worker.settle(record()))
    await until(lambda: house.hand.doing == "wait")
    house.worker.cancelled.note(cancel(number=2))  # somebody else's
    house.worker.cancelled.note(cancel())

    assert await asyncio.wait_for(settling, 10) == Cancelled()
    assert run.runs == 1
    assert told_nothing(house)


async def test_a_cancelled_record_that_kills_is_settled_too(store: FolderObjects) -> None:
    async def dies(script: ScriptWritten, job: Job) -> ImagesRendered:
        raise SystemExit

    house = House(store, dies)
    for _ in range(3):
        with pytest.raises(SystemExit):
            await house.fresh_worker().settle(record())
    house.worker.cancelled.note(cancel())

    assert await house.worker.settle(record()) == Cancelled()
    assert told_nothing(house)


@pytest.mark.parametrize(
    "changes",
    [
        {"value": None},
        {"value": b"\xff"},
        {"value": b"{}"},
        {"headers": ()},
        {"headers": (("ce_id", b"\xff"),)},
        {"value": JobCancelled(job_id=builders.job_id(2)).model_dump_json().encode()},
        {"value": b'{"job_id":"' + builders.job_id().encode() + b'","revision":0}'},
    ],
)
def test_what_is_no_cancel_is_passed_over(changes: dict[str, Any]) -> None:
    cancelled = Cancellations()

    cancelled.note(replace(cancel(), **changes))

    assert not any(cancelled.cover(builders.job_id(number), 1) for number in (1, 2))
