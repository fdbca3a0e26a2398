"""What users read: status, feed, choices, health and pages."""

from pathlib import Path
from typing import Any

import pytest

from runtime.errors import Unavailable
from runtime.s3_objects import S3Objects, s3_client
from schemas.base import MAX_REVISION
from schemas.envelope import derive_id
from schemas.jobs import JobCancelled, JobFailed, JobProgressed, Waiting
from schemas.media import Degraded
from schemas.topics import CHAIN, TOPICS
from tests.builders import (
    NOON,
    chain,
    cost,
    envelope,
    images_rendered,
    job_id,
    record,
    script_written,
    video_published,
    video_requested,
    voice_recorded,
)
from tests.gateways import FakeModerator, GatewayUnderTest, problem, running


async def test_every_topic_is_followed_under_the_gateways_group(gateway: GatewayUnderTest):
    subscription = gateway.log.subscription
    assert subscription is not None
    assert subscription.group == "keyframe.gateway"
    assert set(subscription.topics) == set(TOPICS)


async def test_a_finished_job_shows_all_of_it(gateway: GatewayUnderTest):
    await gateway.log.deliver(*chain())
    base = f"/videos/{job_id()}"
    status = await gateway.status(job_id())
    assert status["timings"].keys() == {"script", "images", "voice", "assembler", "storage"}
    assert {name: status[name] for name in status if name not in ("timings", "links")} == {
        "jobId": job_id(),
        "status": "completed",
        "stage": None,
        "waiting_for": None,
        "progress": 100,
        "stages": {"script": 100, "images": 100, "voice": 100, "assembler": 100, "storage": 100},
        "title": "Coral reefs",
        "prompt": "Why coral reefs matter",
        "style": "Educational",
        "aspect_ratio": "16:9",
        "voice": "aria",
        "language": "en",
        "scene_count": 3,
        "target_seconds": 60,
        "created_at": "2026-01-01T12:00:00Z",
        "completed_at": "2026-01-01T12:00:00Z",
        "video_url": f"{base}/video.mp4",
        "thumbnail_url": f"{base}/thumbnail.jpg",
        "captions": {"vtt": f"{base}/captions.vtt", "srt": f"{base}/captions.srt"},
        "keyframes": [{"scene": scene, "url": f"{base}/keyframes/{scene}"} for scene in (1, 2, 3)],
        "duration": 8.0,
        "revision": 1,
        "video_revision": 1,
        "error": None,
        "costs": {"usd": 0.0, "by_stage": {}, "complete": True},
        "degraded": [],
        "attributions": [],
    }


async def test_costs_are_told_by_stage(gateway: GatewayUnderTest):
    paid = (cost("script", 0.1), cost("images", 0.2), cost("images", None, "new"))
    await gateway.log.deliver(video_requested(), images_rendered(costs=paid))
    assert (await gateway.status(job_id()))["costs"] == {
        "usd": 0.3,
        "by_stage": {"script": 0.1, "images": 0.2},
        "complete": False,
    }
    gave_up = JobFailed(
        job_id=job_id(), stage="voice", code="permanent", message="no", attempts=1, costs=(cost("voice", 0.05),)
    )
    await gateway.log.deliver(gave_up)
    assert (await gateway.status(job_id()))["costs"]["by_stage"] == {"script": 0.1, "images": 0.2, "voice": 0.05}
    await gateway.log.deliver(voice_recorded(costs=(*paid, cost("voice", 0.04))))
    assert (await gateway.status(job_id()))["costs"]["by_stage"]["voice"] == 0.04


async def test_what_a_stand_in_made_is_told_in_status_and_feed(gateway: GatewayUnderTest):
    degraded = (
        Degraded(stage="images", scene=0, reason="Nebius is away"),
        Degraded(stage="script", reason="OpenAI is away"),
    )
    await gateway.log.deliver(video_published(degraded=degraded))
    expected = [
        {"scene": 1, "stage": "images", "reason": "Nebius is away"},
        {"scene": None, "stage": "script", "reason": "OpenAI is away"},
    ]
    assert (await gateway.status(job_id()))["degraded"] == expected
    [item] = (await gateway.client.get("/api/v1/feed")).json()["items"]
    assert item["degraded"] == expected


async def test_how_far_each_stage_is_is_told(gateway: GatewayUnderTest):
    step = JobProgressed(job_id=job_id(), stage="images", step=2, steps=5, label="image 2")
    await gateway.log.deliver(script_written(), step)
    assert (await gateway.status(job_id()))["stages"] == {
        "script": 100,
        "images": 20,
        "voice": 0,
        "assembler": 0,
        "storage": 0,
    }


async def test_a_job_that_waits_says_for_whom(gateway: GatewayUnderTest):
    who = Waiting(on="polly", reason="It limits us.", since=NOON, next_try=NOON)
    waits = JobProgressed(job_id=job_id(), stage="voice", step=0, steps=3, label="waits", waiting=who)
    await gateway.log.deliver(video_requested(), waits)
    status = await gateway.status(job_id())
    assert (status["status"], status["stage"]) == ("processing", "voice")
    assert status["waiting_for"] == {
        "on": "polly",
        "reason": "It limits us.",
        "since": "2026-01-01T12:00:00Z",
        "next_try": "2026-01-01T12:00:00Z",
    }


