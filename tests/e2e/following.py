"""Following a job by its status, as a client does."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx

PAUSE = 0.2
"""Seconds between two looks."""

Status = dict[str, Any]


async def final(api: httpx.AsyncClient, location: str) -> Status:
    """The job's status once it is final."""
    return await once(api, location, lambda status: status["status"] in {"completed", "failed"})


async def once(
    api: httpx.AsyncClient, location: str, condition: Callable[[Status], object], seconds: float = 240
) -> Status:
    """The job's status once the condition holds; its progress never falls on the way."""
    progress = 0
    async with asyncio.timeout(seconds):
        while True:
            status: Status = (await api.get(location)).json()
            assert status["progress"] >= progress
            progress = status["progress"]
            if condition(status):
                return status
            await asyncio.sleep(PAUSE)
