"""Waiting for what has no event of its own: a file's content, another process, a lock."""

import asyncio
from collections.abc import Callable

_POLL = 0.05  # seconds


async def holds_within(seconds: float, condition: Callable[[], bool]) -> bool:
    """Whether `condition` comes to hold within `seconds`; looked at some twenty times a second."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition():
        if asyncio.get_running_loop().time() >= deadline:
            return False
        await asyncio.sleep(_POLL)
    return True
