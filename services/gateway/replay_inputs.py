"""Finding the events that jobs are replayed from. Places are kept, not bytes: what is published is read again."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field

from runtime.kafka import Location
from runtime.records import Record
from schemas.envelope import Envelope
from schemas.events import ChainEvent
from services.gateway.ports import Reading
from services.gateway.projector import Undecodable, decode
from services.gateway.replay_plan import Input, Plan

AT_ONCE = 50
"""Events that are looked at and published side by side."""


@dataclass(frozen=True)
class Found:
    """An event that a job is replayed from, in full."""

    input: Input
    envelope: Envelope
    event: ChainEvent


@dataclass
class Search:
    """Looks for the newest revision of each job in a plan's range."""

    plan: Plan
    inputs: dict[str, Input] = field(default_factory=dict[str, Input])
    """By job."""
    done: int = 0
    """Records that have been read."""
    of: int = 0
    unreadable: int = 0
    """Records that are no events."""

    async def run(self, reading: Reading, start: Mapping[int, int]) -> AsyncGenerator[None]:
        """Reads the range, from `start` on, until all that is looked for is found; a step is a batch."""
        self.done = self.unreadable = 0
        self.of = sum(self.plan.end[number] - offset for number, offset in start.items())
        batches = reading.read(self.plan.offsets(start), self.plan.offsets(self.plan.end))
        try:
            async for records in batches:
                await asyncio.to_thread(self._take, records)
                self.done += len(records)
                yield
                if self.complete:
                    return
        finally:
            await batches.aclose()

    @property
    def complete(self) -> bool:
        """Whether nothing newer can come; never where every job of a range is looked for."""
        wanted = self.plan.jobs
        return wanted is not None and all(
            job in self.inputs and self.inputs[job].revision >= revision for job, revision in wanted.items()
        )

    def _take(self, records: Sequence[Record]) -> None:
        wanted = None if self.plan.jobs is None else {job.encode() for job in self.plan.jobs}
        for record in records:
            if wanted is not None and record.key not in wanted:
                continue
            try:
                fact = decode(record)
            except Undecodable:
                self.unreadable += 1
                continue
            known, event = self.inputs.get(fact.event.job_id), fact.event
            if known is None or event.revision > known.revision:
                at = Location(record.topic, record.partition, record.offset)
                self.inputs[event.job_id] = Input(event.revision, at)


async def read_again(reading: Reading, inputs: Mapping[str, Input]) -> AsyncGenerator[list[Found]]:
    """The events at these places, some at a time, as far as they are there still."""
    wanted = {one.at: one for one in inputs.values()}
    start, end = dict[tuple[str, int], int](), dict[tuple[str, int], int]()
    for at in wanted:
        place = at.topic, at.partition
        start[place], end[place] = min(at.offset, start.get(place, at.offset)), max(at.offset + 1, end.get(place, 0))
    batches = reading.read(start, end)
    try:
        async for records in batches:
            places = ((Location(each.topic, each.partition, each.offset), each) for each in records)
            chosen = [_found(wanted[at], record) for at, record in places if at in wanted]
            for first in range(0, len(chosen), AT_ONCE):
                yield chosen[first : first + AT_ONCE]
    finally:
        await batches.aclose()


def _found(known: Input, record: Record) -> Found:
    fact = decode(record)
    if not isinstance(fact.event, ChainEvent):
        raise Undecodable(str(known.at))
    return Found(known, Envelope.from_kafka(record.headers, record.value), fact.event)
