"""Given events, in whatever order: what is known of a job, and where it stands."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.costs import StageCost
from schemas.jobs import JobCancelled, JobDiscarded, JobFailed, JobProgressed, JobRedriven, Waiting
from schemas.media import Degraded
from schemas.topics import STAGES
from services.gateway.known import JobView
from services.gateway.projection import Fact, evolve
from services.gateway.standing import Standing, Status, standing
from tests.builders import (
    NOON,
    chain,
    cost,
    images_rendered,
    job_id,
    script_written,
    video_assembled,
    video_published,
    video_requested,
    voice_recorded,
)

CHAIN = (video_requested, script_written, images_rendered, voice_recorded, video_assembled, video_published)


def fact(event: Any, at: int = 0, *, name: str | None = None, redrives: int = 0) -> Fact:
    """A fact `at` seconds after noon."""
    return Fact(name or f"{type(event).__name__}-{at}", NOON + timedelta(seconds=at), event, redrives)


def progressed(stage: str, step: int = 0, steps: int = 10, *, revision: int = 1, **more: Any) -> JobProgressed:
    return JobProgressed(
        job_id=job_id(), revision=revision, stage=stage, step=step, steps=steps, label=f"step {step}", **more
    )


def failed(stage: str, *costs: StageCost, redrives: int = 0, revision: int = 1) -> JobFailed:
    return JobFailed(
        job_id=job_id(),
        revision=revision,
        stage=stage,
        code="permanent",
        message=f"turn {redrives}",
        attempts=1,
        redrives=redrives,
        costs=costs,
    )


def spent(now: Standing) -> dict[str, tuple[float, bool]]:
    return {stage: (one.usd, one.complete) for stage, one in now.costs.items()}


def redriven(stage: str, redrives: int) -> JobRedriven:
    return JobRedriven(job_id=job_id(), stage=stage, redrives=redrives)


def waiting(stage: str) -> JobProgressed:
    who = Waiting(on="polly", reason="limits us", since=NOON, next_try=NOON + timedelta(seconds=30))
    return progressed(stage, waiting=who)


def folded(facts: Sequence[Fact]) -> JobView:
    job: JobView | None = None
    for one in facts:
        job = evolve(job, one)
    assert job is not None
    return job


def stands(*facts: Fact) -> Standing:
    """Where a job of these facts stands, which their order must not change."""
    forwards, backwards = folded(facts), folded(facts[::-1])
    assert forwards == backwards
    return standing(forwards)


def test_a_request_is_queued():
    now = stands(fact(video_requested()))
    assert (now.status, now.stage, now.progress, now.revision) == (Status.QUEUED, "script", 0, 1)


def test_each_event_of_the_chain_brings_the_job_to_the_next_stage():
    expected = [("script", 0), ("images", 10), ("voice", 50), ("assembler", 70), ("storage", 95), (None, 100)]
    events = chain()
    assert [
        (now.stage, now.progress)
        for count in range(1, len(events) + 1)
        for now in [stands(*[fact(event, at) for at, event in enumerate(events[:count])])]
    ] == expected


def test_a_published_video_is_completed_with_its_files_and_pictures():
    now = stands(*[fact(event, at) for at, event in enumerate(chain())])
    assert now.status is Status.COMPLETED
    assert now.completed_at == NOON + timedelta(seconds=5)
    assert now.video is not None
    assert now.video.files is not None
    assert now.video.files.video.key == f"published/{job_id()}/1/video.mp4"
    assert now.keyframes == {index: f"artefacts/{job_id()}/picture{index}" for index in range(3)}
    assert now.content is not None
    assert now.content.title == "Coral reefs"


def test_pictures_show_as_they_are_painted():
    now = stands(
        fact(script_written(), 1),
        fact(progressed("images", 2, artefact="artefacts/two"), 2),
        fact(progressed("images", 7, artefact="artefacts/seven"), 3),
    )
    assert now.keyframes == {1: "artefacts/two", 6: "artefacts/seven"}
    assert (now.status, now.stage, now.progress) == (Status.PROCESSING, "images", 18)


def test_a_stage_that_is_heard_of_before_its_input_is_the_current_one():
    now = stands(fact(video_requested()), fact(progressed("voice", 5), 1))
    assert (now.status, now.stage, now.progress) == (Status.PROCESSING, "voice", 52)


def test_who_is_waited_for_is_said_until_the_stage_goes_on():
    before = (fact(script_written()), fact(waiting("images"), 1))
    said = stands(*before).waiting
    assert said is not None
    assert said.on == "polly"
    assert stands(*before, fact(progressed("images", 1), 2)).waiting is None
    assert stands(*before, fact(images_rendered(), 2)).waiting is None
    assert stands(*before, fact(failed("images"), 2)).waiting is None


def test_a_failure_is_told_with_its_stage():
    now = stands(fact(script_written()), fact(failed("images"), 1))
    assert (now.status, now.stage) == (Status.FAILED, "images")
    assert now.failure is not None
    assert (now.failure.code, now.failure.message) == ("permanent", "turn 0")


@pytest.mark.parametrize(
    "later", [images_rendered(), voice_recorded(), progressed("voice"), waiting("assembler"), video_published()]
)
def test_any_event_of_a_later_stage_supersedes_a_failure(later: Any):
    now = stands(fact(script_written()), fact(failed("images"), 9), fact(later, 1))
    assert now.status in (Status.PROCESSING, Status.COMPLETED)
    assert now.failure is None


def test_an_event_of_an_earlier_stage_does_not():
    assert stands(fact(failed("voice"), 1), fact(progressed("images", 3), 9)).status is Status.FAILED


def test_fail_redrive_fail_redrive_succeed_shows_each_turn():
    turns = [
        (fact(failed("images"), 1), Status.FAILED, "turn 0"),
        (fact(redriven("images", 1), 2), Status.PROCESSING, None),
        (fact(failed("images", redrives=1), 3), Status.FAILED, "turn 1"),
        (fact(redriven("images", 2), 4), Status.PROCESSING, None),
        (fact(images_rendered(), 5), Status.PROCESSING, None),
    ]
    facts = [fact(script_written())]
    for one, status, message in turns:
        facts.append(one)
        now = stands(*facts)
        assert (now.status, now.failure.message if now.failure else None) == (status, message)


def test_progress_of_a_redriven_record_supersedes_the_failure_before_it():
    now = stands(fact(failed("images"), 1), fact(progressed("images", 1), 2, redrives=1))
    assert now.status is Status.PROCESSING


def test_what_was_waited_for_before_a_redrive_is_not_waited_for_after_it():
    now = stands(fact(waiting("images"), 1), fact(failed("images"), 2), fact(redriven("images", 1), 3))
    assert now.waiting is None


def test_a_cancel_wins_over_progress_and_failure_but_not_over_a_published_video():
    cancel = fact(JobCancelled(job_id=job_id()), 3)
    assert stands(fact(video_requested()), cancel).status is Status.CANCELLED
    assert stands(fact(images_rendered()), cancel, fact(progressed("voice", 1), 9)).status is Status.CANCELLED
    assert stands(fact(failed("images")), cancel).status is Status.CANCELLED
    assert stands(fact(video_published(), 9), cancel).status is Status.COMPLETED


def test_a_replay_keeps_the_older_video_until_it_is_published():
    first = [fact(event, at) for at, event in enumerate(chain())]
    again = fact(images_rendered(revision=2, voice="emma"), 60, name="again")
    now = stands(*first, again)
    assert (now.status, now.stage, now.revision, now.video_revision) == (Status.PROCESSING, "voice", 2, 1)
    assert now.content is not None
    assert now.content.voice == "emma"
    assert now.completed_at == NOON + timedelta(seconds=5)
    assert list(now.timings) == []
    done = stands(*first, again, fact(video_published(revision=2), 90, name="published again"))
    assert (done.status, done.video_revision) == (Status.COMPLETED, 2)
    assert done.completed_at == NOON + timedelta(seconds=90)


def test_a_failed_replay_keeps_the_older_video():
    now = stands(fact(video_published(), 5), fact(failed("voice", revision=2), 60))
    assert (now.status, now.video_revision, now.keyframes[0]) == (
        Status.FAILED,
        1,
        f"artefacts/{job_id()}/picture0",
    )


def test_a_cancel_of_an_older_revision_does_not_stop_a_newer_one():
    now = stands(fact(JobCancelled(job_id=job_id()), 1), fact(images_rendered(revision=2), 2))
    assert now.status is Status.PROCESSING


def test_a_cancel_stops_every_revision_up_to_its_own():
    cancel = fact(JobCancelled(job_id=job_id(), revision=2), 1)
    assert stands(fact(video_requested()), cancel).status is Status.CANCELLED
    assert stands(fact(video_requested()), fact(images_rendered(revision=2), 2), cancel).status is Status.CANCELLED
    assert stands(fact(images_rendered(revision=3), 2), cancel).status is Status.PROCESSING


def test_older_cancels_leave_no_trace_beside_a_newer_one():
    """The topic is compacted by job, so a rebuilt view is made from the newest alone."""
    older, newer = (fact(JobCancelled(job_id=job_id(), revision=number), number) for number in (1, 2))
    replayed = fact(images_rendered(revision=2), 2)
    assert folded([older, replayed, newer]) == folded([newer, replayed])


def test_a_discard_changes_nothing():
    known = [fact(script_written()), fact(failed("images"), 1)]
    discarded = fact(JobDiscarded(job_id=job_id(), revision=9, stage="images", parked="keyframe.images.dlq.v1/0/0"), 2)
    assert folded([discarded, *known, discarded]) == folded(known)


def test_timings_run_from_the_first_sign_of_a_stage_to_its_event():
    now = stands(
        fact(video_requested()),
        fact(script_written(), 4),
        fact(progressed("images", 0), 6),
        fact(progressed("images", 1), 8),
        fact(images_rendered(), 11),
        fact(progressed("voice", 0), 12),
    )
    assert [(name, timing.seconds) for name, timing in now.timings.items()] == [
        ("script", 4.0),
        ("images", 5.0),
        ("voice", None),
    ]


def test_a_stage_of_another_version_is_kept_and_breaks_nothing():
    now = stands(fact(video_requested()), fact(progressed("music", 1), 1), fact(failed("music"), 2))
    assert (now.status, now.stage) == (Status.PROCESSING, "script")


def test_how_far_each_stage_is():
    now = stands(fact(script_written()), fact(progressed("images", 2), 1), fact(progressed("images", 9), 2))
    assert now.stages == {"script": 100, "images": 20, "voice": 0, "assembler": 0, "storage": 0}


def test_a_stage_is_at_a_hundred_once_its_event_is_there_and_not_before():
    steps = [fact(progressed("script", step, 2), step) for step in (1, 2)]
    assert stands(*steps).stages["script"] == 99
    assert stands(*steps, fact(script_written(), 3)).stages["script"] == 100
    assert set(stands(*[fact(event, at) for at, event in enumerate(chain())]).stages.values()) == {100}


def test_costs_are_summed_by_stage_as_the_furthest_event_has_them():
    script = cost("script", 0.01)
    images = (cost("images", 0.2), cost("images", 0.1, "other"), cost("images", None, "unknown"))
    before, after = fact(script_written(costs=(script,))), fact(images_rendered(costs=(script, *images)), 1)
    assert spent(stands(before)) == {"script": (0.01, True)}
    assert spent(stands(before, after)) == {"script": (0.01, True), "images": (pytest.approx(0.3), False)}


@pytest.mark.parametrize("amount", [float("inf"), float("nan")])
def test_an_amount_that_is_no_number_is_one_that_is_not_known(amount: float):
    odd = cost("script", 0.0).model_copy(update={"usd": amount})
    job = folded([fact(failed("script", odd, cost("script", 1.0, "other")))])
    assert spent(standing(JobView.model_validate_json(job.model_dump_json()))) == {"script": (1.0, False)}


def test_a_failures_costs_count_until_its_stage_has_emitted():
    script = cost("script", 0.01)
    wrote, gave_up = fact(script_written(costs=(script,))), fact(failed("images", cost("images", 0.5)), 1)
    assert spent(stands(wrote, gave_up)) == {"script": (0.01, True), "images": (0.5, True)}
    again = fact(failed("images", cost("images", 0.7), redrives=1), 2)
    assert spent(stands(wrote, gave_up, again))["images"] == (0.7, True)
    made = fact(images_rendered(costs=(script, cost("images", 0.6))), 3)
    assert spent(stands(wrote, gave_up, again, made)) == {"script": (0.01, True), "images": (0.6, True)}


def test_a_failure_does_not_count_beside_the_event_of_its_stage_even_if_that_was_free():
    assert spent(stands(fact(failed("images", cost("images", 0.5))), fact(voice_recorded(), 1))) == {}


def test_a_failure_of_an_older_revision_is_not_in_the_costs_of_a_newer_one():
    assert spent(stands(fact(failed("images", cost("images", 0.5))), fact(script_written(revision=2), 1))) == {}


def test_what_a_stand_in_made_is_known():
    degraded = (Degraded(stage="images", scene=0, reason="Nebius is away"),)
    now = stands(fact(images_rendered(degraded=degraded)), fact(video_published(degraded=degraded), 1))
    assert now.content is not None
    assert now.video is not None
    assert (now.content.degraded, now.video.degraded) == (degraded, degraded)


def test_what_is_known_survives_json():
    job = folded([*[fact(event, at) for at, event in enumerate(chain())], fact(waiting("images"), 9)])
    assert JobView.model_validate_json(job.model_dump_json()) == job


@st.composite
def facts(draw: st.DrawFn) -> list[Fact]:
    """Facts of one job, each with an id of its own; times may be equal, and clocks may be wrong."""
    revisions = st.integers(1, 2)
    stages = st.sampled_from([*STAGES, "music"])
    turns = st.integers(0, 2)
    costs = st.lists(st.builds(cost, stages, st.sampled_from([None, 0.1, 0.2, 0.3])), max_size=3)
    event = st.one_of(
        st.builds(
            lambda build, revision, costs: build(revision=revision, costs=costs),
            st.sampled_from(CHAIN),
            revisions,
            costs,
        ),
        st.builds(
            lambda stage, step, revision, wait: (
                progressed(stage, step, 3, revision=revision, artefact=f"artefacts/{step}")
                if not wait
                else waiting(stage)
            ),
            stages,
            st.integers(0, 3),
            revisions,
            st.booleans(),
        ),
        st.builds(
            lambda stage, turn, revision, costs: failed(stage, *costs, redrives=turn, revision=revision),
            stages,
            turns,
            revisions,
            costs,
        ),
        st.builds(redriven, stages, st.integers(1, 2)),
        st.builds(lambda revision: JobCancelled(job_id=job_id(), revision=revision), revisions),
        st.builds(
            lambda revision: JobDiscarded(job_id=job_id(), revision=revision, stage="voice", parked=""), revisions
        ),
    )
    events = draw(st.lists(event, min_size=1, max_size=12))
    return [
        fact(one, draw(st.integers(0, 3)), name=f"{number:02}", redrives=draw(turns))
        for number, one in enumerate(events)
    ]


@settings(max_examples=300, deadline=None)
@given(facts(), st.randoms(use_true_random=False), st.data())
def test_what_is_known_depends_on_the_set_of_facts_alone(some: list[Fact], random: Any, data: st.DataObject):
    repeated = some + data.draw(st.lists(st.sampled_from(some), max_size=5))
    random.shuffle(repeated)
    assert folded(repeated) == folded(some)


@settings(max_examples=200, deadline=None)
@given(facts())
def test_progress_never_falls_within_a_revision(some: list[Fact]):
    best: dict[int, list[int]] = {}
    for count in range(1, len(some) + 1):
        now = standing(folded(some[:count]))
        shown = [now.progress, *now.stages.values()]
        assert all(new >= old for new, old in zip(shown, best.get(now.revision, shown), strict=True))
        best[now.revision] = shown
