"""Kafka's jars: what the cache holds is what was pinned, whoever fetches it and whatever cuts it off."""

import asyncio
import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from keyframe.embedded.errors import JarsUnavailable
from keyframe.embedded.jars import LOCK, WHAT, DownloadFailed, Jar, fetch, locked_jars
from keyframe.embedded.report import Downloading, Progress, silent


def jar(name: str, content: bytes) -> Jar:
    """A jar that is pinned to `content`."""
    return Jar("org.example", name, "1.0", hashlib.sha256(content).hexdigest())


JARS = [jar("one", b"first"), jar("two", b"second")]
CONTENTS = {"one": b"first", "two": b"second"}


class Repository:
    """A fake of the Maven repository, which counts what was asked of it."""

    def __init__(self, contents: dict[str, bytes]) -> None:
        self.contents = contents
        self.asked: list[str] = []

    def __call__(self, jar: Jar, folder: Path, received: Callable[[int], None]) -> Path:
        self.asked.append(jar.artifact)
        if jar.artifact not in self.contents:
            raise DownloadFailed(f"the Maven repository has no {jar.name}")
        content = self.contents[jar.artifact]
        received(len(content))
        file = folder / jar.artifact / jar.name
        file.parent.mkdir(parents=True)
        file.write_bytes(content)
        return file


async def test_each_jar_is_downloaded_once(tmp_path: Path) -> None:
    repository = Repository(CONTENTS)
    for _ in range(2):
        files = await fetch(JARS, tmp_path, repository, silent)
        assert [file.read_bytes() for file in files] == [b"first", b"second"]
    assert sorted(repository.asked) == ["one", "two"]
    assert sorted(path.name for path in (tmp_path / "jars").iterdir()) == ["lock", "one-1.0.jar", "two-1.0.jar"]


async def test_two_stacks_that_start_at_once_download_once(tmp_path: Path) -> None:
    repository = Repository(CONTENTS)
    await asyncio.gather(*(fetch(JARS, tmp_path, repository, silent) for _ in range(2)))
    assert sorted(repository.asked) == ["one", "two"]


async def test_a_damaged_jar_is_fetched_again(tmp_path: Path) -> None:
    repository = Repository(CONTENTS)
    one, _ = await fetch(JARS, tmp_path, repository, silent)
    one.write_bytes(b"fir")
    await fetch(JARS, tmp_path, repository, silent)
    assert one.read_bytes() == b"first"
    assert sorted(repository.asked) == ["one", "one", "two"]


@pytest.mark.parametrize(
    ("contents", "reason"),
    [({**CONTENTS, "two": b"other"}, "is not the file that was pinned"), ({"one": b"first"}, "has no two-1.0.jar")],
)
async def test_what_cannot_be_had_is_an_error_that_names_the_way_on(
    tmp_path: Path, contents: dict[str, bytes], reason: str
) -> None:
    with pytest.raises(JarsUnavailable, match=f"{reason}.*KEYFRAME_KAFKA_BOOTSTRAP"):
        await fetch(JARS, tmp_path, Repository(contents), silent)
    left = {path.name for path in (tmp_path / "jars").iterdir()}
    assert left <= {"lock", "one-1.0.jar"}
    assert await fetch(JARS, tmp_path, Repository(CONTENTS), silent)


async def test_a_download_that_breaks_off_is_tried_again(tmp_path: Path) -> None:
    repository = Repository(CONTENTS)
    broken = iter([b"fir", b"fir"])

    def unsteady(jar: Jar, folder: Path, received: Callable[[int], None]) -> Path:
        file = repository(jar, folder, received)
        file.write_bytes(next(broken, CONTENTS[jar.artifact]))
        return file

    one, two = await fetch(JARS, tmp_path, unsteady, silent)
    assert (one.read_bytes(), two.read_bytes()) == (b"first", b"second")


async def test_a_cache_that_cannot_be_written_is_an_error_that_names_its_setting(tmp_path: Path) -> None:
    (tmp_path / "jars").write_text("a file where a folder should be")
    with pytest.raises(JarsUnavailable, match="KEYFRAME_CACHE"):
        await fetch(JARS, tmp_path, Repository(CONTENTS), silent)


async def test_a_cancel_stops_the_download_and_leaves_no_half_of_it(tmp_path: Path) -> None:
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    def endless(_jar: Jar, folder: Path, received: Callable[[int], None]) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "half").write_bytes(b"half")
        loop.call_soon_threadsafe(begun.set)
        while True:
            received(1)

    fetching = asyncio.create_task(fetch(JARS, tmp_path, endless, silent))
    await begun.wait()
    fetching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fetching
    assert [path.name for path in (tmp_path / "jars").iterdir()] == ["lock"]


async def test_progress_ends_with_all_files(tmp_path: Path) -> None:
    told: list[Progress] = []
    await fetch(JARS, tmp_path, Repository(CONTENTS), told.append)
    last = told[-1]
    assert isinstance(last, Downloading)
    assert (last.finished, last.files, last.received) == (2, 2, len(b"firstsecond"))


def test_the_lock_pins_every_jar_and_holds_no_address() -> None:
    jars = locked_jars()
    assert len({jar.name for jar in jars}) == len(jars) == 46
    assert all(re.fullmatch(r"[0-9a-f]{64}", jar.sha256) for jar in jars)
    assert WHAT.split()[-1] in {jar.version for jar in jars if jar.artifact == "kafka_2.13"}
    assert "://" not in LOCK.read_text()
