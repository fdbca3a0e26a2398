"""What is counted of a stage's records, and how it is told."""

import asyncio
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from runtime.artefacts import Artefacts, Made
from runtime.bill import Bill
from runtime.errors import Permanent, Transient, Unavailable
from runtime.folder_objects import FolderObjects
from runtime.health import Health
from runtime.metrics import DECLARED
from runtime.stage import Job
from schemas.costs import Charge
from schemas.events import ImagesRendered, ScriptWritten
from tests import builders
from tests.measuring import Measured, samples
from tests.unit.test_worker import House, Script, paints
from tests.waiting import until

RECORD = builders.record(builders.script_written())


@pytest.fixture
def store(tmp_path: Path) -> FolderObjects:
    return FolderObjects(tmp_path)


async def test_records_are_counted_and_timed_by_their_outcome(store: FolderObjects) -> None:
    measured, house = Measured(), House(store, paints)

    await house.outcome(RECORD)
    await house.outcome(RECORD)

    for outcome in ("emitted", "repeated"):
        assert measured("keyframe_records_total", stage="images", outcome=outcome) == 1
        assert measured("keyframe_record_seconds_count", stage="images", outcome=outcome) == 1
    assert measured("keyframe_records_in_hand", stage="images") == 0


async def test_failed_tries_and_parked_records_are_counted_by_kind(store: FolderObjects) -> None:
    measured = Measured()
    failures = [Transient("a bad answer"), TimeoutError(), ValueError("a bug"), Permanent("refused")]

    await House(store, Script(failures)).outcome(RECORD)

    for kind in ("transient", "timeout", "unexpected", "permanent"):
        assert measured("keyframe_tries_failed_total", stage="images", kind=kind) == 1
    assert measured("keyframe_records_parked_total", stage="images", code="permanent") == 1
    assert measured("keyframe_records_total", stage="images", outcome="parked") == 1


def test_what_warns_is_there_before_it_first_happens(store: FolderObjects) -> None:
    House(store, paints).fresh_worker()

    told = samples()
    assert ("keyframe_records_total", frozenset({("stage", "images"), ("outcome", "given_back")})) in told
    assert ("keyframe_records_parked_total", frozenset({("stage", "images"), ("code", "crashed")})) in told
    assert ("keyframe_tries_failed_total", frozenset({("stage", "images"), ("kind", "unexpected")})) in told


async def test_who_is_waited_for_shows_for_as_long_as_the_wait_lasts(store: FolderObjects) -> None:
    house = House(store, Script([Unavailable("quota", on="nebius", retry_after=60)]))
    house.worker.clock = lambda: builders.NOON
    measured = Measured()

    settling = asyncio.create_task(house.worker.settle(RECORD))
    await until(lambda: measured("keyframe_records_waiting", stage="images", on="nebius") == 1)
    assert measured("keyframe_records_in_hand", stage="images") == 1
    house.hand.close()
    await settling

    assert measured("keyframe_records_waiting", stage="images", on="nebius") == 0
    assert measured("keyframe_tries_failed_total", stage="images", kind="unavailable") == 1
    assert measured("keyframe_records_total", stage="images", outcome="given_back") == 1


async def test_artefacts_and_what_they_cost_are_counted_once(store: FolderObjects) -> None:
    async def make(bill: Bill) -> Made:
        for usd in (0.25, None):
            bill.charge(Charge(provider="vendor", model="m", units={"images": 1}, usd=usd, seconds=2.0))
        return Made(b"a picture", "image/png")

    async def run(script: ScriptWritten, job: Job) -> ImagesRendered:
        for _ in range(2):
            await job.artefacts.obtain({"scene": 1}, make, lambda made: None)
        return await paints(script, job)

    measured, who = Measured(), {"stage": "images", "provider": "vendor", "model": "m"}
    await House(store, run).outcome(RECORD)

    assert measured("keyframe_artefacts_total", stage="images", how="made") == 1
    assert measured("keyframe_artefacts_total", stage="images", how="found") == 1
    assert measured("keyframe_paid_calls_total", **who) == 2
    assert measured("keyframe_paid_usd_total", **who) == 0.25
    assert measured("keyframe_unpriced_calls_total", **who) == 1
    assert measured("keyframe_paid_call_seconds_sum", **who) == 4


async def test_a_damaged_artefact_and_a_call_that_made_none_are_counted(store: FolderObjects) -> None:
    async def make(bill: Bill) -> Made:
        bill.charge(Charge(provider="vendor", model="m", units={}, usd=0.5, seconds=1.0))
        return Made(b"noise", "image/png")

    def refuse(made: Made) -> None:
        raise Transient("not a picture")

    artefacts, measured = Artefacts(store, builders.job_id(), stage="images"), Measured()
    await artefacts.obtain({}, make, lambda made: None)
    with pytest.raises(Transient):
        await artefacts.obtain({}, make, refuse)

    assert measured("keyframe_artefacts_total", stage="images", how="made") == 1
    assert measured("keyframe_artefacts_total", stage="images", how="damaged") == 1
    assert measured("keyframe_paid_usd_total", stage="images", provider="vendor", model="m") == 1.0


async def test_a_stage_serves_its_metrics_beside_its_health(store: FolderObjects) -> None:
    await House(store, paints).outcome(RECORD)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(Health().app()), base_url="http://stage") as client:
        answer = await client.get("/metrics")

    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    told = {sample.name for family in text_string_to_metric_families(answer.text) for sample in family.samples}
    assert {"keyframe_records_total", "keyframe_record_seconds_bucket"} <= told
    assert "process_resident_memory_bytes" in told


async def test_no_label_tells_of_a_job(store: FolderObjects) -> None:
    await House(store, paints).outcome(RECORD)

    assert not {label for one in DECLARED for label in one.labels} & {"job", "job_id", "trace", "prompt"}
    values = {value for (_, labels) in samples() for (_, value) in labels}
    assert builders.job_id() not in values


def test_every_metric_is_declared_once_by_the_rule() -> None:
    names = [one.name for one in DECLARED]

    assert len(names) == len(set(names))
    for one in DECLARED:
        assert one.name.startswith("keyframe_"), one
        assert (one.kind == "counter") == one.name.endswith("_total"), one
        assert one.kind != "histogram" or one.name.endswith("_seconds"), one
        assert one.meaning.endswith("."), one


def test_the_page_of_metrics_is_what_the_code_says() -> None:
    page = subprocess.run([sys.executable, "-m", "runtime.metrics"], capture_output=True, text=True, check=True)

    assert Path("docs/metrics.md").read_text(encoding="utf-8") == page.stdout, "run `make schemas`"
