"""Where things are kept: the data folder of one stack, and the cache that all stacks share."""

import fcntl
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from keyframe.embedded.errors import EmbeddedError, FolderInUse


class DataFolder:
    """The data of one stack: `kafka/`, `postgres/`, `objects/`, `logs/`, and `run/` with what it has running."""

    def __init__(self, root: Path) -> None:
        # Absolute, because the parts run in working directories of their own.
        self.root = root.expanduser().absolute()
        self.kafka = self.root / "kafka"
        self.postgres = self.root / "postgres"
        self.objects = self.root / "objects"
        self.logs = self.root / "logs"
        self.run = self.root / "run"

    @contextmanager
    def held(self) -> Generator[None]:
        """Makes the folder and keeps every other process out; the lock goes with this process, however it ends.

        Raises:
            FolderInUse: another process holds it.
            EmbeddedError: it cannot be made.
        """
        try:
            for folder in (self.kafka, self.postgres, self.objects, self.logs, self.run):
                folder.mkdir(parents=True, exist_ok=True)
            lock = try_lock(self.root / "lock")
        except OSError as error:
            raise EmbeddedError(f"The data folder {self.root} cannot be written: {error.strerror}.") from error
        if lock is None:
            raise FolderInUse(self.root, _holder(self.root / "lock"))
        with lock:
            yield


def try_lock(path: Path) -> IO[str] | None:
    """The open file that locks `path` until it is closed and names this process, or None where another holds it.

    Raises:
        OSError: the file cannot be opened.
    """
    lock = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


def default_cache() -> Path:
    """The platform's folder for what can be downloaded again."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "keyframe"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "keyframe"


def _holder(path: Path) -> int | None:
    """The process that wrote its number into a lock, unless it is just doing so."""
    text = path.read_text().strip()
    return int(text) if text.isdigit() else None
