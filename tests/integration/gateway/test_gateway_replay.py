"""Replays: what is published again, as which revision, and what is said of the jobs that cannot be replayed."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from runtime.errors import Unavailable
from runtime.folder_objects import FolderObjects
from runtime.objects import ObjectInfo
from runtime.records import Record
from schemas import keys
from schemas.base import MAX_REVISION, Contract
from schemas.envelope import Envelope, derive_id
from schemas.events import ChainEvent, ImagesRendered
from schemas.jobs import JobCancelled, JobFailed
from schemas.topics import IMAGES_RENDERED, SCRIPT_WRITTEN, VIDEO_ASSEMBLED, VIDEO_REQUESTED, Topic
from services.gateway import turns
from services.gateway.replay_order import ReplaysRequest
from services.gateway.replay_plan import needed
from tests.builders import (
    NOON,
    chain,
    envelope,
    images_rendered,
    job_id,
    record,
    script_written,
    video_assembled,
    video_requested,
)
from tests.gateways import FakeLog, GatewayUnderTest, problem, running

HOUR = timedelta(hours=1)
REPLAY = "0198c0de-0000-7000-8000-0000000000aa"


@dataclass
class Fragile(FakeLog):
    """A log that is away once so many more events are published."""

    left: int | None = None
    unanswered: list[tuple[Topic, Envelope]] = field(default_factory=list[tuple[Topic, Envelope]])
    """What somebody tried to publish while it was away."""
    stuck: asyncio.Event | None = None
    """Set once somebody publishes, who gets no answer."""

    async def publish(self, topic: Topic, envelope: Envelope) -> None:
        if self.stuck:
            self.stuck.set()
            await asyncio.Event().wait()
        if self.left == 0:
            self.unanswered.append((topic, envelope))
            raise Unavailable("Kafka is away", on="kafka")
        self.left = None if self.left is None else self.left - 1
        await super().publish(topic, envelope)


@pytest.fixture
async def gateway(tables: str, tmp_path: Path) -> AsyncIterator[GatewayUnderTest]:
    """A gateway whose view is never behind."""
    async with running(tables, tmp_path, log=Fragile(behind=0)) as gateway:
        yield gateway


async def given(gateway: GatewayUnderTest, *events: Contract | Envelope | Record) -> list[Record]:
    """What has happened: on the log and in the view, and the objects are there that events name."""
    for event in events:
        if isinstance(event, ChainEvent):
            for _, key in needed(event):
                await gateway.store.put(key, b"made", content_type="image/png")
    records = gateway.log.keep(*events)
    await gateway.log.deliver(*records)
    return records


async def replay(
    gateway: GatewayUnderTest, number: int = 1, headers: Mapping[str, str] | None = None, **body: Any
) -> Any:
    return await gateway.client.post(f"/api/v1/jobs/{job_id(number)}/replay", json=body, headers=headers)


async def replays(gateway: GatewayUnderTest, **body: Any) -> list[dict[str, Any]]:
    answer = await gateway.client.post("/api/v1/replays", json=body)
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def of(lines: list[dict[str, Any]], event: str) -> list[dict[str, Any]]:
    return [line for line in lines if line["event"] == event]


def published(gateway: GatewayUnderTest, topic: Topic) -> list[Any]:
    assert topic.event is not None
    return [topic.event.model_validate_json(each.data) for each in gateway.log.of(topic)]


def failed(number: int, stage: str) -> JobFailed:
    return JobFailed(job_id=job_id(number), stage=stage, code="permanent", message="no", attempts=1)


async def test_a_job_is_told_again_by_another_voice(gateway: GatewayUnderTest):
    *before, images, voice, video, done = chain()
    images = images.model_copy(update={"of_a_later_version": {"kept": True}})
    old = envelope(images)
    await given(gateway, *before, images, voice, video, done)

    answer = await replay(gateway, **{"from": "voice", "set": {"voice": "EMMA"}})

    assert (answer.status_code, answer.headers["location"]) == (202, f"/api/v1/status/{job_id()}")
    assert answer.json() == {
        "jobId": job_id(),
        "status": "processing",
        "revision": 2,
        "links": {"status": f"/api/v1/status/{job_id()}", "video": f"/videos/{job_id()}/video.mp4"},
    }
    [(topic, new)] = gateway.log.published
    assert topic is IMAGES_RENDERED
    assert (new.type, new.source, new.subject) == (topic.name, "/keyframe/gateway", job_id())
    assert (new.causation_id, new.redrives) == (old.id, 0)
    assert new.id != old.id
    assert json.loads(new.data) == json.loads(old.data) | {"revision": 2, "voice": "emma"}
    status = await gateway.status(job_id())
    assert (status["revision"], status["status"], status["stage"], status["voice"]) == (
        2,
        "processing",
        "voice",
        "emma",
    )
    assert status["video_revision"] == 1


async def test_the_next_replay_counts_from_the_one_before_though_the_log_has_not_told_of_it(gateway: GatewayUnderTest):
    await given(gateway, *chain())
    revisions = [
        (await replay(gateway, **{"from": stage})).json()["revision"] for stage in ("voice", "images", "voice")
    ]
    assert revisions == [2, 3, 4]
    assert [event.revision for event in published(gateway, IMAGES_RENDERED)] == [2, 4]


async def test_a_request_that_is_sent_again_with_its_key_is_one_replay(gateway: GatewayUnderTest):
    await given(gateway, *chain(), *chain(2))
    body, key = {"from": "voice", "fresh": True}, {"Idempotency-Key": "again"}

    first = await replay(gateway, headers=key, **body)
    assert (await replay(gateway, **{"from": "images"})).json()["revision"] == 3
    second = await replay(gateway, headers=key, **body)

    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json() == second.json()
    assert [event.revision for event in published(gateway, IMAGES_RENDERED)] == [2]
    assert (await replay(gateway, 2, headers=key, **body)).json()["revision"] == 2, "a key is a job's own"
    problem(await replay(gateway, headers=key, **{"from": "voice"}), 409)


async def test_a_key_of_what_was_refused_may_be_sent_again_when_it_can_be_done(gateway: GatewayUnderTest):
    await given(gateway, script_written())
    body, key = {"from": "voice"}, {"Idempotency-Key": "again"}
    problem(await replay(gateway, headers=key, **body), 409)
    await given(gateway, images_rendered())
    assert (await replay(gateway, headers=key, **body)).json()["revision"] == 2


async def test_what_is_asked_for_fresh_says_since_which_revision_and_keeps_saying_it(gateway: GatewayUnderTest):
    await given(gateway, *chain())
    await replay(gateway, **{"from": "voice", "fresh": True})
    await replay(gateway, **{"from": "voice"})
    assert [(event.revision, event.fresh) for event in published(gateway, IMAGES_RENDERED)] == [(2, 2), (3, 2)]


@pytest.mark.parametrize(
    ("stage", "options", "named"),
    [
        ("assembler", {"voice": "emma"}, ["#/set/voice"]),
        (
            "images",
            {"style": "Meme", "scene_count": 5, "target_seconds": 30},
            ["style", "scene_count", "target_seconds"],
        ),
        ("voice", {"aspect_ratio": "9:16"}, ["#/set/aspect_ratio"]),
        ("script", {"prompt": "Whales"}, ["#/set"]),
        ("script", {"scene_count": 2}, ["#/set/scene_count"]),
        ("voice", {"voice": "hal"}, ["#/set/voice"]),
        ("voice", {"voice": "lucia"}, ["#/set/voice"]),
        ("gateway", {}, ["#/from"]),
    ],
)
async def test_options_that_come_too_late_or_are_none_are_refused_by_name(
    gateway: GatewayUnderTest, stage: str, options: dict[str, Any], named: list[str]
):
    await given(gateway, *chain())
    fields = [name if name.startswith("#") else f"#/set/{name}" for name in named]
    for answer in (
        await replay(gateway, **{"from": stage, "set": options}),
        await gateway.client.post("/api/v1/replays", json={"from": stage, "set": options, "status": "failed"}),
    ):
        details = problem(answer, 422, *fields)
        assert stage != "images" or details["errors"][0]["detail"] == "too late for images: replay from script"
    assert gateway.log.published == []


async def test_an_option_of_half_a_character_is_refused_too(gateway: GatewayUnderTest):
    await given(gateway, *chain())
    answer = await gateway.client.post(
        f"/api/v1/jobs/{job_id()}/replay",
        content=rb'{"from": "voice", "set": {"\ud800": 1}}',
        headers={"Content-Type": "application/json"},
    )
    [wrong] = problem(answer, 422, "#/set")["errors"]
    assert wrong["detail"].startswith("? cannot be changed by a replay")


async def test_a_job_in_another_language_is_left_out(gateway: GatewayUnderTest):
    await given(gateway, images_rendered(1), images_rendered(2, language="es", voice="lucia"))
    lines = await replays(gateway, **{"from": "voice", "jobs": [job_id(1), job_id(2)], "set": {"voice": "emma"}})
    assert [line["job"] for line in of(lines, "replayed")] == [job_id(1)]
    [left_out] = of(lines, "skipped")
    assert left_out["job"] == job_id(2)
    assert left_out["reason"].startswith("emma speaks en, not es")


async def test_options_reach_the_request_from_the_script_on(gateway: GatewayUnderTest):
    await given(gateway, *chain())
    options = {"voice": "emma", "style": "meme", "aspect_ratio": "9:16", "scene_count": 5, "target_seconds": 30}
    assert (await replay(gateway, **{"from": "script", "set": options})).status_code == 202
    [event] = published(gateway, VIDEO_REQUESTED)
    assert event == video_requested(revision=2).model_copy(update=options | {"style": "Meme", "aspect_ratio": "9:16"})


async def test_a_range_gives_the_newest_of_each_job_in_it(gateway: GatewayUnderTest):
    def at(number: int, revision: int, hours: int) -> Record:
        event = images_rendered(number, revision=revision)
        moment = int((NOON + hours * HOUR).timestamp() * 1000)
        return record(envelope(event, cause=str(revision), time=NOON + hours * HOUR), timestamp=moment)

    await given(gateway, images_rendered(1), images_rendered(2), images_rendered(3))
    gateway.log.kept.clear()
    await given(gateway, at(1, 1, 0), at(2, 1, 1), at(1, 2, 1), at(1, 3, 2), at(3, 1, 3))

    since, until = (NOON + HOUR).isoformat(), (NOON + 3 * HOUR).isoformat()
    lines = await replays(gateway, **{"from": "voice", "since": since, "until": until})

    assert {line["job"]: line["revision"] for line in of(lines, "replayed")} == {job_id(2): 2, job_id(1): 4}
    assert {(event.job_id, event.revision) for event in published(gateway, IMAGES_RENDERED)} == {
        (job_id(2), 2),
        (job_id(1), 4),
    }
    [planned] = of(lines, "planned")
    assert (planned["jobs"], planned["records"], planned["lacking"]) == (2, 3, 0)
    assert lines[-1] == {
        "event": "done",
        "id": planned["id"],
        "totals": {"replayed": 2, "before": 0, "skipped": 0},
    }
    caused = {new.subject: new.causation_id for new in gateway.log.of(IMAGES_RENDERED)}
    assert caused[job_id(1)] == derive_id(IMAGES_RENDERED.name, job_id(1), "3")


async def test_those_that_have_failed_are_replayed_as_far_as_they_got_so_far(gateway: GatewayUnderTest):
    await given(gateway, script_written(1), failed(1, "images"), images_rendered(2), failed(2, "voice"), *chain(3))

    lines = await replays(gateway, **{"from": "voice", "status": "failed"})

    assert of(lines, "skipped") == [
        {"event": "skipped", "job": job_id(1), "reason": "it failed in images, before voice"}
    ]
    assert [(line["job"], line["revision"]) for line in of(lines, "replayed")] == [(job_id(2), 2)]
    assert (await gateway.status(job_id(2)))["status"] == "processing"


async def test_jobs_that_have_not_come_so_far_are_named(gateway: GatewayUnderTest):
    await given(gateway, video_requested(1), script_written(2))
    lines = await replays(gateway, **{"from": "voice", "jobs": [job_id(1), job_id(2), job_id(3)]})
    assert {line["job"]: line["reason"] for line in of(lines, "skipped")} == {
        job_id(1): "it is queued in script, and has not come to voice",
        job_id(2): "it is processing in images, and has not come to voice",
        job_id(3): "there is no such job",
    }
    details = problem(await replay(gateway, 2, **{"from": "voice"}), 409)
    assert "it is processing in images" in details["detail"]
    problem(await replay(gateway, 3, **{"from": "voice"}), 404)
    assert gateway.log.published == []


async def test_a_job_that_has_used_up_its_revisions_keeps_nobody_from_a_replay(gateway: GatewayUnderTest):
    await given(gateway, images_rendered(1, revision=MAX_REVISION), images_rendered(2, revision=MAX_REVISION - 1))
    lines = await replays(gateway, **{"from": "voice", "jobs": [job_id(1), job_id(2)]})
    assert [line["job"] for line in of(lines, "skipped")] == [job_id(1)]
    assert [line["revision"] for line in of(lines, "replayed")] == [MAX_REVISION]
    assert (await gateway.status(job_id(2)))["revision"] == MAX_REVISION


async def test_a_cancelled_job_is_replayed_and_its_new_revision_is_not_cancelled(gateway: GatewayUnderTest):
    await given(gateway, *chain()[:3], JobCancelled(job_id=job_id(), revision=1))
    assert (await gateway.status(job_id()))["status"] == "cancelled"
    assert (await replay(gateway, **{"from": "voice"})).json()["revision"] == 2
    assert (await gateway.status(job_id()))["status"] == "processing"


async def test_a_replay_that_was_cut_off_goes_on_by_its_id(gateway: GatewayUnderTest):
    numbers = range(1, 121)
    await given(gateway, *(images_rendered(number) for number in numbers))
    assert isinstance(gateway.log, Fragile)
    gateway.log.left = 60
    body = {"from": "voice", "jobs": [job_id(number) for number in numbers], "set": {"voice": "emma"}}

    cut = await replays(gateway, **body, id=REPLAY)
    assert cut[-1] == {"event": "error", "detail": "Kafka is away"}
    assert len(gateway.log.published) == 60
    kept = json.loads(await gateway.store.get(keys.replay_key(REPLAY)))
    assert (kept["id"], kept["stage"], kept["end"]) == (REPLAY, "voice", {"0": 120})

    gateway.log.left = None
    lines = await replays(gateway, id=REPLAY)

    assert lines[-1] == {"event": "done", "id": REPLAY, "totals": {"replayed": 60, "before": 60, "skipped": 0}}
    assert {line["revision"] for line in of(lines, "replayed")} == {2}
    events = published(gateway, IMAGES_RENDERED)
    assert len(events) == len({event.job_id for event in events}) == 120
    assert {(event.revision, event.voice) for event in events} == {(2, "emma")}
    again = await replays(gateway, **body, id=REPLAY)
    assert again[-1]["totals"] == {"replayed": 0, "before": 120, "skipped": 0}
    other = await gateway.client.post("/api/v1/replays", json=body | {"from": "images", "set": {}, "id": REPLAY})
    problem(other, 409)


async def test_what_comes_to_the_log_long_after_it_failed_is_of_a_revision_of_its_own(gateway: GatewayUnderTest):
    """A producer goes on to deliver what was given up on."""
    await given(gateway, *chain(), *chain(2))
    assert isinstance(gateway.log, Fragile)
    gateway.log.left = 0
    await replays(gateway, **{"from": "voice", "jobs": [job_id()], "set": {"voice": "emma"}, "id": REPLAY})
    [(topic, late)] = gateway.log.unanswered
    gateway.log.left = None

    other = (await replay(gateway, **{"from": "voice"})).json()["revision"]
    await gateway.log.publish(topic, late)
    await gateway.log.deliver(late)
    resumed = await replays(gateway, id=REPLAY)

    assert sorted((new.revision, new.voice) for new in published(gateway, topic)) == [(2, "emma"), (3, "aria")]
    assert other == 3
    assert of(resumed, "replayed") == [{"event": "replayed", "job": job_id(), "revision": 2, "before": True}]
    assert (await replay(gateway, **{"from": "voice"})).json()["revision"] == 4
    assert (await replay(gateway, 2, **{"from": "voice"})).json()["revision"] == 2


async def test_what_failed_and_is_tried_again_keeps_its_revision(gateway: GatewayUnderTest):
    await given(gateway, *chain())
    assert isinstance(gateway.log, Fragile)
    gateway.log.left = 0
    problem(await replay(gateway, headers={"Idempotency-Key": "again"}, **{"from": "voice"}), 503)
    gateway.log.left = None
    assert (await replay(gateway, **{"from": "voice"})).json()["revision"] == 3
    again = await replay(gateway, headers={"Idempotency-Key": "again"}, **{"from": "voice"})
    assert (again.status_code, again.json()["revision"]) == (202, 2)
    [(_, failed)] = gateway.log.unanswered
    assert [new.id for new in gateway.log.of(IMAGES_RENDERED)].count(failed.id) == 1


async def test_a_plan_that_another_version_has_kept_is_no_bug(gateway: GatewayUnderTest):
    await gateway.store.put(keys.replay_key(REPLAY), b'{"of": "later"}', content_type="application/json")
    answer = await gateway.client.post("/api/v1/replays", json={"id": REPLAY})
    assert "another version" in problem(answer, 409)["detail"]


async def test_a_job_of_a_clock_that_is_far_off_is_told_again(gateway: GatewayUnderTest):
    ancient = datetime(1, 1, 1, tzinfo=UTC)
    for event in chain():
        for _, key in needed(event):
            await gateway.store.put(key, b"made", content_type="image/png")
        await given(gateway, envelope(event, time=ancient))
    assert (await replay(gateway, **{"from": "voice"})).status_code == 202


async def test_what_failed_is_kept_with_the_replay_and_not_asked_again(gateway: GatewayUnderTest):
    """By the time that it is resumed, some have failed no more, and others have."""
    await given(gateway, *(event for n in (1, 2) for event in (images_rendered(n), failed(n, "voice"))))
    assert isinstance(gateway.log, Fragile)
    gateway.log.left = 1
    await replays(gateway, **{"from": "voice", "status": "failed", "id": REPLAY})
    await given(gateway, images_rendered(3), failed(3, "voice"))
    gateway.log.left = None

    lines = await replays(gateway, id=REPLAY)

    assert {line["job"] for line in of(lines, "replayed")} == {job_id(1), job_id(2)}
    assert len(gateway.log.published) == 2


async def test_a_dry_run_says_the_most_that_is_made_again_and_does_nothing(tables: str, tmp_path: Path):
    providers = {
        "script_provider": ("openai",),
        "images_provider": ("nebius",),
        "voice_provider": ("offline",),
        "images_model": "x",
    }
    async with running(tables, tmp_path, log=FakeLog(behind=0), **providers) as gateway:
        await given(gateway, *chain(1), images_rendered(2), script_written(3))
        jobs = [job_id(number) for number in (1, 2, 3)]

        lines = await replays(gateway, **{"from": "images", "jobs": jobs, "dry_run": True})
        one = await replay(gateway, 3, **{"from": "script", "dry_run": True})

        assert of(lines, "skipped") == [
            {"event": "skipped", "job": job_id(2), "reason": "it is processing in voice, and has not come to images"}
        ]
        assert (lines[-1]["id"], lines[-1]["totals"]["replayed"]) == (None, 2)
        plan = lines[-1]["plan"]
        assert {stage: (each["makes"], each["at_most"]) for stage, each in plan["stages"].items()} == {
            "images": ("pictures", 6),
            "voice": ("recordings", 6),
            "assembler": ("renders", 2),
            "storage": ("publications", 2),
        }
        assert plan["stages"]["images"]["usd"] == plan["usd"] == pytest.approx(6 * 0.0013)
        problem(one, 409)
        assert gateway.log.published == []
        assert [entry.key async for entry in gateway.store.list("replays/")] == []
        assert (await gateway.status(job_id()))["revision"] == 1


async def test_the_plan_of_one_job_is_the_answer_of_its_dry_run(gateway: GatewayUnderTest):
    await given(gateway, *chain())
    answer = await replay(gateway, **{"from": "assembler", "dry_run": True})
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "from": "assembler",
            "jobs": 1,
            "stages": {
                "assembler": {"makes": "renders", "at_most": 1, "usd": 0.0},
                "storage": {"makes": "publications", "at_most": 1, "usd": 0.0},
            },
            "usd": 0.0,
        },
    )


async def test_what_is_not_kept_any_more_is_said_with_the_stage_that_makes_it(gateway: GatewayUnderTest):
    await given(gateway, *chain())
    for _, key in needed(video_assembled()):
        await gateway.store.delete(key)
    details = problem(await replay(gateway, **{"from": "storage"}), 409)
    assert details["detail"].endswith("cleared, as those of every published video: replay from assembler.")
    await gateway.store.delete(images_rendered().scenes[1].picture.key)
    details = problem(await replay(gateway, **{"from": "voice"}), 409)
    assert details["detail"].endswith("its pictures are not kept any more: replay from images.")
    assert (await replay(gateway, **{"from": "images"})).status_code == 202
    assert [topic for topic, _ in gateway.log.published] == [SCRIPT_WRITTEN]


async def test_a_video_that_could_not_be_published_is_replayed_from_storage(gateway: GatewayUnderTest):
    await given(gateway, *chain()[:5], failed(1, "storage"))
    assert (await replay(gateway, **{"from": "storage"})).json()["revision"] == 2
    assert [event.files for event in published(gateway, VIDEO_ASSEMBLED)] == [video_assembled().files]


async def test_two_replays_are_not_at_work_at_once(gateway: GatewayUnderTest):
    await given(gateway, *chain())
    async with gateway.view.replaying() as still_alone:
        await still_alone()
        details = problem(await replay(gateway, **{"from": "voice"}), 409)
        assert details["detail"].startswith("Another replay is under way")
        many = await gateway.client.post("/api/v1/replays", json={"from": "voice", "jobs": [job_id()]})
        assert problem(many, 409)["detail"] == details["detail"]
        assert (await replay(gateway, **{"from": "voice", "dry_run": True})).status_code == 200
    assert (await replay(gateway, **{"from": "voice"})).status_code == 202


async def _end_of_turn(tables: str) -> None:
    """Ends the connection that makes a replay the only one."""
    connection = await asyncpg.connect(tables)
    try:
        await connection.execute(
            "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and objid = $1",
            turns.REPLAY,
        )
    finally:
        await connection.close()


async def test_a_replay_that_is_not_sure_to_be_alone_any_more_stops(gateway: GatewayUnderTest, tables: str):
    async with gateway.view.replaying() as still_alone:
        await _end_of_turn(tables)
        with pytest.raises(Unavailable):
            await still_alone()
    async with gateway.view.replaying() as still_alone:
        await still_alone()


async def test_a_replay_that_was_not_alone_while_it_looked_for_objects_publishes_nothing(
    gateway: GatewayUnderTest, tables: str, tmp_path: Path
):
    pictures = {key for _, key in needed(images_rendered())}

    class Slow(FolderObjects):
        """While it is asked for a picture, the replay's turn ends."""

        async def head(self, key: str) -> ObjectInfo | None:
            if key in pictures:
                await _end_of_turn(tables)
            return await super().head(key)

    await given(gateway, *chain()[:3])
    replays = gateway.app.state.parts.replays
    replays = replace(replays, means=replace(replays.means, store=Slow(tmp_path)))
    with pytest.raises(Unavailable):
        async for _ in replays.run(ReplaysRequest.model_validate({"from": "voice", "jobs": [job_id()]})):
            pass
    assert gateway.log.of(IMAGES_RENDERED) == []


