"""A measured run beside a simulated one.

The recorder reads a run off the gateway's API; the check sends the same jobs, at the moments when they were asked for,
on the partitions that their ids hash to, through the model. How long a record is in hand is drawn from its neighbours
of the same run, never from itself: a machine that others use is not equally fast all the time. So this checks the
queueing, and with `inputs` the seconds too. Replicas must not have changed meanwhile.
"""

import random
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from aiokafka.partitioner import murmur2
from pydantic import BaseModel, ConfigDict

from schemas.topics import STAGES, ServiceName
from tools.simulate.measured import Measured, Providers
from tools.simulate.model import Arrival, Run, StageModel, quantile, simulate

NEIGHBOURS = 4
"""On each side."""

SEEDS = range(20)


class RecordedJob(BaseModel):
    """A job; moments are seconds since 1970."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    job_id: str
    asked: float
    finished: Mapping[ServiceName, float]


class Recorded(BaseModel):
    """A run, as RUN.json keeps it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    partitions: int
    replicas: Mapping[ServiceName, int]
    """Consumers of each stage: replicas times `KEYFRAME_<STAGE>_CONSUMERS`."""
    jobs: tuple[RecordedJob, ...]


def recorded(
    address: str,
    jobs: int,
    replicas: Mapping[ServiceName, int],
    partitions: int,
    token: str | None = None,
    transport: httpx.BaseTransport | None = None,
) -> Recorded:
    """The newest published jobs of a gateway. Raises httpx's errors."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    found: list[RecordedJob] = []
    with httpx.Client(base_url=address, headers=headers, timeout=60, transport=transport) as api:
        cursor: str | None = None
        while len(found) < jobs:
            query = {"limit": str(min(100, jobs - len(found)))} | ({"cursor": cursor} if cursor else {})
            page = api.get("/api/v1/feed", params=query).raise_for_status().json()
            paths = [f"/api/v1/status/{item['jobId']}" for item in page["items"]]
            found += [_job(api.get(path).raise_for_status().json()) for path in paths]
            cursor = page["next_cursor"]
            if cursor is None:
                break
    return Recorded(partitions=partitions, replicas=replicas, jobs=tuple(sorted(found, key=lambda job: job.asked)))


def _job(status: Mapping[str, Any]) -> RecordedJob:
    timings = status["timings"]
    return RecordedJob(
        job_id=status["jobId"],
        asked=datetime.fromisoformat(status["created_at"]).timestamp(),
        finished={stage: datetime.fromisoformat(timings[stage]["finished_at"]).timestamp() for stage in STAGES},
    )


def read(path: Path) -> Recorded:
    """A recorded run."""
    return Recorded.model_validate_json(path.read_bytes())


def partition(job_id: str, partitions: int) -> int:
    """Where Kafka's default partitioner puts a job."""
    return (murmur2(job_id.encode()) & 0x7FFFFFFF) % partitions


def seconds_in_hand(run: Recorded) -> Mapping[ServiceName, Sequence[float]]:
    """Of each record, in the order of the jobs: from its coming, or the end of the one before on its replica."""
    found: dict[ServiceName, Sequence[float]] = {}
    came = [job.asked for job in run.jobs]
    for stage in STAGES:
        free: dict[int, float] = {}
        hands = [0.0] * len(run.jobs)
        ended = [job.finished[stage] for job in run.jobs]
        for number in sorted(range(len(run.jobs)), key=ended.__getitem__):
            replica = partition(run.jobs[number].job_id, run.partitions) % run.replicas[stage]
            hands[number] = max(0.0, ended[number] - max(came[number], free.get(replica, 0.0)))
            free[replica] = ended[number]
        found[stage] = hands
        came = ended
    return found


@dataclass(frozen=True)
class Compared:
    """One figure of both."""

    name: str
    measured: float
    simulated: float

    @property
    def off(self) -> float:
        """By which share the simulated one is above the measured one."""
        return self.simulated / self.measured - 1 if self.measured else 0.0


def compare(run: Recorded, inputs: Measured | None = None, providers: Providers = "offline") -> list[Compared]:
    """Latency, length and wait of both, in seconds.

    Args:
        inputs: whose seconds the model takes, instead of those of the run.
    """
    hands = seconds_in_hand(run)
    stages = {stage: _model(run, stage, inputs, providers) for stage in STAGES}
    first = run.jobs[0].asked
    arrivals = [Arrival(job.asked - first, partition(job.job_id, run.partitions)) for job in run.jobs]
    runs = [
        simulate(arrivals, stages, seed, given=None if inputs else _neighbouring(hands, len(arrivals), seed))
        for seed in SEEDS
    ]
    latencies = [job.finished[STAGES[-1]] - job.asked for job in run.jobs]
    length = max(job.finished[STAGES[-1]] for job in run.jobs) - first

    def over(figure: str, measured: float, values: Sequence[float]) -> Compared:
        return Compared(figure, measured, statistics.fmean(values))

    figures = [
        over("the whole run", length, [each.seconds for each in runs]),
        over("a video, p50", quantile(latencies, 0.5), [quantile(each.latencies(), 0.5) for each in runs]),
        over("a video, p99", quantile(latencies, 0.99), [quantile(each.latencies(), 0.99) for each in runs]),
    ]
    for before, stage in zip((None, *STAGES), STAGES, strict=False):
        own = [job.finished[stage] - (job.finished[before] if before else job.asked) for job in run.jobs]
        figures.append(over(f"{stage}, mean", statistics.fmean(own), [_mean_stay(each, stage) for each in runs]))
    return figures


def _neighbouring(
    hands: Mapping[ServiceName, Sequence[float]], jobs: int, seed: int
) -> Sequence[Mapping[ServiceName, float]]:
    """For each job and stage, the seconds of a job that was asked for shortly before or after."""
    chance = random.Random(seed)  # noqa: S311 - it keeps no secret

    def near(number: int) -> int:
        others = range(max(0, number - NEIGHBOURS), min(jobs, number + NEIGHBOURS + 1))
        return chance.choice([other for other in others if other != number] or [number])

    return [{stage: hands[stage][near(number)] for stage in STAGES} for number in range(jobs)]


def _model(run: Recorded, stage: ServiceName, inputs: Measured | None, providers: Providers) -> StageModel:
    if inputs is None:
        return StageModel(0.0, 0.0, run.replicas[stage])
    cost = inputs.stages[stage]
    return StageModel(cost.seconds(providers), cost.spread, run.replicas[stage])


def _mean_stay(run: Run, stage: ServiceName) -> float:
    return statistics.fmean(ways[stage].ended - ways[stage].came for ways in run.visits)
