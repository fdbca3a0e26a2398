"""How often and how many at once a provider is called by one replica."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncGenerator

MINUTE = 60.0


class Limiter:
    """Lets at most so many calls begin in any minute, and so many be under way at once.

    A sliding window: the calls of the last minute are remembered, and a call waits until the oldest
    of them is a minute old.
    """

    def __init__(self, *, per_minute: int | None, at_once: int) -> None:
        self._per_minute = per_minute
        self._gate = asyncio.Semaphore(at_once)
        self._begun: deque[float] = deque()
        self._turn = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def call(self) -> AsyncGenerator[None]:
        """Waits for a place, then counts as one call for as long as the context is open."""
        async with self._gate:
            if self._per_minute is not None:
                async with self._turn:
                    await self._wait(self._per_minute)
                    self._begun.append(time.monotonic())
            yield

    async def _wait(self, per_minute: int) -> None:
        while len(self._begun) >= per_minute:
            left = self._begun[0] + MINUTE - time.monotonic()
            if left > 0:
                await asyncio.sleep(left)
            self._begun.popleft()
