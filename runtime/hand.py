"""What a consumer has in hand, and the wish to have it back.

A rebalance or a shutdown in the middle of a record would make somebody else start the same record.
So whoever takes partitions away sets *wanted* and waits for *idle*: work in hand is finished and
committed first, and what merely waits (a back-off, a hold) is given back at once.
"""

import asyncio
import time
from collections.abc import Callable
from enum import StrEnum


class Doing(StrEnum):
    """What the worker does with the record in hand."""

    IDLE = "idle"
    WORK = "work"
    WAIT = "wait"
    EMIT = "emit"
    PARK = "park"
    COMMIT = "commit"


class GivenUp(Exception):
    """The record in hand is wanted back, or is somebody else's already."""


def _never() -> bool:
    """Without a group nobody is struck off."""
    return False


class Hand:
    """One consumer's hand: it holds one record or none."""

    def __init__(self) -> None:
        self._idle = asyncio.Event()
        self._idle.set()
        self._wanted = asyncio.Event()
        self._closing = False
        self._doing = Doing.IDLE
        self._since = time.monotonic()
        self.struck_off: Callable[[], bool] = _never
        """Whether the group has gone on without us, after a pause or a cut: somebody else may have the record."""
        self.unheard: Callable[[], bool] = _never
        """Whether the group may have gone on without us, as far as our own clock knows."""

    @property
    def doing(self) -> Doing:
        return self._doing

    @property
    def wanted(self) -> bool:
        """Whether what is in hand is wanted back."""
        return self._wanted.is_set()

    @property
    def seconds(self) -> float:
        """How long it has been doing this."""
        return time.monotonic() - self._since

    def turn(self, doing: Doing) -> None:
        """Says what is done next; IDLE lets go of the record."""
        self._doing, self._since = doing, time.monotonic()
        if doing is Doing.IDLE:
            self._idle.set()
        else:
            self._idle.clear()

    async def nap(self, seconds: float) -> None:
        """Waits, unless the record is wanted back: then raises `GivenUp` at once."""
        try:
            await asyncio.wait_for(self._wanted.wait(), seconds)
        except TimeoutError:
            return
        raise GivenUp

    @property
    def in_doubt(self) -> bool:
        """Whether the record may be somebody else's."""
        return self.struck_off() or self.unheard()

    def look(self) -> None:
        """Raises `GivenUp` where the group has gone on without us: what is under way is of no use here."""
        if self.struck_off():
            raise GivenUp

    def begin(self) -> None:
        """Raises `GivenUp` where the record may be somebody else's: nothing more may be paid for it here."""
        if self.in_doubt:
            raise GivenUp

    async def drain(self, timeout: float) -> bool:
        """Asks for what is in hand and waits for it to be settled; says whether it was in time."""
        self._wanted.set()
        try:
            await asyncio.wait_for(self._idle.wait(), timeout)
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        """Asks for what is in hand, for good: the process stops."""
        self._closing = True
        self._wanted.set()

    def reopen(self) -> None:
        """New partitions are assigned: waits are waits again."""
        if not self._closing:
            self._wanted.clear()
