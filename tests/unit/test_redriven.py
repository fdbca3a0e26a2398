"""A parked record on its way back: what the stage makes of it the second time."""

from pathlib import Path

import pytest

from runtime.artefacts import Made
from runtime.bill import Bill
from runtime.errors import Permanent
from runtime.folder_objects import FolderObjects
from runtime.outcome import Emitted, Parked
from runtime.records import Record
from runtime.stage import Job
from schemas.events import ImagesRendered, ScriptWritten
from services.gateway.parked import dead_letter, original
from tests import builders
from tests.unit.test_worker import House, paints


@pytest.fixture
def store(tmp_path: Path) -> FolderObjects:
    return FolderObjects(tmp_path)


def again(parked: Record) -> Record:
    """The record as a redrive sends it."""
    record = original(parked, dead_letter(parked))
    assert isinstance(record, Record)
    return record


async def test_what_was_paid_for_is_not_paid_for_again(store: FolderObjects) -> None:
    paid = list[int]()

    async def pays(script: ScriptWritten, job: Job) -> ImagesRendered:
        for scene in range(3):

            async def make(bill: Bill, scene: int = scene) -> Made:
                paid.append(scene)
                if paid.count(2) == 1:
                    raise Permanent("refused")
                return Made(b"a picture", "image/png")

            await job.artefacts.obtain({"scene": scene}, make, lambda made: None)
        return await paints(script, job)

    house = House(store, pays)
    assert isinstance(await house.worker.settle(builders.record(builders.script_written())), Parked)

    assert isinstance(await house.worker.settle(again(house.bus.parked[0])), Emitted)
    assert paid == [0, 1, 2, 2]


@pytest.mark.parametrize("value", [None, b"{}"])
async def test_bytes_that_never_decode_count_their_turns(store: FolderObjects, value: bytes | None) -> None:
    house = House(store, paints)
    record = builders.record(builders.script_written(), value=value)
    for turn in range(3):
        assert isinstance(await house.worker.settle(record), Parked)
        letter = dead_letter(house.bus.parked[turn])
        assert (letter.job_id, letter.redrives, letter.code) == (builders.job_id(), turn, "undecodable")
        record = again(house.bus.parked[turn])
        assert record.value == value

    assert [each.redrives for each in house.failed()] == [0, 1, 2]