async def test_a_job_that_failed_says_why(gateway: GatewayUnderTest):
    failure = JobFailed(job_id=job_id(), stage="images", code="permanent", message="Refused by policy.", attempts=1)
    await gateway.log.deliver(script_written(), failure)
    status = await gateway.status(job_id())
    assert (status["status"], status["error"]) == (
        "failed",
        {"code": "permanent", "message": "Refused by policy.", "stage": "images"},
    )


async def test_a_job_that_is_first_heard_of_from_a_stage_is_there(gateway: GatewayUnderTest):
    began = JobProgressed(job_id=job_id(), stage="script", step=0, steps=1, label="began")
    await gateway.log.deliver(began)
    assert (await gateway.status(job_id()))["prompt"] is None


async def test_an_id_may_be_written_in_capitals(gateway: GatewayUnderTest):
    name = derive_id("capitals")
    await gateway.log.deliver(video_requested(job_id=name))
    assert (await gateway.status(name.upper()))["jobId"] == name


def spoiled() -> dict[str, Any]:
    good = envelope(video_requested())
    return {
        "no headers": record(good, headers=()),
        "null header": record(good, headers=(("ce_id", None),)),
        "no value": record(good, value=None),
        "no JSON": record(good, value=b"\xff\xfe"),
        "deep JSON": record(good, value=b"[" * 200_000),
        "another type": record(good, topic=CHAIN[1].name),
        "another job": record(envelope(video_requested(), subject=job_id(2))),
        "an id that is none": record(envelope(video_requested(), id="1; drop table jobs")),
        "a surrogate": record(envelope(video_requested()), value=good.data.replace(b"reefs", b"\\ud800")),
        "a revision too large": record(video_requested().model_copy(update={"revision": MAX_REVISION + 1})),
        "a huge one": record(video_requested().model_copy(update={"revision": 2**70})),
        "a cancel of one": record(JobCancelled(job_id=job_id()).model_copy(update={"revision": MAX_REVISION + 1})),
    }


@pytest.mark.parametrize("name", spoiled())
async def test_a_record_that_is_no_event_is_skipped_and_counted(gateway: GatewayUnderTest, name: str):
    await gateway.log.deliver(spoiled()[name], video_requested(3))
    assert (await gateway.status(job_id(3)))["status"] == "queued"
    assert (await gateway.client.get("/readyz")).json()["skipped"] == 1


async def test_text_with_nul_is_shown_without_it(gateway: GatewayUnderTest):
    await gateway.log.deliver(script_written(title="Coral\0 reefs \\u0000", note={"a\0": ["\0", 1, None]}))
    assert (await gateway.status(job_id()))["title"] == "Coral reefs \\u0000"


async def test_a_batch_that_the_database_did_not_take_is_not_committed(gateway: GatewayUnderTest):
    gateway.view.away = True
    with pytest.raises(Unavailable):
        await gateway.log.deliver(video_requested())
    gateway.view.away = False
    problem(await gateway.client.get("/readyz"), 503)
    await gateway.log.deliver(video_requested())
    assert (await gateway.client.get("/readyz")).status_code == 200


async def test_a_bug_in_the_projection_shows_in_readiness(gateway: GatewayUnderTest):
    gateway.view.broken = True
    with pytest.raises(RuntimeError):
        await gateway.log.deliver(video_requested())
    parts = problem(await gateway.client.get("/readyz"), 503)["parts"]
    assert [name for name, part in parts.items() if not part["ready"]] == ["projection"]


