"""A process on record: its id is used again some day, its id with its start is not."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from signal import Signals

from keyframe.embedded.waiting import holds_within

_PROC = Path("/proc")
_STATE, _START = 0, 19  # proc_pid_stat(5), fields 3 and 22, counted from the one after the name


class Record:
    """The file that says which process of a part runs, for the next start to find after a kill -9."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, pid: int) -> None:
        """Notes the process `pid`, whole or not at all."""
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps({"pid": pid, "started": start_of(pid)}))
        fresh.replace(self._path)

    def clear(self) -> None:
        """Notes that nothing runs."""
        self._path.unlink(missing_ok=True)

    async def end(self, stops: tuple[Signals, ...], grace: float) -> None:
        """Ends the noted process if it still runs, and never another that has its id now.

        Args:
            stops: signals to try in turn before SIGKILL.
            grace: seconds that it has after each.
        """
        pid, started = self._read()
        for stop in (*stops, signal.SIGKILL):
            if started is None or start_of(pid) != started:
                break
            with suppress(ProcessLookupError):
                os.kill(pid, stop)
            await holds_within(grace, lambda: start_of(pid) != started)
        self.clear()

    def _read(self) -> tuple[int, str | None]:
        """Id and start of the noted process; no start where none is noted."""
        try:
            noted = json.loads(self._path.read_text())
            return int(noted["pid"]), noted["started"]
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return 0, None


def start_of(pid: int) -> str | None:
    """When the process `pid` started, as a text to compare; None where it has ended, waited for or not."""
    if sys.platform == "linux":
        return _start_in_proc(pid)
    return _start_by_ps(pid)


def _start_in_proc(pid: int) -> str | None:
    """The boot, and the clock ticks since it."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()  # the name before it may hold spaces and brackets
    if fields[_STATE] in "ZX":
        return None
    return f"{_boot()}/{fields[_START]}"


def _boot() -> str:
    """Which run of the machine it is, where the kernel tells; some sandboxes do not."""
    with suppress(OSError):
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    return ""


def _start_by_ps(pid: int) -> str | None:
    """The date and the time to a second."""
    command = ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)]
    ps = subprocess.run(command, capture_output=True, text=True, check=False)
    state, _, started = ps.stdout.strip().partition(" ")
    return started.strip() if started and not state.startswith("Z") else None
