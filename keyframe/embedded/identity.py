"""Which process it is: a process id is used again, a process id with its start is not."""

import subprocess
import sys
from pathlib import Path

_PROC = Path("/proc")
_STATE, _START = 0, 19  # proc_pid_stat(5), fields 3 and 22, counted after the name


def start_mark(pid: int) -> str | None:
    """When process `pid` started, as a text to compare; None where it has ended, waited for or not."""
    if sys.platform == "linux":
        return _linux_start(pid)
    return _posix_start(pid)


def is_alive(pid: int, started: str) -> bool:
    """Whether the process `pid` that started at the mark `started` still runs."""
    return start_mark(pid) == started


def _linux_start(pid: int) -> str | None:
    """Boot and clock ticks since it."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()  # the name before may hold spaces and brackets
    if fields[_STATE] in "ZX":
        return None
    boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}/{fields[_START]}"


def _posix_start(pid: int) -> str | None:
    """The date and time to a second, as ps tells it."""
    command = ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)]
    ps = subprocess.run(command, capture_output=True, text=True, check=False)
    state, _, started = ps.stdout.strip().partition(" ")
    return started.strip() if started and not state.startswith("Z") else None
