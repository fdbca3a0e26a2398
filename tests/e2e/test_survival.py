"""`keyframe up` as its user has it: killed in the middle of a job, started again, stopped with Ctrl-C."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from keyframe.embedded.folder import default_cache

ENVIRONMENT = {
    "KEYFRAME_ASSEMBLER_SHORT_SIDE": "240",
    "KEYFRAME_IMAGES_PARALLEL": "1",
    "KEYFRAME_CACHE": str(default_cache()),
}


@asynccontextmanager
async def keyframe_up(data: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, httpx.AsyncClient]]:
    """`keyframe up`, once its page can be reached; killed at the end if it still runs."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("KEYFRAME_")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "keyframe", "up", "--port", "0", "--data", str(data)),
        env={**own, **ENVIRONMENT},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(120):
            found = None
            while found is None:
                line = (await process.stdout.readline()).decode()
                assert line, "it ended before it was up"
                found = re.search(r"is up: (http://\S+?)/ ", line)
        async with httpx.AsyncClient(base_url=found[1], timeout=30) as client:
            yield process, client
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def status_when(client: httpx.AsyncClient, job_id: str, word: str, keyframes: int = 0) -> dict[str, object]:
    """The job's status once it has that status and so many keyframes."""
    async with asyncio.timeout(280):
        while True:
            status = (await client.get(f"/api/v1/status/{job_id}")).json()
            assert status["status"] != "failed", status["error"]
            if status["status"] == word and len(status["keyframes"]) >= keyframes:
                return status
            await asyncio.sleep(0.1)


def made(data: Path) -> dict[str, int]:
    """Every artefact and when it was written, in nanoseconds."""
    folder = data / "objects" / "artefacts"
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def children(data: Path) -> list[int]:
    """Processes that work in the data folder."""
    found: list[int] = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                if str(data).encode() in (process / "cmdline").read_bytes():
                    found.append(int(process.name))
            except OSError:
                continue
    return found


async def test_a_kill_costs_what_was_in_flight_and_nothing_else(tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with keyframe_up(data) as (process, client):
        body = {"prompt": "Why coral reefs matter", "style": "Educational", "scene_count": 3}
        job_id = (await client.post("/api/v1/generate", json=body)).json()["jobId"]
        await status_when(client, job_id, "processing", keyframes=1)
        process.kill()
        await process.wait()
    before = made(data)
    assert before

    async with keyframe_up(data) as (process, client):
        status = await status_when(client, job_id, "completed")
        video = await client.get(str(status["video_url"]))
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 60) == 130

    assert video.content[4:8] == b"ftyp"
    assert {name: made(data)[name] for name in before} == before
    assert [path.name for path in (data / "objects" / "published" / job_id).iterdir() if path.is_dir()] == ["1"]
    assert children(data) == []
