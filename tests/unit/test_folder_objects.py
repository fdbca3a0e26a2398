"""What the folder adds to the contract of object stores: leftovers of crashes, and a disk that refuses."""

import asyncio
import errno
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runtime.errors import Unavailable
from runtime.folder_objects import FolderObjects

KEY = "artefacts/job/picture"
TEXT = "text/plain"


async def test_a_folder_clears_what_a_crash_left(tmp_path: Path) -> None:
    store = FolderObjects(tmp_path)
    await store.put(KEY, b"picture", content_type=TEXT)
    left, fresh = tmp_path / ".unfinished" / "left", tmp_path / ".unfinished" / "fresh"
    left.write_bytes(b"half")
    fresh.write_bytes(b"half")
    os.utime(left, (0, 0))
    assert await store.clear_unfinished(datetime(2000, 1, 1, tzinfo=UTC)) == 1
    assert (left.exists(), fresh.exists()) == (False, True)
    assert [entry.key async for entry in store.list("")] == [KEY]
    assert await store.address(KEY, seconds=60) is None


async def test_a_folder_is_not_pruned_from_under_a_write(tmp_path: Path) -> None:
    store = FolderObjects(tmp_path)

    async def come_and_go(name: str) -> None:
        for _ in range(10):
            await store.put(f"a/b/{name}", b"x", content_type=TEXT)
            await store.delete(f"a/b/{name}")
        await store.put(f"a/b/{name}", name.encode(), content_type=TEXT)

    await asyncio.gather(*(come_and_go(name) for name in "pqrs"))
    assert [await store.get(entry.key) async for entry in store.list("a/")] == [b"p", b"q", b"r", b"s"]


async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    store = FolderObjects(tmp_path / "file" / "objects")
    with pytest.raises(Unavailable, match="does not work") as refused:
        await store.put("a/b", b"", content_type="text/plain")
    assert str(tmp_path) not in str(refused.value)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is always full is Linux's")
async def test_a_full_disk_is_told(tmp_path: Path) -> None:
    store = FolderObjects(tmp_path)
    await store.put("a/b", b"x" * 100, content_type="text/plain")
    with pytest.raises(Unavailable, match="disk of the object store is full") as refused:
        await store.download("a/b", Path("/dev/full"))
    assert refused.value.on == "object store"
    assert isinstance(refused.value.__cause__, OSError)
    assert refused.value.__cause__.errno == errno.ENOSPC


async def test_what_somebody_put_beside_is_not_listed(tmp_path: Path) -> None:
    store = FolderObjects(tmp_path)
    await store.put(KEY, b"picture", content_type=TEXT)
    for stranger in (".DS_Store", "Copy of picture (1)", "artefacts/.hidden"):
        (tmp_path / stranger).write_bytes(b"")
    assert [entry.key async for entry in store.list("")] == [KEY]


@pytest.mark.parametrize("left", [None, b""])
async def test_an_object_outlives_a_type_that_a_power_cut_took(tmp_path: Path, left: bytes | None) -> None:
    store = FolderObjects(tmp_path)
    await store.put(KEY, b"picture", content_type=TEXT)
    of_type = tmp_path / ".types" / KEY
    of_type.unlink() if left is None else of_type.write_bytes(left)
    info = await store.head(KEY)
    assert info is not None
    assert info.content_type == "application/octet-stream"
    assert await store.get(KEY) == b"picture"
