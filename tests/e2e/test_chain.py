"""A prompt becomes a video: the whole chain on a real broker and a real database."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from keyframe.embedded.report import silent
from keyframe.embedded.settings import StackSettings
from keyframe.stack import Stack, running_stack
from tests.e2e.following import final
from tests.e2e.watch import check, watch

ARTICLE = """The lighthouse keeper's day

Every evening the keeper climbed the stairs and lit the lamp. The beam reached ships twenty miles away.
In winter the sea threw stones at the door. A bell rang when there was fog. At dawn the keeper put the lamp out,
cleaned the glass and slept. Today a small computer does the same work, and nobody climbs the stairs.
"""


@pytest.fixture(scope="module")
async def stack(
    kafka_bootstrap: str, postgres_dsn: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stack]:
    """The six services in this process, rendering small pictures."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("KEYFRAME_ASSEMBLER_SHORT_SIDE", "360")
        environment.setenv("KEYFRAME_SCRIPT_WIKIPEDIA", "false")
        settings = StackSettings(
            data=tmp_path_factory.mktemp("stack"),
            kafka_bootstrap=kafka_bootstrap,
            postgres_dsn=SecretStr(postgres_dsn),
        )
        async with running_stack(settings, 0, silent) as running:
            yield running


@pytest.fixture
async def api(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=stack.address, timeout=30) as client:
        yield client


async def test_a_pasted_article_becomes_a_video_that_plays(api: httpx.AsyncClient, tmp_path: Path) -> None:
    body = {"prompt": "The lighthouse keeper", "style": "Storytelling", "scene_count": 3, "source_text": ARTICLE}
    accepted = await api.post("/api/v1/generate", json=body)
    assert accepted.status_code == 202

    status = await final(api, accepted.headers["Location"])

    assert (status["status"], status["error"], status["progress"]) == ("completed", None, 100)
    assert set(status["timings"]) == {"script", "images", "voice", "assembler", "storage"}  # type: ignore[call-overload]
    video = tmp_path / "video.mp4"
    video.write_bytes((await api.get(str(status["video_url"]))).content)
    watched = watch(video)
    assert check(watched) == []
    assert (watched.width, watched.height) == (640, 360)
    assert abs(watched.seconds - float(status["duration"])) < 1 / 30  # type: ignore[arg-type]
    for scene in status["keyframes"]:  # type: ignore[attr-defined]
        picture = await api.get(scene["url"])
        assert picture.headers["content-type"].startswith("image/")
    captions = (await api.get(status["captions"]["vtt"])).text  # type: ignore[index]
    assert captions.startswith("WEBVTT")
    assert "keeper" in captions
    part = await api.get(str(status["video_url"]), headers={"Range": "bytes=0-99"})
    assert (part.status_code, len(part.content)) == (206, 100)
    items = (await api.get("/api/v1/feed")).json()["items"]
    assert [item["jobId"] for item in items] == [status["jobId"]]


async def test_a_topic_that_cannot_be_researched_fails_with_the_ways_on(api: httpx.AsyncClient) -> None:
    accepted = await api.post("/api/v1/generate", json={"prompt": "zyxomorphic quorbles", "style": "Meme"})

    status = await final(api, accepted.headers["Location"])

    assert status["status"] == "failed"
    error = status["error"]
    assert isinstance(error, dict)
    assert error["stage"] == "script"
    assert "source_text" in error["message"]
    assert "OPENAI_BASE_URL" in error["message"]


async def test_the_stack_is_ready(api: httpx.AsyncClient) -> None:
    assert (await api.get("/readyz")).status_code == 200
