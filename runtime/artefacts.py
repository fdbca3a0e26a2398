"""Artefacts: what a stage made for a job, found again by what it was made from.

A stage looks before it pays: the key of an artefact is the digest of its recipe (provider, model,
prompt, size, seed), so a redelivered record, a replay or a remix re-makes only what is new.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from runtime.errors import Transient
from runtime.objects import ObjectMissing, ObjectStore
from schemas import keys

Facts = Mapping[str, Any]


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


Check = Callable[[Made], None]
"""Raises `Transient` where the bytes are not what they should be."""


@dataclass(frozen=True)
class Artefacts:
    """The artefacts of one job."""

    store: ObjectStore
    job_id: str

    async def obtain(self, recipe: Mapping[str, object], make: Callable[[], Awaitable[Made]], check: Check) -> Artefact:
        """The artefact of this recipe: the one that is there if it passes `check`, else a new one.

        The facts are written before the bytes, so bytes that are there have their facts.

        Raises:
            Transient: what `make` made does not pass.
            Unavailable: the store is away.
        """
        key = keys.artefact_key(self.job_id, recipe)
        found = await self._find(key)
        if found is not None:
            try:
                await asyncio.to_thread(check, found)
                return Artefact(key, found)
            except Transient:
                pass  # what is there is damaged: it is made again
        made = await make()
        await asyncio.to_thread(check, made)
        facts = json.dumps(dict(made.facts)).encode()
        await self.store.put(keys.facts_key(key), facts, content_type="application/json")
        await self.store.put(key, made.data, content_type=made.content_type)
        return Artefact(key, made)

    async def _find(self, key: str) -> Made | None:
        info = await self.store.head(key)
        if info is None:
            return None
        try:
            data, facts = await self.store.get(key), await self.store.get(keys.facts_key(key))
            return Made(data, info.content_type, json.loads(facts))
        except (ObjectMissing, ValueError):
            return None
