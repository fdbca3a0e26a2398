"""What every object store does, over each of them."""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from runtime.folder_objects import FolderObjects
from runtime.objects import MalformedKey, ObjectMissing, ObjectStore
from runtime.s3_objects import S3Objects

KEY = "artefacts/job/picture"
TEXT = "text/plain"


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.s3)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "folder":
        return FolderObjects(tmp_path / "objects")
    return cast("S3Objects", request.getfixturevalue("s3_objects"))


async def read(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])


async def keys_of(store: ObjectStore, prefix: str) -> list[str]:
    return [entry.key async for entry in store.list(prefix)]


async def test_an_object_is_read_as_it_was_written(store: ObjectStore) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    await store.put(KEY, b"\x00\xff picture", content_type="image/png")
    assert await store.get(KEY) == b"\x00\xff picture"
    info = await store.head(KEY)
    assert info is not None
    assert (info.key, info.size, info.content_type) == (KEY, 10, "image/png")
    assert before < info.modified < datetime.now(UTC) + timedelta(seconds=2)


async def test_a_later_put_wins_with_its_content_type(store: ObjectStore) -> None:
    await store.put(KEY, b"old and longer", content_type="image/png")
    await store.put(KEY, b"new", content_type="image/jpeg")
    info = await store.head(KEY)
    assert info is not None
    assert (await store.get(KEY), info.content_type) == (b"new", "image/jpeg")


async def test_an_empty_object_is_an_object(store: ObjectStore) -> None:
    await store.put(KEY, b"", content_type=TEXT)
    assert await store.get(KEY) == b""
    assert await read(store.stream(KEY)) == b""
    info = await store.head(KEY)
    assert info is not None
    assert info.size == 0