async def test_a_view_that_is_behind_the_log_is_waited_for_and_then_given_up(gateway: GatewayUnderTest):
    await given(gateway, *chain())
    gateway.log.behind = 1
    asked = ReplaysRequest.model_validate({"from": "voice", "jobs": [job_id()]})
    replays = gateway.app.state.parts.replays
    with pytest.raises(Unavailable, match="6 events behind"):
        [line async for line in replays.run(asked, patience=0.1)]
    assert gateway.log.published == []


@pytest.mark.parametrize(
    ("body", "status", "fields"),
    [
        ({"id": REPLAY}, 404, []),
        ({}, 422, ["#"]),
        ({"from": "voice"}, 422, ["#"]),
        ({"from": "voice", "status": "failed", "since": "2026-01-01T00:00:00Z"}, 422, ["#"]),
        ({"from": "voice", "since": "2026-01-01T00:00:00"}, 422, ["#/since"]),
        ({"from": "voice", "status": "failed", "until": "2026-01-01T00:00:00Z"}, 422, ["#"]),
        ({"id": REPLAY, "fresh": True}, 422, ["#"]),
        ({"from": "voice", "jobs": ["x"]}, 422, ["#/jobs/0"]),
        ({"from": "voice", "status": "completed"}, 422, ["#/status"]),
    ],
)
async def test_what_is_no_request_for_a_replay_is_refused(
    gateway: GatewayUnderTest, body: dict[str, Any], status: int, fields: list[str]
):
    problem(await gateway.client.post("/api/v1/replays", json=body), status, *fields)


async def test_records_that_are_no_events_are_passed_over(gateway: GatewayUnderTest):
    await given(gateway, images_rendered(1), replace(record(images_rendered(2)), value=b"{"))
    lines = await replays(gateway, **{"from": "voice", "since": NOON.isoformat()})
    [planned] = of(lines, "planned")
    assert (planned["jobs"], planned["unreadable"]) == (1, 1)
    [event] = published(gateway, IMAGES_RENDERED)
    assert event == ImagesRendered.model_validate(images_rendered(1).model_dump() | {"revision": 2})
