"""The storage service, wired: its settings, its ports and its sweep."""

import asyncio
import os
from datetime import datetime
from pathlib import Path

import pytest

from runtime.artefacts import Artefacts
from runtime.errors import Unavailable
from runtime.folder_objects import FolderObjects
from runtime.stage import Job
from schemas import keys
from services.storage.app import StorageSettings, build
from services.storage.publishers import CarryAcross, CopyWithin
from tests.builders import job_id

OLD = keys.artefact_key(job_id(), {"name": "picture"})


class Away(FolderObjects):
    """A store that is away at first."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.refusals = 0
        self.deleted = asyncio.Event()

    async def clear_unfinished(self, before: datetime) -> int:
        if self.refusals == 0:
            self.refusals += 1
            raise Unavailable("the store is away", on="object store")
        return await super().clear_unfinished(before)

    async def delete(self, key: str) -> None:
        await super().delete(key)
        self.deleted.set()


async def no_progress(step: int, steps: int, label: str, artefact: str | None = None) -> None: ...


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> StorageSettings:
    monkeypatch.setenv("KEYFRAME_STORAGE_PROVIDER", "s3")
    monkeypatch.setenv("KEYFRAME_STORAGE_FOLDER", "elsewhere")
    monkeypatch.setenv("KEYFRAME_STORAGE_SWEEP_AFTER_DAYS", "7")
    monkeypatch.setenv("KEYFRAME_STORAGE_SWEEP_EVERY_HOURS", "0.00001")
    return StorageSettings()


def test_the_stage_shares_its_prefix_with_the_store(settings: StorageSettings) -> None:
    assert (settings.sweep_after_days, settings.deadline) == (7.0, 600.0)


async def test_published_files_have_a_store_of_their_own_where_one_is_named(
    settings: StorageSettings, tmp_path: Path
) -> None:
    store, public = FolderObjects(tmp_path / "objects"), FolderObjects(tmp_path / "public")
    job = Job(job_id(), store, Artefacts(store, job_id()), no_progress)
    together = build(settings, store, None).ports(job)
    apart = build(settings, store, public).ports(job)
    assert (together.publisher, together.published) == (CopyWithin(store), store)
    assert (apart.publisher, apart.published) == (CarryAcross(store, public), public)


async def test_the_sweep_goes_on_after_a_failure(settings: StorageSettings, tmp_path: Path) -> None:
    store = Away(tmp_path)
    await store.put(OLD, b"picture", content_type="image/png")
    os.utime(store.path(OLD), (0, 0))
    (chore,) = build(settings, store, None).chores
    sweeping = asyncio.ensure_future(chore())
    async with asyncio.timeout(20):
        await store.deleted.wait()
    sweeping.cancel()
    assert store.refusals == 1
    assert await store.head(OLD) is None