async def test_an_upload_of_no_file_writes_nothing(store: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await store.upload(KEY, tmp_path / "nothing", content_type=TEXT)
    assert await store.head(KEY) is None


async def test_what_is_not_there_is_missing(store: ObjectStore, tmp_path: Path) -> None:
    await store.put("artefacts/job/picture.json", b"beside", content_type=TEXT)
    assert await store.head(KEY) is None
    assert await store.head("artefacts/job") is None
    with pytest.raises(ObjectMissing):
        await store.get(KEY)
    with pytest.raises(ObjectMissing):
        await read(store.stream(KEY))
    with pytest.raises(ObjectMissing):
        await read(store.stream(KEY, 2, 5))
    with pytest.raises(ObjectMissing):
        await store.download(KEY, tmp_path / "target")
    with pytest.raises(ObjectMissing):
        await store.copy(KEY, "artefacts/job/other")
    assert await keys_of(store, "") == ["artefacts/job/picture.json"]


async def test_one_of_twenty_creates_wins(store: ObjectStore) -> None:
    won = await asyncio.gather(*(store.create(KEY, b"%d" % number, content_type=TEXT) for number in range(20)))
    assert won.count(True) == 1
    assert await store.get(KEY) == b"%d" % won.index(True)


async def test_a_create_leaves_what_is_there(store: ObjectStore) -> None:
    await store.put(KEY, b"first", content_type="image/png")
    assert not await store.create(KEY, b"second", content_type=TEXT)
    info = await store.head(KEY)
    assert info is not None
    assert (await store.get(KEY), info.content_type) == (b"first", "image/png")


@pytest.mark.parametrize(
    ("start", "end"), [(0, None), (0, 5), (3, None), (3, 7), (9, 10), (9, 99), (10, None), (99, None), (4, 4)]
)
async def test_a_stream_gives_the_range(store: ObjectStore, start: int, end: int | None) -> None:
    await store.put(KEY, b"0123456789", content_type=TEXT)
    assert await read(store.stream(KEY, start, end)) == b"0123456789"[start:end]


async def test_a_stream_that_is_left_early_harms_nothing(store: ObjectStore) -> None:
    content = os.urandom(3_000_000)
    await store.put(KEY, content, content_type=TEXT)
    async with aclosing(cast("AsyncGenerator[bytes]", store.stream(KEY, 1))) as pieces:
        first = await anext(pieces)
    assert content[1:].startswith(first)
    assert 0 < len(first) < len(content) - 1
    assert await store.get(KEY) == content


async def test_a_list_is_in_the_order_of_keys(store: ObjectStore) -> None:
    made = ["a-b", "a.b", "a/b", "a/b.json", "a/b/c", "a0", "ab/x", "artefacts/j/1", "artefacts/j2/1", "z"]
    made.remove("a/b")  # a folder store cannot have an object and objects below it
    for key in reversed(made):
        await store.put(key, key.encode(), content_type=TEXT)
    assert await keys_of(store, "") == made
    assert await keys_of(store, "a/") == ["a/b.json", "a/b/c"]
    assert await keys_of(store, "a/b") == ["a/b.json", "a/b/c"]
    assert await keys_of(store, "artefacts/j") == ["artefacts/j/1", "artefacts/j2/1"]
    assert await keys_of(store, "artefacts/j/") == ["artefacts/j/1"]
    assert await keys_of(store, "nothing/") == []
    assert [entry.size async for entry in store.list("a/")] == [8, 5]


async def test_a_deleted_object_is_gone(store: ObjectStore) -> None:
    await store.put("a/b/c", b"c", content_type=TEXT)
    await store.put("a/d", b"d", content_type=TEXT)
    await store.delete("a/b/c")
    await store.delete("a/b/c")
    await store.delete("never/was")
    assert await keys_of(store, "") == ["a/d"]
    assert await store.head("a/b/c") is None


async def test_a_copy_keeps_bytes_and_content_type(store: ObjectStore) -> None:
    await store.put(KEY, b"video", content_type="video/mp4")
    await store.put("published/job/1/video.mp4", b"an older one", content_type=TEXT)
    await store.copy(KEY, "published/job/1/video.mp4")
    info = await store.head("published/job/1/video.mp4")
    assert info is not None
    assert (info.size, info.content_type) == (5, "video/mp4")
    assert await store.get("published/job/1/video.mp4") == await store.get(KEY) == b"video"


async def test_a_large_file_goes_up_and_comes_down(store: ObjectStore, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(os.urandom(1_000_000) * 30)
    await store.upload(KEY, source, content_type="video/mp4")
    info = await store.head(KEY)
    assert info is not None
    assert (info.size, info.content_type) == (30_000_000, "video/mp4")
    await store.download(KEY, target)
    assert target.read_bytes() == source.read_bytes()
    assert await read(store.stream(KEY, 29_999_990)) == source.read_bytes()[-10:]


async def test_more_reads_than_threads_all_end(store: ObjectStore) -> None:
    await store.put(KEY, b"picture", content_type=TEXT)
    assert await asyncio.gather(*(store.get(KEY) for _ in range(60))) == [b"picture"] * 60


HOSTILE = [
    "",
    "/etc/passwd",
    "..",
    "a/../../b",
    "a//b",
    "a/",
    "./a",
    ".types/a",
    "a/.hidden",
    "a\x00b",
    "a\nb",
    "a\\b",
    "a b",
    "ä",
    "a?b=c",
    "a/" + "b" * 300,
    "a/" * 300 + "b",
]


@pytest.mark.parametrize("key", HOSTILE)
async def test_a_hostile_key_is_refused(store: ObjectStore, key: str, tmp_path: Path) -> None:
    await store.put(KEY, b"picture", content_type=TEXT)
    calls = [
        store.put(key, b"", content_type=TEXT),
        store.create(key, b"", content_type=TEXT),
        store.get(key),
        store.head(key),
        anext(store.stream(key)),
        store.upload(key, tmp_path, content_type=TEXT),
        store.download(key, tmp_path / "target"),
        store.copy(key, "a"),
        store.copy(KEY, key),
        store.delete(key),
        store.address(key, seconds=60),
    ]
    for call in calls:
        with pytest.raises(MalformedKey):
            await call
    assert await keys_of(store, "") == [KEY]


@pytest.mark.parametrize("prefix", ["/", "../", "a//", ".", "a/../b", "a\x00"])
async def test_a_hostile_prefix_is_refused(store: ObjectStore, prefix: str) -> None:
    with pytest.raises(MalformedKey):
        await keys_of(store, prefix)


async def test_only_old_leftovers_are_cleared(store: ObjectStore) -> None:
    await store.put(KEY, b"picture", content_type=TEXT)
    assert await store.clear_unfinished(datetime.now(UTC) + timedelta(days=1)) == 0
    assert await store.get(KEY) == b"picture"
