"""What is made for a job and kept: paid for once, also where the store is away in between."""

from pathlib import Path

import pytest

from runtime.artefacts import Artefacts, Made
from runtime.bill import Bill
from runtime.errors import Unavailable
from runtime.folder_objects import FolderObjects
from schemas.costs import Charge
from tests.builders import job_id

RECIPE = {"prompt": "a reef"}


class Flaky(FolderObjects):
    """A store that fails the next writes."""

    failing = 0

    async def put(self, key: str, data: bytes, *, content_type: str) -> None:
        if self.failing:
            self.failing -= 1
            raise Unavailable("the store is full", on="object store")
        await super().put(key, data, content_type=content_type)


class Paid:
    """Takes money for each picture, and makes no two alike."""

    calls = 0

    async def __call__(self, bill: Bill) -> Made:
        self.calls += 1
        bill.charge(Charge(provider="nebius", model="flux", units={"images": 1}, usd=0.01, seconds=1.0))
        return Made(f"picture {self.calls}".encode(), "image/png")


@pytest.mark.parametrize("failing", [1, 2])
async def test_what_could_not_be_kept_is_kept_by_the_next_try_and_paid_for_once(tmp_path: Path, failing: int) -> None:
    store, make = Flaky(tmp_path), Paid()
    artefacts = Artefacts(store, job_id())

    store.failing = failing
    for _ in range(failing):
        with pytest.raises(Unavailable):
            await artefacts.obtain(RECIPE, make, lambda made: None)
    kept = await artefacts.obtain(RECIPE, make, lambda made: None)

    assert await store.get(kept.key) == b"picture 1"
    assert [charge.usd for charge in artefacts.charges] == [0.01]
    again = await Artefacts(store, job_id()).obtain(RECIPE, make, lambda made: None)
    assert (again.made.data, make.calls) == (b"picture 1", 1)
    assert again.made.facts["charges"][0]["usd"] == 0.01


async def test_what_another_has_kept_meanwhile_counts(tmp_path: Path) -> None:
    store, ours, theirs = Flaky(tmp_path), Paid(), Paid()
    theirs.calls = 7
    artefacts = Artefacts(store, job_id())
    store.failing = 1
    with pytest.raises(Unavailable):
        await artefacts.obtain(RECIPE, ours, lambda made: None)

    await Artefacts(store, job_id()).obtain(RECIPE, theirs, lambda made: None)

    assert (await artefacts.obtain(RECIPE, ours, lambda made: None)).made.data == b"picture 8"
