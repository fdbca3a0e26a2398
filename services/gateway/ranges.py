"""Conditional and partial answers: entity tags and byte ranges (RFC 9110, sections 13 and 14)."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import format_datetime

from runtime.objects import ObjectInfo

_ONE_RANGE = re.compile(r"bytes= *([0-9]{0,18})-([0-9]{0,18}) *", re.IGNORECASE)


@dataclass(frozen=True)
class Whole:
    """All of it: no range was asked for, or one that need not be honoured."""


@dataclass(frozen=True)
class Part:
    """From `start` up to but without `end`, in bytes."""

    start: int
    end: int


@dataclass(frozen=True)
class Beyond:
    """The range lies outside: 416."""


Extent = Whole | Part | Beyond


@dataclass(frozen=True)
class Validators:
    """What says whether a copy is still the same."""

    etag: str
    last_modified: str

    @classmethod
    def of(cls, info: ObjectInfo) -> "Validators":
        """Another key, size or date makes another version: a store's own tags are not the same from store to store."""
        digest = hashlib.sha256(f"{info.key}\n{info.size}\n{info.modified.isoformat()}".encode()).hexdigest()
        return cls(f'"{digest[:32]}"', format_datetime(info.modified, usegmt=True))

    def headers(self) -> dict[str, str]:
        return {"ETag": self.etag, "Last-Modified": self.last_modified}


def is_unchanged(headers: Mapping[str, str], current: Validators) -> bool:
    """Whether the client has this very content already: 304."""
    asked = headers.get("if-none-match")
    if asked is None:
        return headers.get("if-modified-since") == current.last_modified
    tags = {tag.strip().removeprefix("W/") for tag in asked.split(",")}
    return "*" in tags or current.etag in tags


def extent(headers: Mapping[str, str], size: int, current: Validators) -> Extent:
    """What of `size` bytes is asked for. Several ranges at once, or a malformed one, are answered with all."""
    asked = _ONE_RANGE.fullmatch(headers.get("range", ""))
    condition = headers.get("if-range")
    if asked is None or (condition is not None and condition not in (current.etag, current.last_modified)):
        return Whole()
    first, last = asked.groups()
    if first:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < int(first):
            return Whole()
    elif last:
        start, end = max(0, size - int(last)), size
    else:
        return Whole()
    return Part(start, end) if start < min(end, size) else Beyond()
