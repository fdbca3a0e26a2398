"""The files of a job: ranges, validators, downloads and redirects, over a real HTTP server."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from runtime.folder_objects import FolderObjects
from runtime.http import serving
from schemas.jobs import JobProgressed
from tests.builders import envelope, images_rendered, job_id, video_published, video_requested
from tests.gateways import GatewayUnderTest, problem, running

VIDEO = bytes(range(256)) * 4096
"""A megabyte, more than one piece."""

BASE = f"/videos/{job_id()}"


@pytest.fixture(autouse=True)
async def published(gateway: GatewayUnderTest) -> None:
    """A job whose files are in the store, as far as they are not said to be missing."""
    prefix = f"published/{job_id()}/1/"
    await gateway.store.put(f"{prefix}video.mp4", VIDEO, content_type="text/html")
    await gateway.store.put(f"{prefix}captions.vtt", b"WEBVTT\n", content_type="text/vtt")
    await gateway.store.put(f"artefacts/{job_id()}/picture0", b"PNG", content_type="image/png")
    await gateway.store.put(f"artefacts/{job_id()}/picture1", b"<svg>", content_type="image/svg+xml")
    await gateway.log.deliver(video_published(title='Coral "reefs"\r\nX: é'))


@pytest.fixture
async def browser(gateway: GatewayUnderTest) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(gateway.app, "127.0.0.1", 0) as address, httpx.AsyncClient(base_url=address) as client:
        yield client


async def test_a_video_is_served_whole(browser: httpx.AsyncClient):
    answer = await browser.get(f"{BASE}/video.mp4")
    assert (answer.status_code, answer.content) == (200, VIDEO)
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["content-length"] == str(len(VIDEO))
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-disposition"].startswith("inline;")


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [("bytes=0-", 0, len(VIDEO)), ("bytes=300000-300009", 300_000, 300_010), ("bytes=-7", len(VIDEO) - 7, len(VIDEO))],
)
async def test_seeking_plays(browser: httpx.AsyncClient, asked: str, start: int, end: int):
    answer = await browser.get(f"{BASE}/video.mp4", headers={"Range": asked})
    assert (answer.status_code, answer.content) == (206, VIDEO[start:end])
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{len(VIDEO)}"


async def test_a_range_beyond_the_end_is_told_the_size(browser: httpx.AsyncClient):
    answer = await browser.get(f"{BASE}/video.mp4", headers={"Range": f"bytes={len(VIDEO)}-"})
    problem(answer, 416)
    assert answer.headers["content-range"] == f"bytes */{len(VIDEO)}"


async def test_a_range_of_a_replaced_video_is_the_whole_new_one(gateway: GatewayUnderTest, browser: httpx.AsyncClient):
    etag = (await browser.head(f"{BASE}/video.mp4")).headers["etag"]
    asked = {"Range": "bytes=0-9", "If-Range": etag}
    assert (await browser.get(f"{BASE}/video.mp4", headers=asked)).status_code == 206
    files = video_published(revision=2).published
    again = files.model_copy(update={"video": files.video.model_copy(update={"key": "published/again/video.mp4"})})
    await gateway.store.put("published/again/video.mp4", b"new", content_type="video/mp4")
    await gateway.log.deliver(envelope(video_published(revision=2, published=again), cause="replay"))
    answer = await browser.get(f"{BASE}/video.mp4", headers=asked)
    assert (answer.status_code, answer.content) == (200, b"new")


async def test_a_copy_that_holds_is_not_sent_again(browser: httpx.AsyncClient):
    etag = (await browser.get(f"{BASE}/captions.vtt")).headers["etag"]
    answer = await browser.get(f"{BASE}/captions.vtt", headers={"If-None-Match": etag})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)


async def test_a_head_has_the_headers_alone(browser: httpx.AsyncClient):
    answer = await browser.head(f"{BASE}/video.mp4")
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", str(len(VIDEO)))


async def test_a_download_is_named_after_the_video(browser: httpx.AsyncClient):
    answer = await browser.get(f"{BASE}/video.mp4", params={"download": "1"})
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"Coral-reefs-X-e.mp4\"; filename*=UTF-8''Coral%20reefs%20X%20%C3%A9.mp4"
    )


async def test_captions_and_keyframes_have_types_that_cannot_be_a_page(browser: httpx.AsyncClient):
    assert (await browser.get(f"{BASE}/captions.vtt")).headers["content-type"] == "text/vtt; charset=utf-8"
    assert (await browser.get(f"{BASE}/keyframes/1")).headers["content-type"] == "image/png"
    assert (await browser.get(f"{BASE}/keyframes/2")).headers["content-type"] == "application/octet-stream"


async def test_a_file_that_is_not_there_is_not_found(browser: httpx.AsyncClient):
    problem(await browser.get(f"{BASE}/thumbnail.jpg"), 404)  # swept, say
    problem(await browser.get(f"{BASE}/keyframes/3"), 404)
    problem(await browser.get(f"{BASE}/keyframes/0"), 422, "scene")
    problem(await browser.get(f"{BASE}/keyframes/20"), 404)
    problem(await browser.get(f"{BASE}/secrets.txt"), 422, "name")


async def test_an_unpublished_job_has_keyframes_and_no_video(gateway: GatewayUnderTest):
    job = job_id(2)
    picture = f"artefacts/{job}/early"
    await gateway.store.put(picture, b"early", content_type="image/jpeg")
    painted = JobProgressed(job_id=job, stage="images", step=2, steps=3, label="image 2", artefact=picture)
    await gateway.log.deliver(video_requested(2), painted)
    problem(await gateway.client.get(f"/videos/{job}/video.mp4"), 404)
    problem(await gateway.client.get(f"/videos/{job}/keyframes/1"), 404)
    assert (await gateway.client.get(f"/videos/{job}/keyframes/2")).content == b"early"
    await gateway.store.put(f"artefacts/{job}/picture1", b"final", content_type="image/jpeg")
    await gateway.log.deliver(images_rendered(2))
    assert (await gateway.client.get(f"/videos/{job}/keyframes/2")).content == b"final"


async def test_an_event_with_a_key_that_leads_out_of_the_store_opens_nothing(gateway: GatewayUnderTest):
    job = job_id(3)
    painted = JobProgressed(job_id=job, stage="images", step=1, steps=3, label="x", artefact="../../etc/passwd")
    await gateway.log.deliver(painted)
    problem(await gateway.client.get(f"/videos/{job}/keyframes/1"), 404)


class Elsewhere(FolderObjects):
    """A store whose objects a browser may read at another address."""

    async def address(self, key: str, *, seconds: int, filename: str | None = None) -> str | None:
        return f"https://objects.example/{key}?for={seconds}&as={filename}"


async def test_a_video_that_lies_elsewhere_is_redirected_to_and_nothing_else_is(tables: str, tmp_path: Path):
    store = Elsewhere(tmp_path / "elsewhere")
    prefix = f"published/{job_id()}/1"
    await store.put(f"{prefix}/video.mp4", VIDEO, content_type="video/mp4")
    await store.put(f"{prefix}/captions.vtt", b"WEBVTT\n", content_type="text/vtt")
    async with running(tables, tmp_path / "here", published=store) as gateway:
        answer = await gateway.client.get(f"{BASE}/video.mp4?download=true", headers={"Range": "bytes=0-1"})
        assert answer.status_code == 307
        assert (
            answer.headers["location"] == f"https://objects.example/{prefix}/video.mp4?for=21600&as=Coral-reefs-X-e.mp4"
        )
        assert answer.headers["cache-control"] == "no-store"
        assert (await gateway.client.head(f"{BASE}/video.mp4")).status_code == 200  # a signed address is for a GET
        assert (await gateway.client.get(f"{BASE}/captions.vtt")).content == b"WEBVTT\n"
