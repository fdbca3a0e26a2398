"""Programs that end with KeyFrame: in a process group of their own, logged to a file, on record."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from signal import Signals
from typing import Self

from keyframe.embedded import launch
from keyframe.embedded.errors import PartFailed, PortTaken
from keyframe.embedded.record import Record
from keyframe.embedded.waiting import holds_within

GRACE = 20.0
"""Seconds that a program has after each signal that asks it to stop."""
_TAIL_LINES = 12
_STACK_FRAME = ("\tat ", "\t... ")  # as Java prints them; what they are about stands above them
_PORT_TAKEN = "Address already in use"  # EADDRINUSE, in Postgres' words and in Java's


@dataclass(frozen=True)
class Program:
    """What is run, and how it is asked to stop.

    Args:
        part: whom errors name ("Kafka").
        argv: an absolute path and its arguments.
        folder: its working directory.
        log: its standard output and error; what the log held before is kept beside it.
        record: where it is noted while it runs.
        stops: signals that ask it to stop, tried in turn before SIGKILL; the first also comes from Linux when this
            process is killed.
        owner: user and group id to run as, where this process is root.
        stdin: a file to read from.
    """

    part: str
    argv: Sequence[str]
    folder: Path
    log: Path
    record: Record
    stops: tuple[Signals, ...]
    owner: tuple[int, int] | None = None
    stdin: int = asyncio.subprocess.DEVNULL


class Supervised:
    """A program that runs. Start it on the main thread: on Linux it ends when the thread that started it does."""

    def __init__(self, program: Program, process: asyncio.subprocess.Process) -> None:
        self._program = program
        self._process = process

    @classmethod
    async def start(cls, program: Program) -> Self:
        """Starts `program` and notes it, or leaves nothing running.

        Raises:
            OSError: its log or its record cannot be written.
        """
        if program.log.exists():
            program.log.replace(program.log.with_suffix(".previous.log"))
        owner = ":".join(map(str, program.owner)) if program.owner else launch.SAME_USER
        launcher = (sys.executable, "-I", "-S", launch.__file__, str(int(program.stops[0])), str(os.getpid()), owner)
        with program.log.open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *launcher,
                *program.argv,
                cwd=program.folder,
                # The user's own settings of Java and Postgres stay out. UTF-8, so that Java can name any folder.
                env={"LC_ALL": "C.UTF-8", "PATH": os.defpath},
                stdin=program.stdin,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        running = cls(program, process)
        try:
            program.record.write(process.pid)
        except OSError:
            await running.stop()
            raise
        return running

    @property
    def pid(self) -> int:
        """The process id, which is also its group's."""
        return self._process.pid

    async def wait(self) -> int:
        """The exit status, once it has ended."""
        status = await self._process.wait()
        self._program.record.clear()
        return status

    async def until(self, ready: Callable[[], bool], limit: float) -> None:
        """Returns when `ready()` holds.

        Raises:
            PortTaken: it ended because another program has its port.
            PartFailed: it ended, or was not ready within `limit` seconds.
        """
        if not await holds_within(limit, lambda: self._has_failed() or ready()):
            raise self.failure(f"was not ready within {limit:.0f} seconds")
        if self._process.returncode is not None:
            raise self.failure(f"ended at its start with status {await self.wait()}")
        if self._has_failed():
            self._signal(signal.SIGKILL)  # nobody has been served yet
            await self.wait()
            raise self.failure("found its port taken")

    async def succeed(self) -> None:
        """Returns when the program has ended well; stops it where this is cancelled.

        Raises:
            PartFailed: it ended with a status other than 0.
        """
        try:
            status = await self.wait()
        except asyncio.CancelledError:
            await self.stop()
            raise
        if status != 0:
            raise self.failure(f"could not prepare its data (status {status})")

    async def stop(self) -> None:
        """Asks it to stop, then kills it; kills it at once where this is cancelled."""
        try:
            for stop in self._program.stops:
                self._signal(stop)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.wait(), GRACE)
                    break
        finally:
            self._signal(signal.SIGKILL)
            await self.wait()

    def failure(self, what: str) -> PartFailed:
        """The error that says `what` this program did, with the end of its log."""
        output = self.output()
        lines = [line for line in output.splitlines() if not line.startswith(_STACK_FRAME)]
        error = PortTaken if _PORT_TAKEN in output else PartFailed
        return error(self._program.part, what, log=self._program.log, tail="\n".join(lines[-_TAIL_LINES:]))

    def output(self) -> str:
        """What it has written so far."""
        return self._program.log.read_text(errors="replace")

    def _has_failed(self) -> bool:
        """Whether it has ended, or is about to: Kafka takes seconds for that when its port is taken."""
        return self._process.returncode is not None or _PORT_TAKEN in self.output()

    def _signal(self, number: Signals) -> None:
        """Signals the whole group, while its leader is not known to have ended."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, number)
