"""The page on the real gateway: what one says, the other understands."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from playwright.async_api import Browser, expect

from runtime.folder_objects import FolderObjects
from runtime.http import serving
from schemas.base import Contract
from schemas.events import VideoPublished
from schemas.jobs import JobProgressed
from services.gateway.app import GatewaySettings, create_app
from services.gateway.status_view import PostgresView
from tests.builders import script_written, video_published
from tests.e2e.conftest import PLAY, PROMPT, Visit, submit, visited
from tests.gateways import FakeLog


def events(job_id: str) -> Sequence[Contract]:
    """What a job of this id tells: its script, one keyframe of three, and its video."""
    published = video_published(job_id=job_id)
    picture = published.scenes[1].picture.key
    painted = JobProgressed(job_id=job_id, stage="images", step=2, steps=3, label="image 2", artefact=picture)
    return script_written(job_id=job_id), painted, published


async def keep(store: FolderObjects, files: Path, video: VideoPublished) -> None:
    """Puts real files where the video's events say that they are."""
    for file, name in (
        (video.published.video, "video.mp4"),
        (video.published.thumbnail, "1.png"),
        (video.published.captions_vtt, "captions.vtt"),
        (video.published.captions_srt, "captions.srt"),
    ):
        await store.put(file.key, (files / name).read_bytes(), content_type=file.content_type)
    for scene in video.scenes:
        await store.put(scene.picture.key, (files / "2.png").read_bytes(), content_type="image/png")


async def test_a_prompt_becomes_a_video_on_the_real_gateway(
    browser: Browser, database: str, tmp_path: Path, files: Path
) -> None:
    log, store = FakeLog(), FolderObjects(tmp_path)
    app = create_app(GatewaySettings(), log, PostgresView(database), store)
    async with serving(app, "127.0.0.1", 0) as address, visited(browser) as context:
        visit = Visit(address, context)
        page = await visit.open()
        await expect(page.get_by_role("radio")).not_to_have_count(0)
        await submit(page, "x" * 10 + "\x07")
        await expect(page.locator("#prompt-error")).to_contain_text("U+0007")
        await submit(page)
        await expect(page.locator("#job-title")).to_have_text(PROMPT)

        script, painted, published = events(page.url.rpartition("/")[2])
        assert isinstance(published, VideoPublished)
        await keep(store, files, published)
        await log.deliver(script)
        await expect(page.locator("#job-title")).to_have_text("Coral reefs")
        await log.deliver(painted)
        await expect(page.get_by_alt_text("Keyframe of scene 2")).to_be_visible()
        await log.deliver(published)
        await expect(page.locator(".tile-painted")).to_have_count(3)
        async with asyncio.timeout(15):
            assert await page.locator("#video").evaluate(PLAY) >= 2
        await expect(page.locator(".feed-card")).to_contain_text("Coral reefs")

        async with page.expect_download() as download:
            await page.get_by_role("link", name="Download").click()
        assert (await download.value).suggested_filename == "Coral reefs.mp4"
    assert visit.complaints == []
