"""Files that are there whole or not at all, whatever is killed or loses power in between."""

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

PRUNINGS = 100
"""Times in a row that a folder may be pruned from under a write."""

Fill = Callable[[BinaryIO], object]
Place = Callable[[Path, Path], bool]


def replace(unfinished: Path, path: Path) -> bool:
    """Gives a finished file its name, over an older file if there is one."""
    unfinished.replace(path)
    return True


def claim(unfinished: Path, path: Path) -> bool:
    """Gives a finished file its name unless that is taken; says whether it did."""
    try:
        path.hardlink_to(unfinished)
    except FileExistsError:
        return False
    return True


def write(path: Path, fill: Fill, place: Place, *, unfinished_in: Path, forced: bool = True) -> bool:
    """Fills a file in another folder, forces it to the disk, and gives it its name by `place`.

    Args:
        unfinished_in: a folder of the same file system, where a crash may leave files behind.
        forced: whether it outlives a power cut; if not, the file may then be empty or missing.

    Raises:
        OSError: the disk or the folder refuses; nothing is at `path` that was not there before.
    """
    unfinished = unfinished_in / uuid4().hex
    unfinished_in.mkdir(parents=True, exist_ok=True)
    try:
        with unfinished.open("xb") as file:
            fill(file)
            file.flush()
            if forced:
                os.fsync(file.fileno())
        placed = _placed(unfinished, path, place, forced=forced)
    finally:
        unfinished.unlink(missing_ok=True)
    if forced:
        with suppress(FileNotFoundError):  # deleted again meanwhile
            _force(path.parent)
    return placed


def remove(path: Path, top: Path) -> None:
    """Removes a file, if it is there, and the folders below `top` that this leaves empty."""
    with suppress(FileNotFoundError, IsADirectoryError, NotADirectoryError):
        path.unlink()
        with suppress(OSError):  # not empty: done
            for folder in path.parents:
                if folder == top:
                    break
                folder.rmdir()


def _placed(unfinished: Path, path: Path, place: Place, *, forced: bool) -> bool:
    for _ in range(PRUNINGS):
        with suppress(FileNotFoundError):  # a removal has just pruned the folder
            _make_folder(path.parent, forced=forced)
            return place(unfinished, path)
    raise OSError(errno.ENOENT, "the folder vanishes again and again")


def _make_folder(folder: Path, *, forced: bool) -> None:
    if not folder.is_dir():
        _make_folder(folder.parent, forced=forced)
        folder.mkdir(exist_ok=True)
        if forced:
            _force(folder.parent)


def _force(folder: Path) -> None:
    """Forces the names in a folder to the disk: only then does a rename outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
