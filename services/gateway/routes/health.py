"""GET /healthz and /readyz"""

import asyncio
from collections.abc import Awaitable
from http import HTTPStatus

from fastapi import APIRouter
from pydantic import BaseModel

from runtime.errors import StageError
from runtime.health import STALE_READY
from services.gateway.parts import Parts
from services.gateway.problems import Problem, documented
from services.gateway.routes.shared import Gateway, readable

router = APIRouter(tags=["health"])

PROBE_SECONDS = 6.0


class Alive(BaseModel):
    """The process answers."""

    status: str = "ok"


class Part(BaseModel):
    """One thing that the gateway needs."""

    ready: bool
    reason: str | None = None
    """Why it is not."""


class Readiness(BaseModel):
    """What the gateway needs, part by part."""

    status: str
    parts: dict[str, Part]
    skipped: int
    """Records that were no events, since the start."""


@readable(router, "/healthz", summary="Is the process alive?")
async def alive() -> Alive:
    """Looks at nothing else: an outage elsewhere is no reason to start this process again."""
    return Alive()


@readable(router, "/readyz", summary="Can it do its work?", responses=documented(503))
async def ready(gateway: Gateway) -> Readiness:
    """Whether the log answers and is followed, the view can be read and keeps up, store and moderation would serve."""
    reasons = dict(
        zip(
            ("kafka", "projection", "postgres", "providers"),
            await asyncio.gather(
                _bounded(_kafka(gateway)),
                _projection(gateway),
                _bounded(_postgres(gateway)),
                _bounded(_providers(gateway)),
            ),
            strict=True,
        )
    )
    parts = {name: Part(ready=reason is None, reason=reason) for name, reason in reasons.items()}
    answer = Readiness(
        status="ready" if all(part.ready for part in parts.values()) else "not ready",
        parts=parts,
        skipped=gateway.projector.skipped,
    )
    if answer.status != "ready":
        missing = ", ".join(name for name, part in parts.items() if not part.ready)
        raise Problem(
            HTTPStatus.SERVICE_UNAVAILABLE, f"Not ready: {missing}.", more=answer.model_dump(exclude={"status"})
        )
    return answer


async def _bounded(probe: Awaitable[str | None]) -> str | None:
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            return await probe
    except TimeoutError:
        return f"It did not answer within {PROBE_SECONDS:.0f} s."


async def _kafka(gateway: Parts) -> str | None:
    if gateway.log.unjoined is not None:
        return gateway.log.unjoined
    return None if await gateway.log.reachable() else "Kafka does not answer."


async def _projection(gateway: Parts) -> str | None:
    follower = gateway.follower
    if follower.partitions == 0:
        return "No partition is assigned yet."
    if follower.seconds_since_poll is not None and follower.seconds_since_poll > STALE_READY:
        return f"Kafka has not been heard from for {follower.seconds_since_poll:.0f} s."
    return gateway.projector.fault


async def _providers(gateway: Parts) -> str | None:
    try:
        await gateway.gate.enter()
    except StageError as error:
        return str(error)
    return None


async def _postgres(gateway: Parts) -> str | None:
    try:
        await gateway.view.ping()
    except StageError as error:
        return str(error)
    return None
