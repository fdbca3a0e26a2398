"""What the routes share."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Header, Path
from pydantic import AfterValidator, BaseModel

from runtime.errors import Unavailable
from services.gateway.known import JobView
from services.gateway.parts import Parts, parts
from services.gateway.problems import Problem
from services.gateway.responses import EXAMPLE_ID

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

Gateway = Annotated[Parts, Depends(parts)]

JobId = Annotated[
    str,
    Path(
        alias="jobId",
        pattern="^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
        examples=[EXAMPLE_ID],
        json_schema_extra={"format": "uuid"},
    ),
    AfterValidator(str.lower),
]

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern="^[!-~]+$",
        description="What is sent with the same key and body is done once, however often; another body is a 409.",
    ),
]


def body_of(model: type[BaseModel]) -> dict[str, Any]:
    """A route's `openapi_extra`, where it reads its JSON itself."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": model.model_json_schema()}}}}


def readable(router: APIRouter, path: str, **options: Any) -> Callable[[Endpoint], Endpoint]:
    """Registers a GET together with its HEAD."""

    hidden: dict[str, Any] = options | {"include_in_schema": False}

    def register(endpoint: Endpoint) -> Endpoint:
        router.add_api_route(path, endpoint, methods=["GET"], **options)
        router.add_api_route(path, endpoint, methods=["HEAD"], **hidden)
        return endpoint

    return register


async def known_job(gateway: Parts, job_id: str) -> JobView:
    """What is known of a job: by the view, or by this process alone as long as the view lacks it.

    Raises:
        Problem: 404.
        Unavailable: the view is away, and this process does not know the job.
    """
    remembered = gateway.unprojected.find(job_id)
    try:
        job = await gateway.view.find(job_id)
    except Unavailable:
        if remembered is None:
            raise
        return remembered
    if job is not None:
        gateway.unprojected.drop(job_id)
        return job
    if remembered is None:
        raise Problem(HTTPStatus.NOT_FOUND, "There is no such job.")
    return remembered
