"""The object store port: bytes by key, over a folder or any S3 server.

Keys are relative, slash-separated and made in `schemas/keys.py`. Every adapter translates its own
errors: a key that is not there is `ObjectMissing`, anything wrong with the store is `Unavailable`.
"""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from runtime.errors import Permanent, Transient

MAX_KEY_CHARACTERS = 512
_NAME = "[A-Za-z0-9_][A-Za-z0-9._-]{0,199}"
_KEY = re.compile(rf"{_NAME}(/{_NAME})*")
_PREFIX = re.compile(rf"({_NAME}/)*({_NAME})?")


class ObjectMissing(Transient):
    """There is no object under this key."""


class MalformedKey(Permanent):
    """This is no key of an object: one is names of letters, digits and `._-`, separated by slashes."""


def is_key(key: str) -> bool:
    """Whether a key can neither leave the store nor mean different things to different stores."""
    return len(key) <= MAX_KEY_CHARACTERS and _KEY.fullmatch(key) is not None


def check_key(key: str) -> None:
    """Raises `MalformedKey` for what is no key: they arrive in events and requests, and are hostile until checked."""
    if not is_key(key):
        raise MalformedKey("the key of an object is malformed")


def check_prefix(prefix: str) -> None:
    """Raises `MalformedKey` for what no key begins with."""
    if len(prefix) > MAX_KEY_CHARACTERS or _PREFIX.fullmatch(prefix) is None:
        raise MalformedKey("the prefix of objects is malformed")


@dataclass(frozen=True)
class ObjectEntry:
    """What a listing says of an object."""

    key: str
    size: int
    """Bytes."""
    modified: datetime


@dataclass(frozen=True)
class ObjectInfo(ObjectEntry):
    """What a store knows of an object without reading it."""

    content_type: str


@dataclass(frozen=True)
class Delivery:
    """How a store hands a published object to browsers, where it is the store that does."""

    cache_control: str
    filename: str
    """What a browser calls the file that it saves."""

    @property
    def disposition(self) -> str:
        """The Content-Disposition: shown, and named when saved (RFC 6266, RFC 8187)."""
        return f"inline; filename*=UTF-8''{quote(self.filename, safe='')}"


class ObjectStore(Protocol):
    """Where artefacts, answers and published files lie.

    Every method may raise `Unavailable`, and `MalformedKey` before it does anything. Writes are
    atomic: a reader sees the old object, the new one or none.
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

    async def upload(self, key: str, source: Path, *, content_type: str, delivery: Delivery | None = None) -> None:
        """Writes a file's content, without holding it in memory."""
        ...

    async def download(self, key: str, target: Path) -> None:
        """Reads an object into a file. Raises `ObjectMissing`."""
        ...

    async def copy(self, source: str, target: str, *, delivery: Delivery | None = None) -> None:
        """Writes an object again under another key, content type included. Raises `ObjectMissing`."""
        ...

    def list(self, prefix: str) -> AsyncIterator[ObjectEntry]:
        """Every object whose key begins with `prefix`, in the order of keys.

        What somebody else put beside under names that are no keys is not shown.
        """
        ...

    async def delete(self, key: str) -> None:
        """Removes an object; one that is not there is no error."""
        ...

    async def address(self, key: str, *, seconds: int, filename: str | None = None) -> str | None:
        """A URL from which a browser may read the object for so long, or None: serve it yourself.

        With `filename` the answer is a download of that name.
        """
        ...

    async def preflight(self) -> None:
        """Returns where the store can be used; raises `Unavailable` with the remedy where it cannot."""
        ...

    async def clear_unfinished(self, before: datetime) -> int:
        """Removes what writes that were cut off left behind, begun before `before`; says how many."""
        ...
