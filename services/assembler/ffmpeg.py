"""Running ffmpeg: found once, without a shell, in a process group that is ended as a whole."""

import asyncio
import contextlib
import errno
import os
import re
import shutil
import signal
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from runtime.errors import StageError, Transient, Unavailable

_KEPT_OUTPUT = 32_768
"""Bytes of ffmpeg's messages that are kept; the end matters."""
_PATH = re.compile(r"(?<![\w.])/[^\s:'\"]+")
_DISK_FULL = "No space left on device"
_LACKING = re.compile(r"No such filter|Unknown encoder|Unrecognized option|error while loading shared libraries")


def find_ffmpeg(configured: str | None, project: Path) -> str:
    """The ffmpeg to run: as configured, in the project's bin/, the packaged one, or on the PATH, in this order.

    Raises:
        Unavailable: there is none, or the configured one cannot be run.
    """
    if configured:
        if found := shutil.which(configured):
            return found
        raise Unavailable("FFMPEG_PATH names no program that can be run", on="ffmpeg")
    candidates = (shutil.which(str(project / "bin" / "ffmpeg")), _packaged(), shutil.which("ffmpeg"))
    for found in candidates:
        if found:
            return found
    raise Unavailable("ffmpeg is not installed: set FFMPEG_PATH or install imageio-ffmpeg", on="ffmpeg")


def _packaged() -> str | None:
    try:
        import imageio_ffmpeg  # noqa: PLC0415 - an image may leave it out and use its system's ffmpeg
    except ImportError:
        return None
    with contextlib.suppress(RuntimeError):
        return shutil.which(imageio_ffmpeg.get_ffmpeg_exe())
    return None


@dataclass(frozen=True)
class Finished:
    """What a run of ffmpeg left."""

    output: bytes
    """Its standard output."""
    messages: str
    """The end of its standard error."""


class Running:
    """An ffmpeg that was started."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._reading = asyncio.gather(_all(process.stdout), _end(process.stderr))

    async def finished(self) -> Finished:
        """Waits for its end. Raises `Transient` or `Unavailable` where it failed."""
        output, messages = await self._reading
        status = await self._process.wait()
        if status != 0:
            raise failure(status, messages)
        return Finished(output, messages)

    async def end(self) -> None:
        """Kills its process group, if it still runs, and waits until it is gone."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reading
        await self._process.wait()


@dataclass(frozen=True)
class Ffmpeg:
    """An ffmpeg program and how long it may take."""

    program: str
    cap: float = 1800.0
    """Seconds after which any run is killed."""
    stall: float = 60.0
    """Seconds without a frame taken after which a render is killed."""

    @asynccontextmanager
    async def started(
        self,
        arguments: Sequence[str],
        folder: Path,
        stdin: int = asyncio.subprocess.DEVNULL,
        environment: Mapping[str, str] | None = None,
    ) -> AsyncGenerator[Running]:
        """Runs ffmpeg in a folder; when the block is left, however it is left, nothing of it runs on.

        Raises:
            Unavailable: it cannot be started.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                self.program,
                *arguments,
                cwd=folder,
                stdin=stdin,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        except OSError as error:
            raise Unavailable(f"ffmpeg cannot be started: {os.strerror(error.errno or 0)}", on="ffmpeg") from error
        running = Running(process)
        try:
            yield running
        finally:
            await asyncio.shield(running.end())

    async def run(self, arguments: Sequence[str], folder: Path) -> Finished:
        """Runs ffmpeg to its end. Raises `Transient` or `Unavailable`."""
        try:
            async with asyncio.timeout(self.cap), self.started(arguments, folder) as running:
                return await running.finished()
        except TimeoutError as error:
            raise Transient(f"ffmpeg was stopped after {self.cap:.0f} seconds") from error


def failure(status: int, messages: str) -> StageError:
    """What a run that ended with this status and these messages means."""
    if _DISK_FULL in messages:
        return disk_full()
    if status < 0:
        return Transient(f"ffmpeg was ended by signal {-status}")
    lines = [line.strip() for line in messages.splitlines() if line.strip()]
    reason = _PATH.sub("…", lines[-1])[:200] if lines else f"exit status {status}"
    if lacking := next((line for line in lines if _LACKING.search(line)), None):
        return Unavailable(f"this ffmpeg lacks a part: {_PATH.sub('…', lacking)[:200]}", on="ffmpeg")
    return Transient(f"ffmpeg failed: {reason}")


def disk_full() -> Unavailable:
    """There is no room for the render."""
    return Unavailable("the disk that videos are rendered on is full", on="scratch disk")


@contextlib.contextmanager
def scratch_errors() -> Generator[None]:
    """Translates a full disk under what we write ourselves. Raises `Unavailable`."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise disk_full() from error
        raise


async def _all(stream: asyncio.StreamReader | None) -> bytes:
    return await stream.read() if stream else b""


async def _end(stream: asyncio.StreamReader | None) -> str:
    """Drains a stream, so that its writer never waits, and keeps its end."""
    kept = b""
    while stream and (piece := await stream.read(65_536)):
        kept = (kept + piece)[-_KEPT_OUTPUT:]
    return kept.decode(errors="replace")
