"""Videos ordered of a stack, as its user does."""

import httpx

from tests.e2e.following import Status, once

SCENES = 5
SECONDS = 900.0
"""For a few small videos on a busy machine, with the time in which Kafka misses a member that was killed."""


async def order(api: httpx.AsyncClient, prompt: str, scenes: int = SCENES) -> str:
    """Orders a video; gives the job's id."""
    body = {"prompt": prompt, "style": "Educational", "scene_count": scenes}
    accepted = await api.post("/api/v1/generate", json=body)
    assert accepted.status_code == 202, accepted.text
    return str(accepted.json()["jobId"])


async def when(api: httpx.AsyncClient, job: str, *, painted: int) -> None:
    """Returns once so many keyframes of a job are there."""
    await once(api, f"/api/v1/status/{job}", lambda status: len(status["keyframes"]) >= painted, SECONDS)


async def final(api: httpx.AsyncClient, job: str) -> Status:
    """The job's status at its end, which is a good one."""
    ended = {"completed", "failed"}
    status = await once(api, f"/api/v1/status/{job}", lambda status: status["status"] in ended, SECONDS)
    assert (status["status"], status["error"], status["degraded"]) == ("completed", None, [])
    return status
