"""What operators do with parked records: send them to their stage again, or give them up."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest

from runtime.errors import Permanent
from runtime.kafka import Location
from runtime.records import Record
from schemas.jobs import JobDiscarded, JobEvent, JobRedriven
from services.gateway.parked import TOPICS, DeadLetter, original
from services.gateway.ports import Log, Reading, StatusView, Wanted, Writing
from services.gateway.projection import Fact
from services.gateway.streams import Line
from services.gateway.telling import Telling

AT_ONCE = 50
"""Records that are sent side by side; they are told of before the next are sent."""

NEAR = 200
"""Offsets between two wanted records that are read along rather than skipped."""

PATIENCE = 60.0
"""Seconds that one waits in line for those who came before."""

Lines = dict[Location, Line]
"""What became of each record, as far as it is done with."""

Asked = Sequence[Location] | Wanted
"""Records by their places, or all that wait for somebody and are like this."""

Still = Callable[[], Awaitable[None]]
"""Raises where somebody else may have begun."""


@dataclass(frozen=True)
class _Settled:
    """A batch: what was done, and what of it failed for now."""

    lines: Lines
    failure: BaseException | None


@dataclass(frozen=True)
class Mending:
    """Settles parked records, each once: one call is at work at a time in a deployment, and others wait in line.

    The lines say of each record, in the order in which they were asked for, that it was `redriven` or `discarded`, or
    `refused` and why; `done` has the totals. Both methods raise `Unavailable`, and `MendingUnderWay`.
    """

    log: Log
    view: StatusView
    telling: Telling
    patience: float = PATIENCE

    async def redrive(self, asked: Asked) -> AsyncGenerator[Line]:
        """Sends records to their stages again. Record first, event second: a crash in between sends it once more."""
        async with (
            self.view.mending(self.patience) as still_alone,
            self.log.reading() as reading,
            self.log.writing() as writing,
        ):
            settle = partial(self._redrive, reading, writing)
            async for line in _settled(await self._places(asked), settle, still_alone):
                yield line

    async def discard(self, asked: Asked) -> AsyncGenerator[Line]:
        """Gives records up. They stay on the log, and are waited for no more."""
        async with self.view.mending(self.patience) as still_alone:
            async for line in _settled(await self._places(asked), self._discard, still_alone):
                yield line

    async def _places(self, asked: Asked) -> Sequence[Location]:
        """Looked up in our turn: what others have settled by then does not wait any more."""
        return await self.view.waiting(asked) if isinstance(asked, Wanted) else asked

    async def _discard(self, places: Sequence[Location]) -> _Settled:
        letters, lines = await self._waiting(places)
        told, failure = await self._tell({letter: _discarded(letter) for letter in letters})
        return _Settled(lines | {letter.at: _line("discarded", letter) for letter in told}, failure)

    async def _redrive(self, reading: Reading, writing: Writing, places: Sequence[Location]) -> _Settled:
        letters, lines = await self._waiting(places)
        letters, cancelled = await self._going_on(letters)
        parked = await _read(reading, [letter.at for letter in letters])
        sendings = await asyncio.gather(*(_send(writing, parked.get(one.at), one) for one in letters))
        outcomes = dict(zip(letters, sendings, strict=True))
        told, failure = await self._tell({one: _redriven(one) for one, outcome in outcomes.items() if outcome is None})
        lines |= cancelled
        lines |= {one.at: _refused(one.at, outcome) for one, outcome in outcomes.items() if isinstance(outcome, str)}
        lines |= {one.at: _line("redriven", one, turn=one.redrives + 1) for one in told}
        unsent = (outcome for outcome in sendings if isinstance(outcome, Exception))
        return _Settled(lines, next(unsent, failure))

    async def _waiting(self, places: Sequence[Location]) -> tuple[list[DeadLetter], Lines]:
        """Those that wait for somebody, and why the others are refused."""
        known = {letter.at: letter for letter in await self.view.parked_at(places)}
        settled = {letter.at: f"it is {letter.settled} already" for letter in known.values() if letter.settled}
        lines = {at: _refused(at, settled.get(at, "there is no such record")) for at in places}
        waiting = [known[at] for at in places if at in known and at not in settled]
        return waiting, {at: line for at, line in lines.items() if at in settled or at not in known}

    async def _going_on(self, letters: Sequence[DeadLetter]) -> tuple[list[DeadLetter], Lines]:
        """Those whose jobs were not cancelled, and the refusals of the others."""
        jobs = await self.view.find_all({letter.job_id for letter in letters if letter.job_id})
        stopped = {job_id: job.cancelled for job_id, job in jobs.items()}
        cancelled = [one for one in letters if one.job_id and one.revision <= stopped.get(one.job_id, 0)]
        refused = {one.at: _refused(one.at, "its job is cancelled") for one in cancelled}
        return [one for one in letters if one.at not in refused], refused

    async def _tell(self, events: Mapping[DeadLetter, JobEvent]) -> tuple[Sequence[DeadLetter], BaseException | None]:
        """Those that were told of, and why not all were."""
        tellings = [self.telling.publish(event, letter.at) for letter, event in events.items()]
        outcomes = dict(zip(events, await asyncio.gather(*tellings, return_exceptions=True), strict=True))
        facts = {letter: outcome for letter, outcome in outcomes.items() if isinstance(outcome, Fact)}
        if facts:
            await self.telling.fold(list(facts.values()))
        return list(facts), next((each for each in outcomes.values() if isinstance(each, BaseException)), None)


async def _settled(
    places: Sequence[Location], settle: Callable[[Sequence[Location]], Awaitable[_Settled]], still_alone: Still
) -> AsyncGenerator[Line]:
    unique, totals = list(dict.fromkeys(places)), Counter[str]()
    for start in range(0, len(unique), AT_ONCE):
        some = unique[start : start + AT_ONCE]
        await still_alone()
        settled = await settle(some)
        for line in (settled.lines[at] for at in some if at in settled.lines):
            totals[line["event"]] += 1
            yield line
        if settled.failure is not None:
            raise settled.failure
    yield {"event": "done", "totals": dict(totals)}


async def _send(writing: Writing, parked: Record | None, letter: DeadLetter) -> str | Exception | None:
    """Nothing, or why it was not sent: for good as text, or for now as an error."""
    record = original(parked, letter) if parked else "it is on the log no more"
    if isinstance(record, str):
        return record
    try:
        await writing.put(record)
    except Permanent as refusal:
        return str(refusal)
    except Exception as failure:
        return failure
    return None


async def _read(reading: Reading, places: Sequence[Location]) -> Mapping[Location, Record]:
    """The records at these places, as far as they are there."""
    found, wanted = dict[Location, Record](), set(places)
    runs = _runs(places)
    ends = await reading.ends(list({TOPICS[at.topic] for at in places}))
    for side_by_side in zip_longest(*runs.values()):
        ranges = {
            partition: run for partition, run in zip(runs, side_by_side, strict=True) if run and partition in ends
        }
        start = {partition: first for partition, (first, _) in ranges.items()}
        end = {partition: min(last + 1, ends[partition]) for partition, (_, last) in ranges.items()}
        async for records in reading.read(start, end):
            here = {Location(each.topic, each.partition, each.offset): each for each in records}
            found |= {at: here[at] for at in wanted & here.keys()}
    return found


def _runs(places: Iterable[Location]) -> Mapping[tuple[str, int], list[tuple[int, int]]]:
    """By topic and partition: first and last offsets of the runs that are read in one go."""
    runs = dict[tuple[str, int], list[tuple[int, int]]]()
    for at in sorted(places):
        own = runs.setdefault((at.topic, at.partition), [])
        if own and at.offset - own[-1][1] <= NEAR:
            own[-1] = own[-1][0], at.offset
        else:
            own.append((at.offset, at.offset))
    return runs


def _redriven(letter: DeadLetter) -> JobRedriven:
    return JobRedriven(
        job_id=letter.subject,
        revision=letter.revision,
        stage=letter.stage,
        redrives=letter.redrives + 1,
        parked=str(letter.at),
    )


def _discarded(letter: DeadLetter) -> JobDiscarded:
    return JobDiscarded(job_id=letter.subject, revision=letter.revision, stage=letter.stage, parked=str(letter.at))


def _line(event: str, letter: DeadLetter, **more: int) -> Line:
    return {"event": event, "record": str(letter.at), "job": letter.job_id, "stage": letter.stage, **more}


def _refused(at: Location, reason: str) -> Line:
    return {"event": "refused", "record": str(at), "reason": reason}
