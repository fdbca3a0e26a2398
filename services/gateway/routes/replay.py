"""POST /api/v1/jobs/{jobId}/replay and POST /api/v1/replays"""

from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, Field

from schemas.base import JobId as Id
from schemas.envelope import derive_id
from schemas.topics import ServiceName
from services.gateway.answers import links_of
from services.gateway.ports import ReplayUnderWay
from services.gateway.problems import Problem, documented
from services.gateway.replay_order import ReplayRequest, ReplaysRequest
from services.gateway.requests import read_body
from services.gateway.responses import EXAMPLE_ID, Answer, Links
from services.gateway.routes.shared import Gateway, IdempotencyKey, JobId, body_of, known_job
from services.gateway.standing import Status
from services.gateway.streams import MEDIA_TYPE, Line, begun, streamed

PATIENCE = 20.0
"""Seconds that the view of one job is waited for: whoever asks gets no line meanwhile."""

POLL_SECONDS = 2

router = APIRouter()


class Replayed(Answer):
    """A job that is worked on again."""

    job_id: Annotated[Id, Field(alias="jobId", examples=[EXAMPLE_ID])]
    status: Literal[Status.PROCESSING, Status.QUEUED]
    revision: Annotated[int, Field(examples=[2])]
    """The one that begins now."""
    links: Links


class Remade(BaseModel):
    """What a stage would make again."""

    makes: Annotated[str, Field(examples=["recordings"])]
    at_most: int
    """What is there already is not made again, unless it is asked for fresh."""
    usd: float | None
    """Null where the price is not known."""


class ReplayPlan(BaseModel):
    """The most that a replay would make again, and what that would cost, about."""

    stage: Annotated[ServiceName, Field(alias="from")]
    jobs: int
    stages: dict[ServiceName, Remade]
    usd: float | None
    """Null where a price is not known."""


@router.post(
    "/jobs/{jobId}/replay",
    status_code=HTTPStatus.ACCEPTED,
    response_model=Replayed,
    summary="Make a job's video again, from a stage on",
    responses={
        200: {"model": ReplayPlan, "description": "Of a dry run: what would be made again."},
        **documented(400, 401, 404, 409, 413, 415, 422, 503),
    },
    openapi_extra=body_of(ReplayRequest),
)
async def replay_job(
    job_id: JobId, request: Request, response: Response, gateway: Gateway, key: IdempotencyKey = None
) -> Any:
    """Publishes the stage's newest input again, as the job's next revision. What is there is not paid for again."""
    one = await read_body(request, ReplayRequest)
    await known_job(gateway, job_id)
    order = {**one.model_dump(by_alias=True, exclude_unset=True), "jobs": (job_id,)}
    if key is not None and not one.dry_run:  # sent again, it is the replay that goes on
        order["id"] = derive_id(ServiceName.GATEWAY, "replay", gateway.intake.secret, job_id, key)
    asked = ReplaysRequest.model_validate(order)
    await gateway.replays.check(asked)
    try:
        lines = [line async for line in gateway.replays.run(asked, PATIENCE)]
    except ReplayUnderWay as error:
        raise Problem(HTTPStatus.CONFLICT, str(error)) from None
    done = _of(lines, "done") or {}
    if skipped := _of(lines, "skipped"):
        raise Problem(HTTPStatus.CONFLICT, f"This job cannot be replayed from {one.stage}: {skipped['reason']}.")
    if one.dry_run:
        return JSONResponse(done["plan"])
    replayed = _of(lines, "replayed") or {}
    links = links_of(job_id, gateway.addresses)
    response.headers["Location"] = links.status
    response.headers["Retry-After"] = str(POLL_SECONDS)
    status = Status.QUEUED if one.stage is ServiceName.SCRIPT else Status.PROCESSING
    return Replayed(job_id=job_id, status=status, revision=replayed["revision"], links=links)


@router.post(
    "/replays",
    summary="Make the videos of many jobs again, from a stage on",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "`planned`, then `replayed`, `skipped` and `progress`, `done`: a JSON object a line.",
            "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
        },
        **documented(400, 401, 404, 409, 413, 415, 422, 503),
    },
    openapi_extra=body_of(ReplaysRequest),
)
async def replay_jobs(request: Request, gateway: Gateway) -> StreamingResponse:
    """Publishes the newest input of the stage of each job again. A replay that was cut off goes on by its id."""
    asked = await read_body(request, ReplaysRequest)
    await gateway.replays.check(asked)
    try:
        return streamed(await begun(gateway.replays.run(asked)))
    except ReplayUnderWay as error:
        raise Problem(HTTPStatus.CONFLICT, str(error)) from None


def _of(lines: list[Line], event: str) -> Line | None:
    return next((line for line in lines if line["event"] == event), None)
