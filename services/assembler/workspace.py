"""Private folders for renders: removed when the render ends, and after a kill when the next one begins."""

import fcntl
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from runtime.errors import Unavailable
from services.assembler.ffmpeg import scratch_errors

_PREFIX = "keyframe-render-"
_LOCK, _UNLOCKED = ".lock", ".unlocked"


@contextmanager
def workspace(parent: Path) -> Generator[Path]:
    """An empty folder that nobody else uses or reads; it is gone when the block is left.

    Raises:
        Unavailable: the parent cannot be written to, or is full.
    """
    try:
        with scratch_errors():
            parent.mkdir(parents=True, exist_ok=True)
            _clear_abandoned(parent)
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent.resolve()))
    except OSError as error:
        raise Unavailable("the folder that videos are rendered in cannot be written to", on="scratch disk") from error
    try:
        # The lock dies with this process: a folder without one was left by a process that was killed.
        with (folder / _UNLOCKED).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            (folder / _UNLOCKED).rename(folder / _LOCK)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _clear_abandoned(parent: Path) -> None:
    for folder in parent.glob(f"{_PREFIX}*"):
        try:
            with (folder / _LOCK).open("r") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue  # in use, or just being made or removed
        shutil.rmtree(folder, ignore_errors=True)
