"""`docker compose up`: videos through scaled stages, a stage killed and one upgraded on the way."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.compose.jobs import SECONDS, final, order, when
from tests.compose.stack import TAG, Stack, docker, running
from tests.e2e.watch import check, watch

pytestmark = pytest.mark.timeout(2400)


@pytest.fixture(scope="module")
async def stack(images: None) -> AsyncIterator[Stack]:
    """The stack, up, with three painters."""
    async with running(Stack(), "--scale", "images=3") as stack:
        yield stack


async def test_a_killed_painter_costs_the_picture_in_its_hands(
    stack: Stack, api: httpx.AsyncClient, tmp_path: Path
) -> None:
    assert len(await stack.addresses("images")) == 3
    jobs = [await order(api, prompt) for prompt in ("Why coral reefs matter", "How lighthouses work")]
    struck = jobs[0]
    await when(api, struck, painted=1)
    painter, _ = (await stack.puts(f"artefacts/{struck}/"))[-1]
    await docker("kill", "--signal", "KILL", (await stack.addresses("images"))[painter])

    videos = [await final(api, job) for job in jobs]

    assert len(await stack.addresses("images")) == 2
    for job, status in zip(jobs, videos, strict=True):
        answer = await api.get(str(status["video_url"]))
        assert answer.status_code == 200, "the gateway sends a browser to where it cannot go"
        video = tmp_path / f"{job}.mp4"
        video.write_bytes(answer.content)
        assert check(watch(video)) == []
        again = {key: times for key, times in (await stack.written(f"artefacts/{job}/")).items() if times > 1}
        assert len(again) <= (job == struck), again
        assert set((await stack.written(f"published/{job}/")).values()) == {1}
        assert status["video_revision"] == 1


async def test_a_process_that_dies_is_started_again(stack: Stack, api: httpx.AsyncClient) -> None:
    container = (await stack.containers("storage"))[0]
    # Docker takes what it is told to kill for stopped: this one dies by itself.
    await docker("exec", container["Id"], "python", "-c", "import os; os.kill(-1, 9)")
    job = await order(api, "Why coral reefs matter")

    await final(api, job)

    assert (await stack.containers("storage"))[0]["RestartCount"] == 1


async def test_an_upgrade_under_work_starts_nothing_twice(stack: Stack, api: httpx.AsyncClient) -> None:
    await stack.compose("up", "--detach", "--no-build", "--no-deps", "--scale", "images=2", "images")
    old = await stack.addresses("images")
    before = {container["Image"] for container in await stack.containers("images")}
    await docker("update", "--cpus", "0.25", *old.values())  # so that they have work in hand for as long as it takes
    jobs = [await order(api, prompt) for prompt in ("How lighthouses work", "Why coral reefs matter", "Honeybees")]
    await when(api, jobs[0], painted=1)
    new = f"FROM keyframe/images:{TAG}\nLABEL org.opencontainers.image.version=next\n"
    await docker("build", "--quiet", "--tag", f"keyframe/images:{TAG}", "-", stdin=new.encode())

    # The new ones join beside the old ones, which then end what is in their hands and go.
    rolling = ("up", "--detach", "--no-build", "--no-deps", "images")
    await stack.compose(*rolling, "--no-recreate", "--scale", "images=4")
    painted = len([who for who, _ in await stack.puts("artefacts/") if who in old])
    await stack.compose(*rolling, "--scale", "images=2", seconds=SECONDS)

    assert len([who for who, _ in await stack.puts("artefacts/") if who in old]) > painted, "the upgrade met no work"
    images = [container["Image"] for container in await stack.containers("images")]
    assert len(images) == 2
    assert before.isdisjoint(images)
    for job in jobs:
        await final(api, job)
        for kind in ("artefacts", "answers", "published"):
            written = await stack.written(f"{kind}/{job}/")
            assert written
            assert set(written.values()) == {1}, written
