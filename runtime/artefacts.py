"""Artefacts: what a stage made for a job, found again by what it was made from.

A stage looks before it pays: the key of an artefact is the digest of its recipe (provider, model,
prompt, size, seed), so a redelivered record, a replay or a remix re-makes only what is new.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from runtime import tracing
from runtime.bill import Bill, Budget
from runtime.errors import Transient
from runtime.metrics import ARTEFACTS, PAID_CALL_SECONDS, PAID_CALLS, PAID_USD, UNPRICED_CALLS
from runtime.objects import ObjectMissing, ObjectStore
from schemas import keys
from schemas.costs import Charge

Facts = Mapping[str, Any]

CHARGES = "charges"
"""The fact that says what an artefact cost."""


@dataclass(frozen=True)
class Made:
    """Bytes, and what is known of them beside (timings, cost, provider): JSON values only."""

    data: bytes = field(repr=False)
    content_type: str
    facts: Facts = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Artefact:
    """A made thing in the object store."""

    key: str
    made: Made


Make = Callable[[Bill], Awaitable[Made]]
"""Makes the thing; paid calls go on the bill."""

Check = Callable[[Made], None]
"""Raises `Transient` where the bytes are not what they should be."""


@dataclass(frozen=True)
class Artefacts:
    """The artefacts of one job, and what the paid calls behind them cost."""

    store: ObjectStore
    job_id: str
    budget: Budget = field(default_factory=lambda: Budget(None))
    stage: str = ""
    """Whose they are, for the metrics."""
    fresh: int | None = None
    """Enters every digest, so that nothing is found which was made without it."""
    _charges: dict[str, list[Charge]] = field(default_factory=dict[str, list[Charge]])
    """By the key of the artefact; of one that could not be made, under its key all the same."""
    _unkept: dict[str, Made] = field(default_factory=dict[str, Made], repr=False)
    """By its key, what was made and paid for while the store was away: the next try keeps it."""

    @property
    def charges(self) -> list[Charge]:
        """What everything cost that was asked for: artefacts made anew or found, and calls that made none."""
        return [charge for charges in self._charges.values() for charge in charges]

    async def obtain(self, recipe: Mapping[str, object], make: Make, check: Check) -> Artefact:
        """The artefact of this recipe: the one that is there if it passes `check`, else a new one.

        What was made while the store was away is not made again by the next try with these artefacts.

        Raises:
            Transient: what `make` made does not pass.
            Unavailable: the store is away.
        """
        key = keys.artefact_key(self.job_id, recipe if self.fresh is None else {**recipe, "fresh": self.fresh})
        found = await self._find(key)
        if found is not None:
            try:
                await asyncio.to_thread(check, found)
            except Transient:  # what is there is damaged: it is made again
                ARTEFACTS.labels(self.stage, "damaged").inc()
            else:
                ARTEFACTS.labels(self.stage, "found").inc()
                self._account(key, found)
                self._unkept.pop(key, None)
                return Artefact(key, found)
        made = self._unkept.get(key) or await self._made(key, make, check)
        self._unkept[key] = made
        await self._keep(key, made)
        self._unkept.pop(key, None)  # two scenes may say the same
        return Artefact(key, made)

    async def _made(self, key: str, make: Make, check: Check) -> Made:
        self.budget.look()
        with tracing.part("make", {"keyframe.stage": self.stage}):
            made = await self._billed(key, make)
        await asyncio.to_thread(check, made)
        ARTEFACTS.labels(self.stage, "made").inc()
        return made

    async def _keep(self, key: str, made: Made) -> None:
        """Writes the facts before the bytes, so bytes that are there have their facts."""
        facts = json.dumps(dict(made.facts)).encode()
        await self.store.put(keys.facts_key(key), facts, content_type="application/json")
        await self.store.put(key, made.data, content_type=made.content_type)

    def _account(self, key: str, found: Made) -> None:
        """An artefact that was there has cost what it cost; counted once."""
        if key not in self._charges:
            self._charges[key] = [Charge.model_validate(charge) for charge in found.facts.get(CHARGES, ())]
            self.budget.spent += sum(charge.usd or 0.0 for charge in self._charges[key])

    async def _billed(self, key: str, make: Make) -> Made:
        """What `make` makes, with what it cost among its facts; a call that fails is paid for all the same."""
        bill = Bill(self.budget)
        try:
            made = await make(bill)
        finally:
            bill.close()
            self._charges.setdefault(key, []).extend(bill.charges)
            for charge in bill.charges:
                self._paid(charge)
        if not bill.charges:
            return made
        return replace(made, facts={**made.facts, CHARGES: [charge.model_dump() for charge in bill.charges]})

    def _paid(self, charge: Charge) -> None:
        who = self.stage, charge.provider, charge.model
        PAID_CALLS.labels(*who).inc()
        PAID_CALL_SECONDS.labels(*who).observe(charge.seconds)
        PAID_USD.labels(*who).inc(charge.usd or 0.0)
        if charge.usd is None:
            UNPRICED_CALLS.labels(*who).inc()
        usd = {} if charge.usd is None else {"keyframe.usd": charge.usd}
        tracing.noted("paid", {"keyframe.provider": charge.provider, "keyframe.model": charge.model, **usd})

    async def _find(self, key: str) -> Made | None:
        info = await self.store.head(key)
        if info is None:
            return None
        try:
            data, facts = await self.store.get(key), await self.store.get(keys.facts_key(key))
            known: object = json.loads(facts)
            return Made(data, info.content_type, cast("Facts", known)) if isinstance(known, dict) else None
        except (ObjectMissing, ValueError):
            return None
