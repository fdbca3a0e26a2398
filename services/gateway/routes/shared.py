"""What the routes share."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Path
from pydantic import AfterValidator

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
