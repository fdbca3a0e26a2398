"""What so many videos a day need, by arithmetic, and what runs out first."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from schemas.topics import STAGES, ServiceName
from services.gateway.app import GatewaySettings
from tools.simulate.closed_form import shares, wait
from tools.simulate.measured import Measured, Providers
from tools.simulate.model import SECONDS_OF_A_DAY, Run, StageModel, curved, quantile, simulate

VOLUMES = (100, 1_000, 10_000, 100_000, 1_000_000)
"""Videos a day."""

LEAST_JOBS, JOBS_A_REPLICA, MOST_JOBS = 4_000, 20, 40_000
"""Of one simulation: enough for a 99th percentile, and for every replica to come to a steady state."""

DAYS_OF_A_MONTH, DAYS_OF_A_YEAR = 30, 365


@dataclass(frozen=True)
class Plan:
    """What so many videos a day need; rates are those of the busiest hour."""

    videos: int
    providers: Providers
    peak: float
    """Videos a second."""
    replicas: Mapping[ServiceName, int]
    partitions: int
    gateways: int
    calls_per_minute: Mapping[str, float]
    events_per_second: float
    puts_per_second: float
    rows_a_year: float
    gb_a_day: Mapping[str, float]
    """That stay, by the place where they do."""
    usd_a_day: Mapping[str, float]

    @property
    def stages(self) -> list[ServiceName]:
        """In the order of the chain."""
        return list(self.replicas)


def plan(inputs: Measured, videos: int, providers: Providers) -> Plan:
    """Replicas at the chosen busyness, partitions for as many, and what all of it costs."""
    capacity, job = inputs.capacity, inputs.job
    mean = videos / SECONDS_OF_A_DAY
    peak = mean * capacity.peak_to_mean
    work = {stage: peak * inputs.stages[stage].seconds(providers) for stage in STAGES}
    partitions = capacity.partitions * math.ceil(max(work.values()) / capacity.busy / capacity.partitions)
    replicas = {stage: _replicas(each, partitions, capacity.busy) for stage, each in work.items()}
    events = peak * job.events
    return Plan(
        videos=videos,
        providers=providers,
        peak=peak,
        replicas=replicas,
        partitions=partitions,
        gateways=max(2, math.ceil(events / (capacity.events_per_second * capacity.busy))),
        calls_per_minute={name: peak * each.calls * 60 for name, each in inputs.providers.items()},
        events_per_second=events,
        puts_per_second=peak * job.puts,
        rows_a_year=videos * job.rows * DAYS_OF_A_YEAR,
        gb_a_day={
            "the bucket": videos * job.object_bytes_kept / 1e9,
            "Kafka": videos * job.kafka_bytes * capacity.kafka_copies / 1e9,
            "Postgres": videos * job.row_bytes / 1e9,
        },
        usd_a_day=_usd(inputs, videos, providers),
    )


def _replicas(work: float, partitions: int, busy: float) -> int:
    """The fewest that are no busier than that, with as many partitions each, as KEDA does; `work` in their time."""
    even = (replicas for replicas in range(1, partitions + 1) if partitions % replicas == 0)
    return next(replicas for replicas in even if work / replicas <= busy + 1e-9)


def _usd(inputs: Measured, videos: int, providers: Providers) -> Mapping[str, float]:
    """Of the autoscaled pods' work, of requests, of what a year leaves behind, of providers."""
    job, price, busy = inputs.job, inputs.price, inputs.capacity.busy
    core_seconds = sum(each.seconds(providers) * each.cores for each in inputs.stages.values()) / busy
    kept = job.object_bytes_kept * DAYS_OF_A_YEAR + job.object_bytes_swept * job.swept_after_days
    on_disks = (job.kafka_bytes * inputs.capacity.kafka_copies + job.row_bytes) * DAYS_OF_A_YEAR
    return {
        "cores": videos * core_seconds / 3600 * price.core_hour,
        "requests": videos * (job.puts * price.usd_per_million_puts + job.gets * price.usd_per_million_gets) / 1e6,
        "objects of a year": videos * kept / 1e9 * price.usd_per_gb_month / DAYS_OF_A_MONTH,
        "disks of a year": videos * on_disks / 1e9 * price.usd_per_disk_gb_month / DAYS_OF_A_MONTH,
        "providers": videos * inputs.usd_per_job() if providers == "paid" else 0.0,
    }


