"""The simulation: it loses nothing, repeats itself, and agrees with what queueing theory says."""

import math
import statistics
from itertools import pairwise

import pytest

from schemas.topics import STAGES, ServiceName
from tools.simulate.closed_form import mean_in_system, wait
from tools.simulate.measured import measured
from tools.simulate.model import Arrival, StageModel, curved, poisson, quantile, simulate

ALONE = StageModel(1.0, 0.5, 4)
FREE = StageModel(1e-9, 0, 1)


def chain(**stages: StageModel) -> dict[ServiceName, StageModel]:
    """A chain whose other stages take no time."""
    return {stage: stages.get(str(stage), FREE) for stage in STAGES}


def test_every_job_goes_through_every_stage_in_order() -> None:
    arrivals = poisson(2.0, 200, 12, seed=1)
    run = simulate(arrivals, chain(images=ALONE, voice=ALONE), seed=1)

    assert len(run.visits) == len(arrivals) > 300
    for arrival, ways in zip(arrivals, run.visits, strict=True):
        moments = [arrival.at]
        for stage in STAGES:
            moments += [ways[stage].came, ways[stage].began, ways[stage].ended]
        assert moments == sorted(moments)


def test_the_same_seed_is_the_same_run_and_another_is_not() -> None:
    def latencies(seed: int) -> list[float]:
        return simulate(poisson(2.0, 100, 12, seed), chain(images=ALONE), seed).latencies()

    assert latencies(1) == latencies(1)
    assert latencies(1) != latencies(2)


def test_a_replica_does_one_record_at_a_time_in_the_order_of_their_coming() -> None:
    run = simulate(poisson(3.0, 300, 12, seed=4), chain(images=ALONE), seed=4)
    arrivals = poisson(3.0, 300, 12, seed=4)
    for replica in range(ALONE.replicas):
        own = [
            ways[ServiceName.IMAGES]
            for arrival, ways in zip(arrivals, run.visits, strict=True)
            if arrival.partition % ALONE.replicas == replica
        ]
        assert all(later.began >= earlier.ended for earlier, later in pairwise(own))


@pytest.mark.parametrize("load", [0.5, 0.7, 0.85])
def test_waits_are_those_of_pollaczek_and_khinchine(load: float) -> None:
    per_second = load * ALONE.replicas / ALONE.seconds
    waits = [
        statistics.fmean(
            simulate(poisson(per_second, 5_000, 12, seed), chain(images=ALONE), seed).waits(ServiceName.IMAGES)
        )
        for seed in range(3)
    ]

    assert statistics.fmean(waits) == pytest.approx(wait(per_second, 1.0, 0.5, 4), rel=0.12)


def test_littles_law_holds() -> None:
    arrivals = poisson(2.4, 5_000, 12, seed=2)
    run = simulate(arrivals, chain(images=ALONE, assembler=ALONE), seed=2)
    times = [(ways[STAGES[0]].came, ways[STAGES[-1]].ended) for ways in run.visits]
    per_second = len(arrivals) / run.seconds

    assert mean_in_system(times) == pytest.approx(per_second * statistics.fmean(run.latencies()), rel=1e-6)


def test_what_is_worked_is_what_the_records_take() -> None:
    fixed = StageModel(2.0, 0, 6)
    run = simulate(poisson(1.0, 500, 12, seed=3), chain(voice=fixed), seed=3)

    assert run.busy[ServiceName.VOICE] == pytest.approx(2.0 * len(run.visits))


def test_no_more_calls_begin_than_the_provider_allows() -> None:
    limited = StageModel(0.1, 0, 12, calls=10, calls_per_minute=60)
    run = simulate([Arrival(0.0, number % 12) for number in range(30)], chain(images=limited), seed=1)

    assert run.seconds == pytest.approx(30 * 10, rel=0.01)


def test_more_replicas_than_partitions_do_nothing() -> None:
    arrivals = poisson(1.0, 500, 4, seed=5)
    times = [simulate(arrivals, chain(images=StageModel(3.0, 0, replicas)), seed=5).seconds for replicas in (4, 12)]

    assert times[0] == times[1]


def test_the_curve_brings_as_many_as_it_says_and_most_at_noon() -> None:
    arrivals = curved(20_000, 2.0, 86_400, 12, seed=6)
    noon = [each for each in arrivals if 11 * 3600 <= each.at < 13 * 3600]

    assert len(arrivals) == pytest.approx(20_000, rel=0.03)
    assert len(noon) == pytest.approx(2 * 20_000 * 2 / 24, rel=0.06)


def test_more_than_can_be_done_has_no_mean_wait() -> None:
    with pytest.raises(ValueError, match="more comes"):
        wait(2.0, 1.0, 0.5, 2)


def test_thresholds_are_what_a_replica_does_within_the_target_wait() -> None:
    inputs = measured()
    for stage in STAGES:
        slower = max(inputs.stages[stage].offline, inputs.stages[stage].paid)
        threshold = inputs.lag_threshold(stage)
        assert threshold == 1 or threshold * slower <= inputs.target_wait_seconds
        assert (threshold + 1) * slower > inputs.target_wait_seconds


def test_a_quantile_is_one_of_the_values() -> None:
    assert quantile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert quantile([3.0, 1.0, 2.0], 0.99) == 3.0
    assert not math.isnan(quantile([1.0], 0.5))
