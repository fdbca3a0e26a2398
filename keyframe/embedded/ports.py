"""Free ports on loopback."""

import socket
from collections.abc import Awaitable, Callable
from typing import TypeVar

from keyframe.embedded.errors import PortTaken

T = TypeVar("T")

LOOPBACK = "127.0.0.1"
_TRIES = 5


def free_port() -> int:
    """A TCP port of loopback that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


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
