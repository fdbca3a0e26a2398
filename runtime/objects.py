"""The object store port: bytes by key, over a folder or any S3 server.

Keys are relative, slash-separated and made in `schemas/keys.py`. Every adapter translates its own
errors: a key that is not there is `ObjectMissing`, anything wrong with the store is `Unavailable`.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from runtime.errors import Transient


class ObjectMissing(Transient):
    """There is no object under this key."""


@dataclass(frozen=True)
class ObjectInfo:
    """What a store knows of an object without reading it."""

    key: str
    size: int
    """Bytes."""
    modified: datetime
    content_type: str


class ObjectStore(Protocol):
    """Where artefacts, answers and published files lie.

    Every method may raise `Unavailable`. Writes are atomic: a reader sees the old object, the new
    one or none.
    """

    async def put(self, key: str, data: bytes, *, content_type: str) -> None:
        """Writes an object, over an older one if there is one."""
        ...

    async def create(self, key: str, data: bytes, *, content_type: str) -> bool:
        """Writes an object unless the key is taken; says whether it did."""
        ...

    async def get(self, key: str) -> bytes:
        """The whole object. Raises `ObjectMissing`."""
        ...

    async def head(self, key: str) -> ObjectInfo | None:
        """What is known of an object, or None where there is none."""
        ...

    def stream(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from `start` up to but without `end`, in pieces. Raises `ObjectMissing`."""
        ...

    async def upload(self, key: str, source: Path, *, content_type: str) -> None:
        """Writes a file's content, without holding it in memory."""
        ...

    async def download(self, key: str, target: Path) -> None:
        """Reads an object into a file. Raises `ObjectMissing`."""
        ...

    def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """Every object whose key begins with `prefix`, in the order of keys."""
        ...

    async def delete(self, key: str) -> None:
        """Removes an object; one that is not there is no error."""
        ...

    async def address(self, key: str, *, seconds: int, filename: str | None = None) -> str | None:
        """A URL from which a browser may read the object for so long, or None: serve it yourself.

        With `filename` the answer is a download of that name.
        """
        ...
