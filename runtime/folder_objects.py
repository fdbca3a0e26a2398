"""The object store over a folder: for one machine without an S3 server."""

import asyncio
import errno
import os
import shutil
import stat
import tempfile
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from runtime import durable_files
from runtime.errors import Unavailable
from runtime.objects import Delivery, ObjectEntry, ObjectInfo, ObjectMissing, check_key, check_prefix, is_key

PIECE = 256 * 1024
"""Bytes of a streamed piece."""

TYPES, UNFINISHED = ".types", ".unfinished"
"""Folders beside the objects: no key begins with a dot."""

UNKNOWN_TYPE = "application/octet-stream"


class FolderObjects:
    """Objects as files below `root`, each where its key says; its content type lies in `.types/`.

    A write goes to a file in `.unfinished/`, is forced to the disk, and only then gets its name: by
    a rename, or by a link where the name must be free. The type is written before the object, so
    an object that is there has one.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()

    def path(self, key: str) -> Path:
        """Where an object lies on this machine, whether it is there or not."""
        check_key(key)
        return self._root / key

    async def put(self, key: str, data: bytes, *, content_type: str) -> None:
        await asyncio.to_thread(self._write, key, _bytes(data), content_type, durable_files.replace)

    async def create(self, key: str, data: bytes, *, content_type: str) -> bool:
        if await self.head(key) is not None:
            return False
        return await asyncio.to_thread(self._write, key, _bytes(data), content_type, durable_files.claim)

    async def get(self, key: str) -> bytes:
        path = self.path(key)
        with _reading(key):
            return await asyncio.to_thread(path.read_bytes)

    async def head(self, key: str) -> ObjectInfo | None:
        try:
            return await asyncio.to_thread(self._info, key)
        except ObjectMissing:
            return None

    async def stream(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        with await asyncio.to_thread(self._open, key) as file, _storing():
            file.seek(start)
            while piece := await asyncio.to_thread(_piece, file, end):
                yield piece

    async def upload(self, key: str, source: Path, *, content_type: str, delivery: Delivery | None = None) -> None:
        check_key(key)
        with await asyncio.to_thread(source.open, "rb") as content:
            await asyncio.to_thread(self._write, key, _content(content), content_type, durable_files.replace)

    async def download(self, key: str, target: Path) -> None:
        await asyncio.to_thread(self._download, key, target)

    async def copy(self, source: str, target: str, *, delivery: Delivery | None = None) -> None:
        await asyncio.to_thread(self._copy, source, target)

    async def list(self, prefix: str) -> AsyncIterator[ObjectEntry]:
        check_prefix(prefix)
        found = await asyncio.to_thread(_scan, self._root, prefix.rpartition("/")[0])
        while found:
            key, entry = found.pop()
            if not key.startswith(prefix):
                continue
            if entry is None:
                found += await asyncio.to_thread(_scan, self._root, key)
            else:
                yield entry

    async def delete(self, key: str) -> None:
        check_key(key)
        await asyncio.to_thread(self._delete, key)

    async def address(self, key: str, *, seconds: int, filename: str | None = None) -> str | None:
        check_key(key)
        return None

    async def preflight(self) -> None:
        await asyncio.to_thread(self._try)

    async def clear_unfinished(self, before: datetime) -> int:
        return await asyncio.to_thread(_clear, self._root / UNFINISHED, before.timestamp())

    def _write(self, key: str, fill: durable_files.Fill, content_type: str, place: durable_files.Place) -> bool:
        path, of_type, unfinished = self.path(key), self._root / TYPES / key, self._root / UNFINISHED
        with _storing():
            # Of what a power cut takes, a type is the least: the object is then one of an unknown type.
            durable_files.write(
                of_type,
                _bytes(content_type.encode()),
                durable_files.replace,
                unfinished_in=unfinished,
                forced=False,
            )
            return durable_files.write(path, fill, place, unfinished_in=unfinished)

    def _try(self) -> None:
        """Writes and removes a file."""
        unfinished = self._root / UNFINISHED
        with _storing():
            unfinished.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=unfinished) as file:
                file.write(b"well")

    def _open(self, key: str) -> BinaryIO:
        path = self.path(key)
        with _reading(key):
            return path.open("rb")

    def _download(self, key: str, target: Path) -> None:
        with self._open(key) as content, _storing(), target.open("wb") as file:
            shutil.copyfileobj(content, file, PIECE)

    def _copy(self, source: str, target: str) -> None:
        check_key(target)
        info = self._info(source)
        with self._open(source) as content:
            self._write(target, _content(content), info.content_type, durable_files.replace)

    def _info(self, key: str) -> ObjectInfo:
        path = self.path(key)
        with _reading(key):
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                raise IsADirectoryError
            return ObjectInfo(key, status.st_size, _modified(status), self._content_type(key))

    def _content_type(self, key: str) -> str:
        try:
            return (self._root / TYPES / key).read_text() or UNKNOWN_TYPE
        except FileNotFoundError:
            return UNKNOWN_TYPE

    def _delete(self, key: str) -> None:
        with _storing():
            for top in (self._root / TYPES, self._root):
                durable_files.remove(top / key, top)


def _bytes(data: bytes) -> durable_files.Fill:
    return lambda file: file.write(data)


def _content(source: BinaryIO) -> durable_files.Fill:
    return lambda file: shutil.copyfileobj(source, file, PIECE)


def _piece(file: BinaryIO, end: int | None) -> bytes:
    return file.read(PIECE if end is None else max(0, min(PIECE, end - file.tell())))


def _modified(status: os.stat_result) -> datetime:
    return datetime.fromtimestamp(status.st_mtime, UTC)


def _scan(root: Path, folder: str) -> list[tuple[str, ObjectEntry | None]]:
    """What lies in a folder, the last key first; a folder in it has a slash at its end and no entry."""
    found: list[tuple[str, ObjectEntry | None]] = []
    with _storing(), suppress(FileNotFoundError, NotADirectoryError), os.scandir(root / folder) as items:
        for item in items:
            key = f"{folder.rstrip('/')}/{item.name}".lstrip("/")
            if not is_key(key):
                continue
            if item.is_dir(follow_symlinks=False):
                found.append((f"{key}/", None))
                continue
            with suppress(FileNotFoundError):  # deleted meanwhile
                status = item.stat()
                found.append((key, ObjectEntry(key, status.st_size, _modified(status))))
    return sorted(found, key=lambda pair: pair[0], reverse=True)


def _clear(unfinished: Path, before: float) -> int:
    cleared = 0
    with _storing(), suppress(FileNotFoundError), os.scandir(unfinished) as items:
        for item in items:
            with suppress(FileNotFoundError):
                if item.stat().st_mtime < before:
                    Path(item.path).unlink()
                    cleared += 1
    return cleared


_FULL = "the disk of the object store is full: free some space"
_READ_ONLY = "the folder of the object store is read-only"
_FORBIDDEN = "the folder of the object store may not be used: give this user the right to read and write it"
_BROKEN = "the folder of the object store does not work"
_REFUSALS = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EROFS: _READ_ONLY,
    errno.EACCES: _FORBIDDEN,
    errno.EPERM: _FORBIDDEN,
}


@contextmanager
def _storing() -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(_REFUSALS.get(error.errno or 0, _BROKEN), on="object store") from error


@contextmanager
def _reading(key: str) -> Generator[None]:
    with _storing():
        try:
            yield
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise ObjectMissing(f"the object {key} is missing") from error
