"""The simulation: it loses nothing, repeats itself, and agrees with what queueing theory says."""

import math
import statistics
from datetime import UTC, datetime
from itertools import pairwise
from uuid import NAMESPACE_URL, uuid5

import httpx
import pytest

from schemas.topics import STAGES, ServiceName
from tools.simulate.__main__ import RUNS
from tools.simulate.check import Recorded, RecordedJob, compare, partition, read, recorded, seconds_in_hand
from tools.simulate.closed_form import mean_in_system, shares, wait
from tools.simulate.measured import measured
from tools.simulate.model import Arrival, StageModel, curved, poisson, quantile, simulate
from tools.simulate.plan import VOLUMES, Plan, bounds, latency, plan
from tools.simulate.report import page, table

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

    assert statistics.fmean(waits) == pytest.approx(wait(per_second, 1.0, 0.5, shares(12, 4)), rel=0.12)


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
        wait(2.0, 1.0, 0.5, shares(12, 2))


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


def test_a_plan_leaves_no_replica_busier_than_chosen() -> None:
    inputs = measured()
    for providers in ("offline", "paid"):
        for videos in VOLUMES:
            planned = plan(inputs, videos, providers)
            for stage, replicas in planned.replicas.items():
                most = max(shares(planned.partitions, replicas))
                load = planned.peak * most * inputs.stages[stage].seconds(providers)
                assert planned.partitions % replicas == 0
                assert load <= inputs.capacity.busy + 1e-9, (videos, stage)


def test_seven_of_twelve_do_no_more_than_six() -> None:
    assert max(shares(12, 6)) == max(shares(12, 7)) == max(shares(12, 11)) > max(shares(12, 12))
    assert sum(shares(12, 7)) == pytest.approx(1)


def test_a_bound_is_where_the_plan_needs_more_than_there_is() -> None:
    inputs = measured()
    found = {bound.name: bound.videos for bound in bounds(inputs, "paid")}
    assert list(found.values()) == sorted(found.values())

    def at(name: str, share: float) -> Plan:
        return plan(inputs, int(found[name] * share), "paid")

    assert at("partitions of assembler", 0.99).partitions == inputs.capacity.partitions
    assert at("partitions of assembler", 1.01).partitions > inputs.capacity.partitions
    limit = inputs.providers["nebius"].per_minute
    assert at("the account at nebius", 0.99).calls_per_minute["nebius"] < limit
    assert at("the account at nebius", 1.01).calls_per_minute["nebius"] > limit


def test_costs_grow_with_videos_and_offline_providers_take_nothing() -> None:
    inputs = measured()
    few, many = (plan(inputs, videos, "paid").usd_a_day for videos in (100, 1_000))

    assert {kind: pytest.approx(10 * usd) for kind, usd in few.items()} == many
    assert plan(inputs, 100, "offline").usd_a_day["providers"] == 0
    assert few["providers"] == pytest.approx(100 * inputs.usd_per_job())


def run_of(seconds: float, jobs: int = 120) -> Recorded:
    """What a recorder would have read of a chain that is known: images of three replicas, one of each other."""
    replicas = {stage: 3 if stage is ServiceName.IMAGES else 1 for stage in STAGES}
    models = {
        stage: StageModel(seconds if stage is ServiceName.IMAGES else 0.2, 0.3, replicas[stage]) for stage in STAGES
    }
    ids = [str(uuid5(NAMESPACE_URL, str(number))) for number in range(jobs)]
    arrivals = [Arrival(3.0 * number, partition(ids[number], 12)) for number in range(jobs)]
    run = simulate(arrivals, models, seed=9)
    return Recorded(
        partitions=12,
        replicas=replicas,
        jobs=tuple(
            RecordedJob(
                job_id=ids[number],
                asked=1e9 + arrivals[number].at,
                finished={stage: 1e9 + way.ended for stage, way in run.visits[number].items()},
            )
            for number in range(jobs)
        ),
    )


