"""`keyframe replay`, against a gateway whose log is in memory."""

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from keyframe import INTERRUPTED
from runtime.http import serving
from schemas import keys
from schemas.topics import IMAGES_RENDERED
from tests.builders import (
    chain,
    envelope,
    images_rendered,
    job_id,
    video_assembled,
    video_published,
    video_requested,
    voice_recorded,
)
from tests.gateways import GatewayUnderTest, running
from tests.integration.gateway.test_gateway_operators import keyframe
from tests.integration.gateway.test_gateway_replay import Fragile, failed, given
from tests.waiting import until

FROM_VOICE = ["replay", "--from", "voice"]


@pytest.fixture
async def gateway(tables: str, tmp_path: Path) -> AsyncIterator[GatewayUnderTest]:
    """A gateway whose view is never behind."""
    async with running(tables, tmp_path / "objects", log=Fragile(behind=0)) as gateway:
        yield gateway


@pytest.fixture
async def client(gateway: GatewayUnderTest) -> AsyncIterator[httpx.AsyncClient]:
    """Where it answers."""
    async with serving(gateway.app, "127.0.0.1", 0) as address, httpx.AsyncClient(base_url=address) as client:
        yield client


async def test_one_job_is_waited_for_and_its_video_saved(
    gateway: GatewayUnderTest, client: httpx.AsyncClient, tmp_path: Path
):
    await given(gateway, *chain(), video_requested(2))
    video = video_published(revision=2, voice="emma")
    await gateway.store.put(video.published.video.key, b"a video of a thousand.." * 40, content_type="video/mp4")

    async def publish() -> None:
        await until(lambda: gateway.log.of(IMAGES_RENDERED), 120)
        made = voice_recorded(revision=2, voice="emma"), video_assembled(revision=2, voice="emma"), video
        await gateway.log.deliver(*(envelope(event, cause="replay") for event in made))

    publishing = asyncio.create_task(publish())
    job, out = ["--job", job_id()], tmp_path / "out"
    plan, (status, said, complained), late, lacking = await keyframe(
        client,
        [*FROM_VOICE, *job, "--dry-run"],
        [*FROM_VOICE, *job, "--set", "voice=emma", "--out", str(out)],
        ["replay", "--from", "assembler", *job, "--set", "voice=emma"],
        [*FROM_VOICE, "--job", job_id(2)],
    )
    await publishing

    assert plan[0] == 0
    assert re.search(r"\nvoice +recordings +3 +0\nassembler +renders +1 +0\n", plan[1])
    assert "1 job from voice on, at most 0 US$." in plan[1]
    assert (status, complained) == (0, "")
    assert f"Your video: {out}/coral-reefs-00000000-2.mp4\n" in said
    assert (out / "coral-reefs-00000000-2.mp4").read_bytes().startswith(b"a video")
    assert late == (1, "", "set/voice: too late for assembler: replay from script, images or voice\n")
    assert (lacking[0], lacking[2]) == (1, "")
    assert f"{job_id(2)}: it is queued in script, and has not come to voice\n" in lacking[1]
    assert len(gateway.log.published) == 1


async def test_many_are_waited_for_and_it_ends_with_1_where_not_all_came_of_it(
    gateway: GatewayUnderTest, client: httpx.AsyncClient
):
    await given(gateway, *chain(1), *chain(2), *chain(3), video_requested(4))
    made = [video_published(number, revision=2) for number in (1, 2)]

    async def work() -> None:
        await until(lambda: len(gateway.log.of(IMAGES_RENDERED)) == 2, 120)
        await gateway.log.deliver(
            envelope(made[0], cause="replay"), failed(2, "voice").model_copy(update={"revision": 2})
        )
        await until(lambda: len(gateway.log.of(IMAGES_RENDERED)) == 3, 120)

    working = asyncio.create_task(work())
    jobs = [["--job", job_id(number)] for number in (1, 2, 3, 4)]
    waited, partly, wholly = await keyframe(
        client,
        [*FROM_VOICE, *jobs[0], *jobs[1], "--wait"],
        [*FROM_VOICE, *jobs[2], *jobs[3]],
        [*FROM_VOICE, *jobs[0], *jobs[2]],
    )
    await working

    assert waited[:2] == (1, f"2 jobs replayed.\n{job_id(1)}: revision 2 is completed\n")
    assert waited[2] == f"{job_id(2)}: The voice stage gave up: no\n"
    assert (partly[0], partly[1].splitlines()[-1]) == (1, "1 job replayed, 1 left out.")
    assert wholly == (0, "2 jobs replayed.\n", "")


async def test_what_was_cut_off_goes_on_by_the_command_that_it_names(
    gateway: GatewayUnderTest, client: httpx.AsyncClient
):
    await given(gateway, *(images_rendered(number) for number in range(1, 61)), failed(7, "voice"))
    assert isinstance(gateway.log, Fragile)
    gateway.log.left = 55
    [(status, _, complained)] = await keyframe(client, [*FROM_VOICE, "--since", "2026-01-01T00:00+00:00"])
    assert status == 1
    [again] = re.findall(r"It was cut off. To go on: .* replay --resume ([0-9a-f-]{36}) --url http://", complained)
    assert "Kafka is away" in complained
    assert await gateway.store.head(keys.replay_key(again)) is not None

    gateway.log.left = None
    every, resumed, old, nothing = await keyframe(
        client,
        [*FROM_VOICE, "--since", "520w", "--dry-run"],
        ["replay", "--resume", again, "--no-wait"],
        [*FROM_VOICE, "--since", "2h"],
        ["replay", "--from", "script", "--status", "failed"],
    )

    assert every[1].endswith(
        "60 jobs from voice on, at most 0 US$. What is there already is not made again, unless with --fresh.\n"
    )
    assert (resumed[0], resumed[1]) == (0, "5 jobs replayed, 55 before.\n")
    assert (old[0], old[1]) == (1, "0 jobs replayed.\n")
    assert (nothing[0], nothing[1]) == (1, "0 jobs replayed.\n")
    assert len(gateway.log.published) == len({new.subject for _, new in gateway.log.published}) == 60


async def test_whoever_is_interrupted_is_told_how_to_go_on(gateway: GatewayUnderTest, client: httpx.AsyncClient):
    await given(gateway, *chain())
    assert isinstance(gateway.log, Fragile)
    gateway.log.stuck = asyncio.Event()
    command = *FROM_VOICE, "--job", job_id(), f"--url={client.base_url}"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "keyframe", *command, stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(120):
        await gateway.log.stuck.wait()
        process.send_signal(signal.SIGINT)
        _, complained = await process.communicate()
    gateway.log.stuck = None

    assert process.returncode == INTERRUPTED
    [told] = re.findall(r"To go on: (.*)\n", complained.decode())
    [again] = re.findall(r"-m keyframe replay --resume ([0-9a-f-]{36}) --url http://", told)
    [(status, said, _)] = await keyframe(client, ["replay", "--resume", again, "--no-wait"])
    assert (status, said) == (0, "1 job replayed.\n")


async def test_what_cannot_be_meant_is_refused_before_anybody_is_asked(client: httpx.AsyncClient):
    told = await keyframe(
        client,
        ["replay"],
        FROM_VOICE,
        [*FROM_VOICE, "--job", job_id(), "--status", "failed"],
        [*FROM_VOICE, "--since", "yesterday"],
        [*FROM_VOICE, "--job", job_id(), "--set", "voice"],
        ["replay", "--resume", job_id(), "--fresh"],
    )
    assert [status for status, _, _ in told] == [2] * len(told)
    assert "is no time" in told[3][2]