@dataclass(frozen=True)
class Bound:
    """Something that runs out."""

    name: str
    videos: float
    """A day, at which it does."""
    change: str


def bounds(inputs: Measured, providers: Providers) -> list[Bound]:
    """What runs out with the defaults, the first first."""
    capacity, job = inputs.capacity, inputs.job
    a_day = SECONDS_OF_A_DAY / capacity.peak_to_mean
    found = [
        Bound(
            f"partitions of {stage}",
            capacity.partitions * capacity.busy / inputs.stages[stage].seconds(providers) * a_day,
            "more partitions (`schemas/topics.py`), made before the jobs that need them; then `maxReplicaCount`",
        )
        for stage in STAGES
    ]
    seconds = sum(
        each.seconds(providers) + wait(capacity.busy / each.seconds(providers), each.seconds(providers), each.spread)
        for each in inputs.stages.values()
    )
    unfinished: int = GatewaySettings.model_fields["gateway_max_unfinished"].default
    found += [
        Bound(
            "unfinished jobs at the gateway",
            unfinished / seconds * a_day,
            "`KEYFRAME_GATEWAY_MAX_UNFINISHED`: jobs come as fast as they end, times the seconds that one takes",
        ),
        Bound(
            "events into the status view",
            capacity.events_per_second * capacity.busy / job.events * a_day,
            "more gateways, which share the partitions; then a larger Postgres",
        ),
        Bound(
            "rows of a year in Postgres",
            capacity.rows_comfortable / (job.rows * DAYS_OF_A_YEAR),
            "partition `events` by time, or drop the timelines of old jobs: the log has them",
        ),
        Bound("writes to one bucket", capacity.puts_per_second / job.puts * a_day, "several buckets, by job"),
    ]
    if providers == "paid":
        found += [
            Bound(
                f"the account at {name}",
                each.per_minute / each.calls * 60 * 24 / capacity.peak_to_mean,
                "ask the provider for a higher limit, and raise `KEYFRAME_<STAGE>_REQUESTS_PER_MINUTE`",
            )
            for name, each in inputs.providers.items()
        ]
    return sorted(found, key=lambda bound: bound.videos)


@dataclass(frozen=True)
class Latency:
    """Seconds, of one simulation."""

    jobs: int
    p50: float
    p99: float
    waits: Mapping[ServiceName, tuple[float, float]]
    """p50 and p99 of the wait for a stage's turn."""
    by_formula: Mapping[ServiceName, float]
    """The mean wait at the peak by Pollaczek and Khinchine."""
    mean_waits: Mapping[ServiceName, float]


def latency(inputs: Measured, planned: Plan, seed: int = 1) -> Latency:
    """Simulates the plan: whole days where few come, the busiest time of a day where many do."""
    jobs = min(MOST_JOBS, max(LEAST_JOBS, JOBS_A_REPLICA * max(planned.replicas.values())))
    days = jobs / planned.videos
    seconds = days * SECONDS_OF_A_DAY if days >= 1 else jobs / planned.peak
    begins = 0.0 if days >= 1 else (SECONDS_OF_A_DAY - seconds) / 2
    peaked = inputs.capacity.peak_to_mean
    run = simulate(
        curved(planned.videos, peaked, seconds, planned.partitions, seed, begins=begins), models(inputs, planned), seed
    )
    return _latency(inputs, planned, run)


def models(inputs: Measured, planned: Plan) -> Mapping[ServiceName, StageModel]:
    """The stages with the plan's replicas, and providers that allow what the plan needs."""
    return {
        stage: StageModel(
            inputs.stages[stage].seconds(planned.providers), inputs.stages[stage].spread, planned.replicas[stage]
        )
        for stage in planned.stages
    }


def _latency(inputs: Measured, planned: Plan, run: Run) -> Latency:
    waits = {stage: run.waits(stage) for stage in planned.stages}
    return Latency(
        jobs=len(run.visits),
        p50=quantile(run.latencies(), 0.5),
        p99=quantile(run.latencies(), 0.99),
        waits={stage: (quantile(each, 0.5), quantile(each, 0.99)) for stage, each in waits.items()},
        by_formula={
            stage: wait(planned.peak, model.seconds, model.spread, shares(planned.partitions, model.replicas))
            for stage, model in models(inputs, planned).items()
        },
        mean_waits={stage: sum(each) / len(each) for stage, each in waits.items()},
    )
