"""Free ports on loopback."""

import contextlib
import secrets
import socket
from collections.abc import Awaitable, Callable
from itertools import cycle, islice
from typing import TypeVar

from keyframe.embedded.errors import PortTaken

T = TypeVar("T")

LOOPBACK = "127.0.0.1"
_TRIES = 5

_RANGE = range(20_000, 30_000)
"""Below what systems give to outgoing connections, one of which might have the port when its server comes back."""

_FIRST = secrets.randbelow(len(_RANGE))
_drawn = cycle((*_RANGE[_FIRST:], *_RANGE[:_FIRST]))


def free_port() -> int:
    """A TCP port of loopback that nobody listened on a moment ago, and that this process has not been told of lately.

    Raises:
        OSError: all of some ten thousand are taken.
    """
    for port in islice(_drawn, len(_RANGE)):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind((LOOPBACK, port))
            return port
    raise OSError(f"every port of {LOOPBACK} from {_RANGE.start} to {_RANGE.stop - 1} is taken")


async def until_bound(start: Callable[[], Awaitable[T]]) -> T:
    """What `start` returns, which chooses its ports anew each time; another program may take one before it binds.

    Raises:
        PortTaken: five times in a row.
    """
    for _ in range(_TRIES - 1):
        try:
            return await start()
        except PortTaken:
            continue
    return await start()
