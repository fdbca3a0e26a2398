"""POST /api/v1/generate"""

from http import HTTPStatus

from fastapi import APIRouter, Request, Response

from runtime.tracing import TRACEPARENT
from services.gateway.answers import accepted
from services.gateway.estimate import estimate
from services.gateway.problems import documented
from services.gateway.requests import GenerateRequest, read_body
from services.gateway.responses import Accepted
from services.gateway.routes.shared import Gateway, IdempotencyKey, body_of

POLL_SECONDS = 2
"""How long a client is asked to wait before it looks how the job is doing."""

router = APIRouter()


@router.post(
    "/generate",
    status_code=HTTPStatus.ACCEPTED,
    summary="Ask for a video",
    responses={
        202: {
            "headers": {
                "Location": {"description": "Where the job's status is.", "schema": {"type": "string"}},
                "Retry-After": {
                    "description": "Seconds until a look at it is worth while.",
                    "schema": {"type": "integer"},
                },
            }
        },
        **documented(400, 401, 409, 413, 415, 422, 429, 503),
    },
    openapi_extra=body_of(GenerateRequest),
)
async def generate(request: Request, response: Response, gateway: Gateway, key: IdempotencyKey = None) -> Accepted:
    """Answers as soon as the log has the request. The video is made after that: follow `Location`."""
    asked = await read_body(request, GenerateRequest)
    job_id = await gateway.intake.accept(asked, key, request.headers.get(TRACEPARENT))
    answer = accepted(job_id, estimate(asked, gateway.models), gateway.addresses)
    response.headers["Location"] = answer.links.status
    response.headers["Retry-After"] = str(POLL_SECONDS)
    return answer
