"""What a download is called: after the video's title, and safe on every system."""

import re
import unicodedata
from urllib.parse import quote

MOST = 80
_UNSAFE = re.compile(r'[\\/:*?"<>|%;]+')


def download_name(title: str | None, extension: str) -> str:
    """A file name of printable characters without a path, a quote or a dot at its begin or end."""
    printable = "".join(c if c.isprintable() else " " for c in unicodedata.normalize("NFC", title or ""))
    name = " ".join(_UNSAFE.sub(" ", printable).split())[:MOST].strip(" .")
    return f"{name or 'video'}{extension}"


def ascii_name(name: str) -> str:
    """The name for those that know ASCII alone: accents go, what is left over becomes a dash."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    stem, dot, extension = plain.rpartition(".")
    return f"{re.sub(r'[^A-Za-z0-9]+', '-', stem).strip('-') or 'video'}{dot}{extension}"


def disposition(kind: str, name: str) -> str:
    """A Content-Disposition (RFC 6266): `kind` is "inline" or "attachment"."""
    return f"{kind}; filename=\"{ascii_name(name)}\"; filename*=UTF-8''{quote(name, safe='')}"
