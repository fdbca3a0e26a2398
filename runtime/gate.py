"""The gate of a stage: nothing is worked at while its providers refuse us.

It opens when a preflight has passed and closes when a provider refuses our key, quota or model. So a
wrong key costs no call, parks no record, and shows in readiness and in the status of who waits.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from runtime.errors import Unavailable
from runtime.preflight import Preflight, Provider

log = structlog.get_logger(__name__)

PAUSE = 5.0
"""Seconds between two looks of an idle stage."""


@dataclass
class Gate:
    """Open as soon as everything that is required, and one of a chain's providers, would serve us."""

    required: Sequence[Preflight] = ()
    providers: Sequence[Provider] = ()
    refusal: Unavailable | None = field(default=None, init=False)
    """Why it is closed."""
    _passed: bool = field(default=False, init=False)

    async def enter(self) -> None:
        """Returns once the preflights have passed; asks again only after a refusal. Raises `Unavailable`."""
        if self._passed:
            return
        try:
            for each in self.required:
                await each.preflight()
            await self._first_that_serves()
        except Unavailable as refusal:
            self.refusal = refusal
            raise
        self._passed, self.refusal = True, None

    async def _first_that_serves(self) -> None:
        refusal: Unavailable | None = None
        for provider in self.providers:
            try:
                await provider.preflight()
            except Unavailable as refused:
                refusal = refused
            else:
                return
        if refusal is not None:
            raise refusal

    def close(self, refusal: Unavailable) -> None:
        """A provider has refused us: the next record begins with a preflight."""
        self._passed, self.refusal = False, refusal

    async def keep_looking(self) -> None:
        """Looks until the gate opens, so that readiness is right before the first record. A chore."""
        while True:
            try:
                await self.enter()
            except Unavailable as refusal:
                log.warning("preflight", on=refusal.on, reason=str(refusal))
            except Exception:  # a mistake in an adapter: the first record will meet it and say so
                log.exception("the preflight failed")
            await asyncio.sleep(PAUSE)
