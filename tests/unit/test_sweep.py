"""What the sweep takes and what it leaves: folders whose files are as old as a test says."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from runtime.folder_objects import FolderObjects
from runtime.sweep import Stores, Swept, sweep
from schemas import keys
from tests.builders import job_id

NOW = datetime(2026, 6, 1, tzinfo=UTC)
MONTH = timedelta(days=30)


class Folder:
    """A store whose objects are as old as they are said to be."""

    def __init__(self, root: Path) -> None:
        self.store = FolderObjects(root)

    async def add(self, key: str, *, days: float, size: int = 10) -> None:
        await self.store.put(key, b"x" * size, content_type="text/plain")
        written = (NOW - timedelta(days=days)).timestamp()
        os.utime(self.store.path(key), (written, written))

    async def keys(self) -> list[str]:
        return [entry.key async for entry in self.store.list("")]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "objects")


async def swept(folder: Folder, published: Folder | None = None) -> Swept:
    stores = Stores(folder.store, (published or folder).store)
    return await sweep(stores, now=NOW, inactive=MONTH)


def artefact(job: str, name: str = "picture") -> str:
    return keys.artefact_key(job, {"name": name})


async def test_what_an_old_job_left_goes_and_its_results_stay(folder: Folder) -> None:
    job = job_id(1)
    await folder.add(artefact(job, "one"), days=31, size=100)
    await folder.add(artefact(job, "two"), days=40, size=200)
    await folder.add(f"{keys.scratch_prefix(job)}made/video.mp4", days=35, size=300)
    kept = [keys.answer_key(job, "event"), keys.published_key(job, 1, "video.mp4")]
    for key in kept:
        await folder.add(key, days=31)
    assert await swept(folder) == Swept(jobs=1, objects=3, size=600)
    assert await folder.keys() == kept
    assert await swept(folder) == Swept()


@pytest.mark.parametrize(
    "sign",
    [
        artefact(job_id(1), "new"),
        keys.answer_key(job_id(1), "event"),
        f"{keys.scratch_prefix(job_id(1))}made/video.mp4",
        keys.published_key(job_id(1), 2, "video.mp4"),
    ],
)
async def test_any_sign_of_life_keeps_the_whole_job(folder: Folder, sign: str) -> None:
    await folder.add(artefact(job_id(1)), days=300)
    await folder.add(sign, days=29)
    await folder.add(artefact(job_id(2)), days=31)
    assert await swept(folder) == Swept(jobs=1, objects=1, size=10)
    assert set(await folder.keys()) == {artefact(job_id(1)), sign}


async def test_a_job_lives_by_what_was_published_elsewhere(folder: Folder, tmp_path: Path) -> None:
    published = Folder(tmp_path / "published")
    await folder.add(artefact(job_id(1)), days=31)
    await published.add(keys.published_key(job_id(1), 1, "video.mp4"), days=1)
    assert await swept(folder, published) == Swept()
    await published.add(keys.published_key(job_id(1), 1, "video.mp4"), days=31)
    assert await swept(folder, published) == Swept(jobs=1, objects=1, size=10)
    assert await published.keys() == [keys.published_key(job_id(1), 1, "video.mp4")]


async def test_what_belongs_to_no_job_is_left_alone(folder: Folder) -> None:
    strangers = ["artefacts/readme.txt", "artefacts/somebody/notes.txt", "backups/old.tar", "scratch/x/y"]
    for key in strangers:
        await folder.add(key, days=300)
    assert await swept(folder) == Swept()
    assert await folder.keys() == strangers


async def test_writes_that_were_cut_off_go_after_a_day(folder: Folder, tmp_path: Path) -> None:
    await folder.add(artefact(job_id(1)), days=0)
    for name, days in (("old", 2), ("fresh", 0.5)):
        left = tmp_path / "objects" / ".unfinished" / name
        left.write_bytes(b"half")
        written = (NOW - timedelta(days=days)).timestamp()
        os.utime(left, (written, written))
    assert await swept(folder) == Swept(unfinished=1)
    assert [path.name for path in (tmp_path / "objects" / ".unfinished").iterdir()] == ["fresh"]