async def test_the_feed_is_read_page_by_page(gateway: GatewayUnderTest):
    await gateway.log.deliver(video_requested(50), *[video_published(number) for number in range(1, 6)])
    seen: list[str] = []
    query = "limit=2"
    while True:
        page = (await gateway.client.get(f"/api/v1/feed?{query}")).json()
        seen += [item["jobId"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        query = f"limit=2&cursor={page['next_cursor']}"
    assert seen == [job_id(number) for number in (5, 4, 3, 2, 1)]


async def test_the_feed_is_chosen_by_style(gateway: GatewayUnderTest):
    await gateway.log.deliver(video_published(1), video_published(2, style="Meme"))
    page = (await gateway.client.get("/api/v1/feed?style=meme")).json()
    assert page == {
        "items": [
            {
                "jobId": job_id(2),
                "title": "Coral reefs",
                "style": "Meme",
                "video_url": f"/videos/{job_id(2)}/video.mp4",
                "thumbnail_url": f"/videos/{job_id(2)}/thumbnail.jpg",
                "duration": 8.0,
                "completed_at": "2026-01-01T12:00:00Z",
                "degraded": [],
            }
        ],
        "next_cursor": None,
    }
    assert (await gateway.client.get("/api/v1/feed?style=Storytelling")).json()["items"] == []


async def test_links_are_whole_where_the_world_reaches_us(tables: str, tmp_path: Path):
    async with running(tables, tmp_path, gateway_public_url="https://videos.example/") as gateway:
        await gateway.log.deliver(video_published())
        assert (await gateway.status(job_id()))["video_url"] == f"https://videos.example/videos/{job_id()}/video.mp4"
        assert (await gateway.submit()).headers["location"].startswith("https://videos.example/api/v1/status/")


async def test_choices_are_told_with_whether_they_are_served(tables: str, tmp_path: Path):
    async with running(tables, tmp_path, voice_provider=("nobody",)) as gateway:
        styles = (await gateway.client.get("/api/v1/styles")).json()["styles"]
        assert [style["name"] for style in styles] == ["Educational", "Storytelling", "Meme"]
        voices = (await gateway.client.get("/api/v1/voices")).json()["voices"]
        assert {voice["served"] for voice in voices} == {False}
        problem(await gateway.submit(voice="aria"), 422, "#/voice")
        problem(await gateway.submit(language="en"), 422, "#/language")
    async with running(tables, tmp_path, voice_provider=("polly", "offline")) as gateway:
        voices = (await gateway.client.get("/api/v1/voices")).json()["voices"]
        assert {voice["served"] for voice in voices} == {True}


async def test_readiness_names_the_part_that_is_missing(gateway: GatewayUnderTest):
    assert (await gateway.client.get("/readyz")).json()["parts"].keys() == {
        "kafka",
        "projection",
        "postgres",
        "providers",
    }
    gateway.log.away, gateway.log.partitions, gateway.view.away = True, 0, True
    parts = problem(await gateway.client.get("/readyz"), 503)["parts"]
    assert {name: part["ready"] for name, part in parts.items()} == {
        "kafka": False,
        "projection": False,
        "postgres": False,
        "providers": True,
    }
    assert (await gateway.client.get("/healthz")).status_code == 200


async def test_readiness_tells_a_moderation_that_refuses_us(database: str, tmp_path: Path):
    refusal = Unavailable("OpenAI refuses the key: check OPENAI_API_KEY", on="openai", refused=True)
    reviewer = FakeModerator({}, refusal=refusal)
    async with running(database, tmp_path, reviewer=reviewer) as gateway:
        parts = problem(await gateway.client.get("/readyz"), 503)["parts"]
        assert parts["providers"] == {"ready": False, "reason": str(refusal)}
        reviewer.refusal = None
        assert (await gateway.client.get("/readyz")).status_code == 200


async def test_it_serves_before_the_database_is_there(tmp_path: Path):
    async with running("postgresql://keyframe@127.0.0.1:1/keyframe", tmp_path) as gateway:
        assert (await gateway.client.get("/healthz")).status_code == 200
        problem(await gateway.client.get("/api/v1/feed"), 503)
        job = (await gateway.submit()).json()["jobId"]
        assert (await gateway.status(job))["status"] == "queued"


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/static/app.js", "/swagger/swagger-ui-bundle.js", "/api/v1/feed", "/x"]
)
async def test_every_answer_tells_a_browser_to_be_careful(gateway: GatewayUnderTest, path: str):
    headers = (await gateway.client.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "script-src 'unsafe" not in headers["content-security-policy"]


async def test_the_page_plays_videos_from_where_the_store_leads(tables: str, tmp_path: Path):
    async with running(tables, tmp_path, gateway_media_origins="https://r2.example") as gateway:
        policy = (await gateway.client.get("/")).headers["content-security-policy"]
        assert "media-src 'self' https://r2.example;" in policy


@pytest.mark.parametrize(
    ("endpoint", "public_url", "origin"),
    [
        ("https://account.r2.cloudflarestorage.com", None, "https://account.r2.cloudflarestorage.com"),
        ("http://127.0.0.1:7070", None, "http://127.0.0.1:7070"),
        ("http://127.0.0.1:7070", "https://cdn.example/v/", "https://cdn.example"),
        (None, None, "https://videos.s3.amazonaws.com"),
    ],
)
async def test_unless_told_the_page_plays_from_where_the_stores_addresses_lead(
    tables: str, tmp_path: Path, endpoint: str | None, public_url: str | None, origin: str
):
    client = s3_client(endpoint_url=endpoint, region="auto", access_key="id", secret_key="secret")
    store = S3Objects(client, "videos", public_url=public_url)
    async with running(tables, tmp_path, published=store) as gateway:
        policy = (await gateway.client.get("/")).headers["content-security-policy"]
        assert f"media-src 'self' {origin};" in policy


async def test_a_folder_leads_nowhere_else(gateway: GatewayUnderTest):
    assert "media-src 'self';" in (await gateway.client.get("/")).headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/docs", "/"])
async def test_pages_load_nothing_from_elsewhere(gateway: GatewayUnderTest, path: str):
    page = (await gateway.client.get(path)).text
    assert "http://" not in page.replace("http://www.w3.org/", "")
    assert "https://" not in page


async def test_a_head_is_answered_like_its_get(gateway: GatewayUnderTest):
    await gateway.log.deliver(video_published())
    for path in (f"/api/v1/status/{job_id()}", "/api/v1/feed", "/api/v1/styles", "/healthz", "/readyz"):
        assert (await gateway.client.head(path)).headers["content-type"] == "application/json"
