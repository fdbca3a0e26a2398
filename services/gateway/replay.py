"""Replays: a stage's input is published again, each job's newest of it, as the job's next revision.

Memory does not answer, since the events have new ids; artefacts do, so that what did not change is not paid for again.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ValidationError

from runtime.errors import Unavailable
from runtime.kafka import Offsets
from runtime.objects import ObjectMissing
from schemas import keys
from schemas.topics import CHAIN, JOB_TOPICS, ServiceName
from services.gateway.parked import INPUTS
from services.gateway.ports import Reading
from services.gateway.problems import Problem
from services.gateway.projector import GROUP
from services.gateway.replay_bound import MADE, Bound
from services.gateway.replay_inputs import Search
from services.gateway.replay_order import ReplaysRequest, require_in_time
from services.gateway.replay_plan import Plan, made_at, taken
from services.gateway.replay_work import Means, Still, Work
from services.gateway.streams import Line

FOLDED = (*CHAIN, *JOB_TOPICS)
"""The topics that tell of revisions."""

PATIENCE = 60.0
"""Seconds that the projection is waited for."""

PAUSE = 0.5
"""Seconds between two looks at it."""

SKEW = timedelta(hours=1)
"""How far the clocks of those who write to the log may be apart."""

EPOCH = datetime.fromtimestamp(0, UTC)
"""Nothing is older, as far as the log knows."""

JOBS_AT_ONCE = 500
"""Of which the view is asked."""


async def _still() -> None:
    """A dry run can be beside anything."""


@dataclass(frozen=True)
class Replays:
    """Replays jobs from a stage."""

    means: Means
    draw_id: Callable[[], str]

    async def check(self, asked: ReplaysRequest) -> None:
        """Looks at a request before anything is done for it.

        Raises:
            Problem: 404, 409 or 422.
            Unavailable: the object store is away.
        """
        plan = await self._stored(asked.id) if asked.id else None
        if plan is None and asked.stage is None:
            raise Problem(404, "There is no such replay.")
        if plan is not None and asked.stage is not None and plan.asked != _told(asked):
            raise Problem(409, "This id, or this Idempotency-Key, was used for another replay.")
        if asked.stage is not None:
            require_in_time(asked.stage, asked.set, self.means.voice_providers)

    async def run(self, asked: ReplaysRequest, patience: float = PATIENCE) -> AsyncGenerator[Line]:
        """Does what was asked for, or goes on with what was asked for under the same id.

        The first line is `alive`, once no other replay is at work; then a line is `planned`, `progress`, `replayed` or
        `skipped`, and at last `done`.

        Raises:
            ReplayUnderWay: another replay is at work.
            Unavailable: something that it needs is away, or the view is too far behind the log.
        """
        if asked.dry_run:
            async with self.means.log.reading() as reading:
                async for line in self._run(asked, patience, reading, _still):
                    yield line
            return
        async with self.means.view.replaying() as still_alone, self.means.log.reading() as reading:
            async for line in self._run(asked, patience, reading, still_alone):
                yield line

    async def _run(
        self, asked: ReplaysRequest, patience: float, reading: Reading, still_alone: Still
    ) -> AsyncGenerator[Line]:
        yield {"event": "alive"}
        ends = await reading.ends(FOLDED)
        await self._caught_up(ends, patience)
        plan = await self._stored(asked.id) if asked.id else None
        resumed = plan is not None
        if plan is None:
            plan = await self._planned(asked, reading, ends)
            if not asked.dry_run and plan.jobs != {}:  # where there is nothing to do, it may be asked for again later
                await self._keep(plan)
        search = Search(plan)
        async for _ in self._searched(search, reading):
            yield {"event": "progress", "doing": "reading", "done": search.done, "of": search.of}
        yield {
            "event": "planned",
            "id": None if asked.dry_run and not resumed else plan.id,
            "from": plan.stage,
            "jobs": len(search.inputs),
            "lacking": len(plan.lacking),
            "records": search.done,
            "unreadable": search.unreadable,
            "resumed": resumed,
        }
        work = Work(self.means, plan, still_alone, dry=asked.dry_run)
        async for line in work.lines(search, reading):
            yield line
        done = {"event": "done", "id": plan.id, "totals": dict(work.totals)}
        yield done | {"id": None, "plan": _bound(work.bound)} if asked.dry_run else done

    async def _caught_up(self, ends: Offsets, patience: float) -> None:
        """Returns once the view has all that is before `ends`. Raises `Unavailable` where that takes too long."""
        waited = asyncio.timeout(patience)
        behind = 0
        try:
            async with waited:
                while behind := await self._behind(ends):  # noqa: ASYNC110 - what is waited for has no event
                    await asyncio.sleep(PAUSE)
        except TimeoutError:
            if not waited.expired():
                raise
            reason = f"The status view is {behind} events behind the log: try again when it has caught up."
            raise Unavailable(reason, on="the projection") from None

    async def _behind(self, ends: Offsets) -> int:
        lags = await self.means.log.lags({GROUP: FOLDED})
        left = (ends.get((lag.topic, lag.partition), 0) - max(lag.committed or 0, lag.start) for lag in lags)
        return sum(max(0, records) for records in left)

    async def _planned(self, asked: ReplaysRequest, reading: Reading, ends: Offsets) -> Plan:
        stage = asked.stage
        if stage is None:
            raise Problem(404, "There is no such replay.")
        topic = INPUTS[stage]
        end = {number: offset for (name, number), offset in ends.items() if name == topic.name}
        plan = Plan(
            id=asked.id or self.draw_id(),
            stage=stage,
            asked=_told(asked),
            set=asked.set,
            fresh=asked.fresh,
            start=await self._starts(stage, reading),
            end=end,
            jobs=None,
        )
        since = asked.since
        if since is None:
            ids = asked.jobs if asked.jobs is not None else await self.means.view.with_status("failed")
            jobs, lacking, times = dict[str, int](), dict[str, str](), [self.means.now()]
            for first in range(0, len(ids), JOBS_AT_ONCE):
                some = ids[first : first + JOBS_AT_ONCE]
                known = {**dict.fromkeys(some), **await self.means.view.find_all(some)}
                found, without = taken(stage, known)
                jobs, lacking = jobs | found, lacking | without
                times += made_at(stage, known, found)
            plan, since = plan.model_copy(update={"jobs": jobs, "lacking": lacking}), max(min(times), EPOCH) - SKEW
        changed = {"start": self._within(plan, await reading.at([topic], max(since, EPOCH)))}
        if asked.until is not None:
            changed["end"] = self._within(plan, await reading.at([topic], max(asked.until, EPOCH)))
        return plan.model_copy(update=changed)

    async def _starts(self, stage: ServiceName, reading: Reading) -> dict[int, int]:
        return {number: offset for (_, number), offset in (await reading.starts([INPUTS[stage]])).items()}

    @staticmethod
    def _within(plan: Plan, offsets: Offsets) -> dict[int, int]:
        """Offsets of the plan's topic, none of them outside of its range."""
        at = {number: offset for (_, number), offset in offsets.items()}
        return {number: min(max(at[number], plan.start[number]), end) for number, end in plan.end.items()}

    async def _searched(self, search: Search, reading: Reading) -> AsyncGenerator[None]:
        """Searches the range; what was named and is not there by its time, in the whole topic."""
        plan = search.plan
        starts = await self._starts(plan.stage, reading)
        ranges = [{number: max(offset, starts[number]) for number, offset in plan.start.items()}]
        if plan.jobs is not None:
            ranges.append({number: min(starts[number], end) for number, end in plan.end.items()})
        for start in ranges:
            if search.complete:
                return
            async for _ in search.run(reading, start):
                yield

    async def _stored(self, replay_id: str) -> Plan | None:
        try:
            return Plan.model_validate_json(await self.means.store.get(keys.replay_key(replay_id)))
        except ObjectMissing:
            return None
        except ValidationError:
            raise Problem(409, "This replay was begun by another version of the gateway.") from None

    async def _keep(self, plan: Plan) -> None:
        kept = plan.model_dump_json().encode()
        if not await self.means.store.create(keys.replay_key(plan.id), kept, content_type="application/json"):
            raise Problem(409, "Another replay has this id.")


def _told(asked: ReplaysRequest) -> dict[str, Any]:
    """A request as it is kept, to know it again."""
    return asked.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"id", "dry_run"})


def _bound(bound: Bound) -> Mapping[str, Any]:
    """A bound as it is told."""
    stages = {
        stage: {"makes": MADE[stage], "at_most": made, "usd": _rounded(usd)}
        for stage, (made, usd) in bound.by_stage.items()
    }
    return {"from": bound.stage, "jobs": bound.jobs, "stages": stages, "usd": _rounded(bound.usd)}


def _rounded(usd: float | None) -> float | None:
    return None if usd is None else round(usd, 6)
