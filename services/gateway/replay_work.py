"""A replay at work: what becomes of each job."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from runtime.clock import Clock
from runtime.concurrency import each
from runtime.errors import Permanent
from runtime.objects import ObjectStore
from runtime.tracing import publishing
from schemas.base import MAX_REVISION
from schemas.envelope import Envelope
from schemas.topics import STAGES, ServiceName
from services.gateway.estimate import Model
from services.gateway.known import JobView
from services.gateway.ports import Log, Reading, StatusView
from services.gateway.projection import Fact
from services.gateway.projector import fact_of
from services.gateway.replay_bound import MADE, Bound
from services.gateway.replay_inputs import Found, Search, read_again
from services.gateway.replay_order import refusal
from services.gateway.replay_plan import Plan, needed, newest_revision, renewed, renewed_id
from services.gateway.streams import Line
from services.gateway.telling import Telling

HEADS_AT_ONCE = 16
"""Objects that are looked for side by side."""


Still = Callable[[], Awaitable[None]]
"""Raises where another replay may have begun."""


@dataclass(frozen=True)
class Means:
    """What a replay works with."""

    log: Log
    view: StatusView
    store: ObjectStore
    telling: Telling
    now: Clock
    voice_providers: tuple[str, ...]
    models: Mapping[ServiceName, Model]


@dataclass
class Work:
    """One replay; a dry one publishes nothing."""

    means: Means
    plan: Plan
    still_alone: Still
    dry: bool
    bound: Bound = field(init=False)
    """What a dry one would make again."""

    def __post_init__(self) -> None:
        self.bound = Bound(self.plan.stage, self.means.models)
        self.totals = Counter[str](replayed=0, before=0, skipped=0)

    async def lines(self, search: Search, reading: Reading) -> AsyncGenerator[Line]:
        """What becomes of each job."""
        left = dict(search.inputs)
        for job_id, reason in self.plan.lacking.items():
            yield self._skipped(job_id, reason)
        async for some in read_again(reading, search.inputs):
            for line in await self._done(some):
                yield line
            for found in some:
                left.pop(found.event.job_id, None)
            yield {
                "event": "progress",
                "doing": "replaying",
                "done": len(search.inputs) - len(left),
                "of": len(search.inputs),
            }
        unread = [job_id for job_id in self.plan.jobs or () if job_id not in search.inputs]
        for job_id in (*left, *unread):
            yield self._skipped(job_id, f"its {self.plan.topic.name} event is on the log no more")

    async def _done(self, some: Sequence[Found]) -> list[Line]:
        view = self.means.view
        jobs = await view.find_all([found.event.job_id for found in some])
        seen = await view.seen([renewed_id(self.plan.id, found.envelope.id) for found in some])
        lines, left = list[Line](), list[Found]()
        for found in some:
            revision = seen.get(renewed_id(self.plan.id, found.envelope.id))
            if revision is None:
                left.append(found)
            else:
                self.totals["before"] += 1
                lines.append(_replayed(found, revision, before=True))
        lacking, going = await _lacking(left, self.means.store), list[Found]()
        for found in left:
            if reason := self._refusal(found, lacking, newest_revision(jobs.get(found.event.job_id))):
                lines.append(self._skipped(found.event.job_id, reason))
            else:
                going.append(found)
        return lines + (self._counted(going) if self.dry else await self._published(going, jobs))

    def _refusal(self, found: Found, lacking: Collection[str], newest: int) -> str | None:
        """Why this job cannot be replayed so, where these objects are lacking, and this is its newest revision."""
        if newest >= MAX_REVISION:
            return "there is no revision after its newest one"
        stages = {stage for stage, key in needed(found.event) if key in lacking}
        gone = min(stages, key=STAGES.index, default=None)
        if gone is ServiceName.ASSEMBLER:
            return "its rendered files are cleared, as those of every published video: replay from assembler"
        if gone is not None:
            return f"its {MADE[gone]} are not kept any more: replay from {gone}"
        return refusal(self.plan.set, found.event.language, self.means.voice_providers)

    def _counted(self, going: Sequence[Found]) -> list[Line]:
        for found in going:
            self.bound.add(found.event, self.plan.set)
        self.totals["replayed"] += len(going)
        return []

    async def _published(self, going: Sequence[Found], jobs: Mapping[str, JobView]) -> list[Line]:
        """Publishes each at its next revision, and brings them into the view at once. Raises `Unavailable`."""
        await self.still_alone()  # now: had it ended since the revisions were read, another may have used them
        revisions, now = await self._revisions(going, jobs), self.means.now()
        new = [renewed(self.plan, found.envelope, revisions[found.envelope.id], now) for found in going]
        outcomes = await asyncio.gather(*map(self._publish, new), return_exceptions=True)
        facts = [outcome for outcome in outcomes if isinstance(outcome, Fact)]
        if facts:
            await self.means.telling.fold(facts)
        lines = list[Line]()
        for found, outcome in zip(going, outcomes, strict=True):
            match outcome:
                case Fact():
                    self.totals["replayed"] += 1
                    lines.append(_replayed(found, outcome.event.revision, before=False))
                case Permanent():
                    lines.append(self._skipped(found.event.job_id, str(outcome)))
                case _:
                    raise outcome
        return lines

    async def _revisions(self, going: Sequence[Found], jobs: Mapping[str, JobView]) -> Mapping[str, int]:
        """The revision of each, by the id of the old event.

        They are taken before anything is published: what failed by then may come to the log at any time after.
        """
        new = {found.envelope.id: renewed_id(self.plan.id, found.envelope.id) for found in going}
        ids = ((new[found.envelope.id], found.event.job_id) for found in going)
        taken = await self.means.view.take_revisions(
            [(event_id, job_id, newest_revision(jobs.get(job_id))) for event_id, job_id in ids]
        )
        return {old: taken[event_id] for old, event_id in new.items()}

    async def _publish(self, new: Envelope) -> Fact:
        fact = fact_of(new, self.plan.topic)
        with publishing(new):
            await self.means.log.publish(self.plan.topic, new)
        return fact

    def _skipped(self, job_id: str, reason: str) -> Line:
        self.totals["skipped"] += 1
        return {"event": "skipped", "job": job_id, "reason": reason}


def _replayed(found: Found, revision: int, *, before: bool) -> Line:
    return {"event": "replayed", "job": found.event.job_id, "revision": revision, "before": before}


async def _lacking(some: Iterable[Found], store: ObjectStore) -> set[str]:
    """The keys of the objects that replays of these would need, and that are not there."""

    async def is_there(key: str) -> bool:
        try:
            return await store.head(key) is not None
        except Permanent:  # no key at all
            return False

    keys = list(dict.fromkeys(key for found in some for _, key in needed(found.event)))
    there = await each(keys, is_there, limit=HEADS_AT_ONCE)
    return {key for key, is_here in zip(keys, there, strict=True) if not is_here}
