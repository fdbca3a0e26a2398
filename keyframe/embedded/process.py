"""Programs that end with KeyFrame: in a process group of their own, logged to a file, their identity on record."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from signal import Signals
from typing import Self

from keyframe.embedded import launch
from keyframe.embedded.errors import PartFailed, PortTaken
from keyframe.embedded.identity import is_alive, start_mark

_GRACE = 20.0
"""Seconds that a program has after each signal that asks it to stop."""
_POLL = 0.05
_TAIL_LINES = 12


@dataclass(frozen=True)
class Program:
    """What is run, and how it is asked to stop.

    Args:
        part: whom errors name ("Kafka").
        argv: an absolute path and its arguments.
        folder: its working directory.
        log: its standard output and error; the log of the run before is kept beside it.
        record: where its process id is noted, for the next start to find after a kill -9.
        stops: signals that ask it to stop, tried in turn; SIGKILL follows them.
        owner: user and group id to run as, where this process is root.
        stdin: a file to read from.
    """

    part: str
    argv: Sequence[str]
    folder: Path
    log: Path
    record: Path
    stops: tuple[Signals, ...]
    owner: tuple[int, int] | None = None
    stdin: int = field(default=asyncio.subprocess.DEVNULL)


class Supervised:
    """A program that runs. Start it on the main thread: on Linux it ends when the thread that started it does."""

    def __init__(self, program: Program, process: asyncio.subprocess.Process) -> None:
        self._program = program
        self._process = process

    @classmethod
    async def start(cls, program: Program) -> Self:
        """Starts `program` and notes who it is. What an earlier run left must have been ended (`end_leftover`)."""
        if program.log.exists():
            program.log.replace(program.log.with_suffix(".previous.log"))
        owner = ":".join(map(str, program.owner)) if program.owner else launch.SAME_USER
        launcher = [sys.executable, "-I", "-S", launch.__file__, str(int(program.stops[0])), str(os.getpid()), owner]
        with program.log.open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *launcher,
                *program.argv,
                cwd=program.folder,
                # The user's own settings of Java and Postgres stay out; UTF-8, so that Java can name any folder.
                env={"LC_ALL": "C.UTF-8", "PATH": os.defpath},
                stdin=program.stdin,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        _note(program.record, process.pid)
        return cls(program, process)

    @property
    def pid(self) -> int:
        """The process id, which is also its group's."""
        return self._process.pid

    async def wait(self) -> int:
        """The exit status, once it has ended; its record goes with it."""
        status = await self._process.wait()
        self._program.record.unlink(missing_ok=True)
        return status

    async def until(self, ready: Callable[[], bool], limit: float) -> None:
        """Returns when `ready()` holds, looked at some twenty times a second.

        Raises:
            PortTaken: it ended because another program has its port.
            PartFailed: it ended, or was not ready within `limit` seconds.
        """
        deadline = asyncio.get_running_loop().time() + limit
        while not ready():
            if self._process.returncode is not None:
                raise self.failure(f"ended at its start with status {await self.wait()}")
            if asyncio.get_running_loop().time() > deadline:
                raise self.failure(f"was not ready within {limit:.0f} seconds")
            await asyncio.sleep(_POLL)

    async def succeed(self) -> None:
        """Returns when the program has ended well; stops it where the wait is cancelled.

        Raises:
            PartFailed: it ended with a status other than 0.
        """
        try:
            status = await self.wait()
        except asyncio.CancelledError:
            await self.stop()
            raise
        if status != 0:
            raise self.failure(f"could not be initialised (status {status})")

    async def stop(self) -> None:
        """Asks it to stop, then kills it with its group; at once where this is cancelled."""
        try:
            for stop in self._program.stops:
                self._signal(stop)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.wait(), _GRACE)
                    break
        finally:
            self._signal(signal.SIGKILL)
            await self.wait()

    def _signal(self, number: Signals) -> None:
        """Signals the whole group, while its leader is not known to have ended."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def failure(self, what: str) -> PartFailed:
        """The error that says `what` this program did, with the end of its log."""
        tail = "\n".join(self.output().splitlines()[-_TAIL_LINES:])
        error = PortTaken if "Address already in use" in tail else PartFailed
        return error(self._program.part, what, log=self._program.log, tail=tail)

    def output(self) -> str:
        """What it has written so far."""
        return self._program.log.read_text(errors="replace")


async def end_leftover(record: Path, stops: tuple[Signals, ...]) -> None:
    """Ends what a killed KeyFrame left running, by process id and start: never another process that has its id now."""
    noted = _noted(record)
    if noted is None:
        return
    pid, started = noted
    for stop in (*stops, signal.SIGKILL):
        if not is_alive(pid, started):
            break
        with suppress(ProcessLookupError):
            os.kill(pid, stop)
        await _gone(pid, started)
    record.unlink()


async def _gone(pid: int, started: str) -> None:
    """Waits for the end of a process that may not be our child, at most the grace."""
    deadline = asyncio.get_running_loop().time() + _GRACE
    while is_alive(pid, started) and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(_POLL)


def _note(record: Path, pid: int) -> None:
    """Writes who runs, whole or not at all."""
    fresh = record.with_suffix(".new")
    fresh.write_text(json.dumps({"pid": pid, "started": start_mark(pid)}))
    fresh.replace(record)


def _noted(record: Path) -> tuple[int, str] | None:
    """Who ran, or None where nothing is on record."""
    try:
        noted = json.loads(record.read_text())
        return int(noted["pid"]), str(noted["started"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