def test_a_run_of_the_model_is_found_again_by_the_check() -> None:
    figures = {figure.name: figure for figure in compare(run_of(6.0))}

    assert abs(figures["the whole run"].off) < 0.05
    assert abs(figures["a video, p50"].off) < 0.2
    assert abs(figures["images, mean"].off) < 0.2


def test_the_measured_run_of_two_hundred_jobs_is_met() -> None:
    figures = {figure.name: figure for figure in compare(read(RUNS / "embedded-200.json"))}

    assert abs(figures["the whole run"].off) < 0.05
    assert abs(figures["a video, p50"].off) < 0.15
    assert abs(figures["a video, p99"].off) < 0.2
    assert abs(figures["assembler, mean"].off) < 0.15


def test_seconds_in_hand_are_without_the_wait() -> None:
    run = run_of(6.0)
    hands = seconds_in_hand(run)

    assert statistics.fmean(hands[ServiceName.IMAGES]) == pytest.approx(6.0, rel=0.15)
    assert statistics.fmean(hands[ServiceName.VOICE]) == pytest.approx(0.2, rel=0.15)


def test_a_run_that_does_not_fit_is_told_apart() -> None:
    faster = measured().model_copy(
        update={
            "stages": {stage: cost.model_copy(update={"offline": 0.1}) for stage, cost in measured().stages.items()}
        }
    )

    assert {figure.name: figure for figure in compare(run_of(6.0), faster)}["a video, p50"].off < -0.5


def test_a_job_lies_where_kafka_puts_it() -> None:
    # The hashes are those that the tests of Kafka's own client have for these keys.
    assert partition("21", 12) == (-973932308 & 0x7FFFFFFF) % 12
    assert partition("foobar", 12) == (-790332482 & 0x7FFFFFFF) % 12


def test_the_recorder_reads_all_pages_of_the_feed_with_the_token() -> None:
    run = run_of(6.0, jobs=5)

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == "Bearer token"
        if request.url.path == "/api/v1/feed":
            begin = int(request.url.params.get("cursor", 0))
            items = [{"jobId": job.job_id} for job in run.jobs[begin : begin + 2]]
            return httpx.Response(200, json={"items": items, "next_cursor": str(begin + 2) if begin < 4 else None})
        job = next(job for job in run.jobs if request.url.path == f"/api/v1/status/{job.job_id}")
        timings = {str(stage): {"finished_at": moment(at)} for stage, at in job.finished.items()}
        return httpx.Response(200, json={"jobId": job.job_id, "created_at": moment(job.asked), "timings": timings})

    heard = recorded("http://gateway", 200, run.replicas, 12, "token", httpx.MockTransport(answer))

    assert [job.job_id for job in heard.jobs] == [job.job_id for job in run.jobs]
    assert heard.jobs[4].finished == pytest.approx(run.jobs[4].finished, abs=1e-3)


def moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


def test_a_table_whose_rows_are_wider_than_its_head_is_refused() -> None:
    assert table(["a", "b"], [["1", "2"]]).count("|") == 9
    with pytest.raises(ValueError, match="another width"):
        table(["a"], [["1", "2"]])


def test_what_stays_is_counted_where_it_stays() -> None:
    inputs = measured()
    place = plan(inputs, 1_000_000, "paid").gb_a_day

    assert place["the bucket"] == pytest.approx(inputs.job.object_bytes_kept / 1e3)
    assert place["Kafka"] == pytest.approx(inputs.job.kafka_bytes * inputs.capacity.kafka_copies / 1e3)
    assert place["Postgres"] == pytest.approx(inputs.job.row_bytes / 1e3)


def test_the_page_has_every_volume_and_says_what_is_assumed() -> None:
    inputs = measured()
    planned = {"offline": [(each, latency(inputs, each)) for each in [plan(inputs, 100, "offline")]]}
    text = page(inputs, planned, {"offline": bounds(inputs, "offline")}, "none")

    assert "| 100 |" in text
    assert "mean wait for voice" in text, "the slowest of the offline ones"
    assert "$" not in text.replace(", $", "").replace("$ a", "")
