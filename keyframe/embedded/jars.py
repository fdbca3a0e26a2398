"""Kafka's jars: named by a lock of coordinates and SHA-256, kept in a cache that all stacks share."""

import asyncio
import hashlib
import shutil
import threading
import tomllib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from keyframe.embedded.errors import JarsUnavailable
from keyframe.embedded.folder import try_lock
from keyframe.embedded.report import Downloading, Report

LOCK = Path(__file__).with_name("kafka.lock.toml")
"""To renew it: `jgo init org.apache.kafka:kafka_2.13:X+org.slf4j:slf4j-simple:1.7.36`, then
`jgo --class-path-only --resolver python lock`."""
WHAT = "Apache Kafka 4.1.1"
TOTAL_BYTES = 44_172_119
"""What the jars of the lock weigh together."""
_THREADS = 8
_TRIES = 3
_LOCK_POLL = 0.2  # seconds


@dataclass(frozen=True)
class Jar:
    """One file of a Maven repository, pinned by what is in it."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def name(self) -> str:
        """The file's name."""
        return f"{self.artifact}-{self.version}.jar"


class DownloadFailed(Exception):
    """A jar cannot be had from where it should be."""


class Download(Protocol):
    """Brings one jar into a folder, as `maven.download` does."""

    def __call__(self, jar: Jar, folder: Path, received: Callable[[int], None], /) -> Path:
        """Where the file lies; raises `DownloadFailed`."""
        ...


def locked_jars(lock: Path = LOCK) -> list[Jar]:
    """The jars that a lock names."""
    entries = tomllib.loads(lock.read_text())["dependencies"]
    return [Jar(entry["groupId"], entry["artifactId"], entry["version"], entry["sha256"]) for entry in entries]


async def fetch(jars: Sequence[Jar], cache: Path, download: Download, report: Report) -> list[Path]:
    """The files of `jars`, each checked: from `cache`, else downloaded into it, whole or not at all.

    Raises:
        JarsUnavailable: they cannot be downloaded, are not what was pinned, or the cache cannot be written.
    """
    folder = cache / "jars"
    try:
        if await asyncio.to_thread(_missing, jars, folder):
            folder.mkdir(parents=True, exist_ok=True)
            await _fill(folder, jars, download, report)
    except DownloadFailed as error:
        raise JarsUnavailable(str(error)) from error
    except OSError as error:
        raise JarsUnavailable(f"the cache {cache} cannot be used ({error.strerror}; see KEYFRAME_CACHE)") from error
    return [folder / jar.name for jar in jars]


async def _fill(folder: Path, jars: Sequence[Jar], download: Download, report: Report) -> None:
    """Downloads what is missing, once for all processes that want it."""
    with await _locked(folder / "lock"):
        # Looked at again: another process may have fetched them, or have been killed while it did.
        missing = await asyncio.to_thread(_missing, jars, folder)
        size = TOTAL_BYTES if len(missing) == len(jars) else None
        counter = _Counter(report, asyncio.get_running_loop(), len(missing), size)
        incoming = folder / "incoming"
        shutil.rmtree(incoming, ignore_errors=True)
        try:
            await _download_all(missing, incoming, download, counter)
        finally:
            shutil.rmtree(incoming, ignore_errors=True)


async def _download_all(missing: Sequence[Jar], incoming: Path, download: Download, counter: "_Counter") -> None:
    """Downloads jars side by side; the first failure, or a cancel, ends the others."""

    def bring(jar: Jar) -> None:
        for attempt in range(1, _TRIES):
            with suppress(DownloadFailed):
                return place(jar, incoming / str(attempt))
        return place(jar, incoming / str(_TRIES))

    def place(jar: Jar, attempt: Path) -> None:
        file = download(jar, attempt, counter.received)
        if _sha256(file) != jar.sha256:
            raise DownloadFailed(f"{jar.name} is not the file that was pinned")
        file.replace(incoming.parent / jar.name)
        counter.finished()

    loop = asyncio.get_running_loop()
    pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="jars")
    try:
        await asyncio.gather(*(loop.run_in_executor(pool, bring, jar) for jar in missing))
    finally:
        counter.stop()
        # Nothing may write into the cache after its lock is given back.
        await asyncio.to_thread(pool.shutdown, cancel_futures=True)


class _Stopped(Exception):
    """Nobody wants the download any more."""


class _Counter:
    """Counts what the threads bring, reports it on the loop, and stops them at their next bytes."""

    def __init__(self, report: Report, loop: asyncio.AbstractEventLoop, files: int, size: int | None) -> None:
        self._report = report
        self._loop = loop
        self._files = files
        self._size = size
        self._finished = 0
        self._received = 0
        self._changing = threading.Lock()
        self._stopped = threading.Event()

    def received(self, count: int) -> None:
        """Some bytes came; raises `_Stopped` where nobody wants them any more."""
        if self._stopped.is_set():
            raise _Stopped
        with self._changing:
            self._received += count
        self._tell()

    def finished(self) -> None:
        """A file is whole and in its place."""
        with self._changing:
            self._finished += 1
        self._tell()

    def stop(self) -> None:
        """Lets every thread fail at its next bytes."""
        self._stopped.set()

    def _tell(self) -> None:
        progress = Downloading(WHAT, self._finished, self._files, self._received, self._size)
        self._loop.call_soon_threadsafe(self._report, progress)


async def _locked(path: Path) -> IO[str]:
    """The lock, as soon as no other process has it."""
    while True:
        if lock := try_lock(path):
            return lock
        await asyncio.sleep(_LOCK_POLL)


def _missing(jars: Sequence[Jar], folder: Path) -> list[Jar]:
    """The jars that are not in `folder`, or are not what was pinned."""
    return [jar for jar in jars if not (folder / jar.name).is_file() or _sha256(folder / jar.name) != jar.sha256]


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
