"""The chain as it queues: a job's key chooses its partition on every topic, and a partition belongs to one replica.

A replica takes one record at a time, in the order in which they came. So a stage of R replicas is R queues of one
server each, not one queue of R servers.
"""

import math
import random
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import simpy

from schemas.topics import STAGES, ServiceName

SECONDS_OF_A_DAY = 86_400.0


@dataclass(frozen=True)
class StageModel:
    """One stage."""

    seconds: float
    """The mean of one record."""
    spread: float
    """Standard deviation by mean; 0 is always the same."""
    replicas: int
    calls: int = 0
    """To its provider, of one record."""
    calls_per_minute: float = math.inf
    """Of all replicas together."""


@dataclass(frozen=True)
class Arrival:
    """A job."""

    at: float
    """Seconds."""
    partition: int


@dataclass
class Visit:
    """A job in a stage, in seconds."""

    came: float
    began: float = 0.0
    ended: float = 0.0

    @property
    def waited(self) -> float:
        """For its turn."""
        return self.began - self.came


@dataclass
class Run:
    """What came of it: the visits of each job by stage, in the order of arrival."""

    visits: Sequence[Mapping[ServiceName, Visit]]
    busy: Mapping[ServiceName, float]
    """Seconds of work, of all replicas."""

    def latencies(self) -> list[float]:
        """Seconds from request to video."""
        return [ways[STAGES[-1]].ended - ways[STAGES[0]].came for ways in self.visits]

    def waits(self, stage: ServiceName) -> list[float]:
        """Seconds before a record's turn."""
        return [ways[stage].waited for ways in self.visits]

    @property
    def seconds(self) -> float:
        """From the first request to the last video."""
        return max(ways[STAGES[-1]].ended for ways in self.visits) - min(ways[STAGES[0]].came for ways in self.visits)


@dataclass
class _Meter:
    """What a provider lets begin in a minute, evenly."""

    calls_per_minute: float
    free: float = field(default=0.0)

    def delay(self, now: float, calls: int) -> float:
        """Seconds until the last of so many calls may begin."""
        if not calls or math.isinf(self.calls_per_minute):
            return 0.0
        self.free = max(now, self.free) + calls * 60.0 / self.calls_per_minute
        return self.free - now


def simulate(
    arrivals: Iterable[Arrival],
    stages: Mapping[ServiceName, StageModel],
    seed: int,
    *,
    given: Sequence[Mapping[ServiceName, float]] | None = None,
) -> Run:
    """Sends jobs through the chain until all are done.

    Args:
        given: seconds of each record, in the order of arrival, instead of drawn ones.
    """
    chance = random.Random(seed)  # noqa: S311 - it keeps no secret
    world = simpy.Environment()
    servers = {stage: [simpy.Resource(world) for _ in range(model.replicas)] for stage, model in stages.items()}
    meters = {stage: _Meter(model.calls_per_minute) for stage, model in stages.items()}
    visits: list[Mapping[ServiceName, Visit]] = []
    busy = dict.fromkeys(stages, 0.0)

    def job(
        arrival: Arrival, ways: dict[ServiceName, Visit], work: Mapping[ServiceName, float]
    ) -> Generator[simpy.Event]:
        yield world.timeout(arrival.at)
        for stage, model in stages.items():
            way = ways[stage] = Visit(world.now)
            server = servers[stage][arrival.partition % model.replicas]
            with server.request() as turn:
                yield turn
                way.began = world.now
                # The provider holds the record in hand: whoever waits for it does nothing else.
                paced = meters[stage].delay(world.now, model.calls)
                yield world.timeout(max(work[stage], paced))
                way.ended = world.now
                busy[stage] += way.ended - way.began

    for number, arrival in enumerate(arrivals):
        ways: dict[ServiceName, Visit] = {}
        visits.append(ways)
        work = given[number] if given else {stage: _drawn(model, chance) for stage, model in stages.items()}
        world.process(job(arrival, ways, work))
    world.run()
    return Run(visits, busy)


def _drawn(model: StageModel, chance: random.Random) -> float:
    """Log-normal: never negative, with a tail, and of the mean and spread that it should have."""
    if not model.spread:
        return model.seconds
    variance = math.log(1 + model.spread**2)
    return chance.lognormvariate(math.log(model.seconds) - variance / 2, math.sqrt(variance))


def poisson(per_second: float, seconds: float, partitions: int, seed: int) -> list[Arrival]:
    """Jobs that come by chance, at one rate."""
    return curved(per_second * SECONDS_OF_A_DAY, 1.0, seconds, partitions, seed)


def curved(
    per_day: float, peak_to_mean: float, seconds: float, partitions: int, seed: int, *, begins: float = 0.0
) -> list[Arrival]:
    """Jobs that come by chance along a daily curve: a cosine about the mean, its peak at noon.

    Args:
        peak_to_mean: from 1, no curve, to 2, nobody at midnight.
        begins: the second of the day with which it begins.
    """
    chance = random.Random(seed)  # noqa: S311 - it keeps no secret
    mean = per_day / SECONDS_OF_A_DAY
    arrivals: list[Arrival] = []
    at = 0.0
    while (at := at + chance.expovariate(mean * peak_to_mean)) < seconds:
        curve = 1 - (peak_to_mean - 1) * math.cos(2 * math.pi * (begins + at) / SECONDS_OF_A_DAY)
        if chance.random() * peak_to_mean < curve:
            arrivals.append(Arrival(at, chance.randrange(partitions)))
    return arrivals


def quantile(values: Sequence[float], share: float) -> float:
    """The value that so great a share of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]
