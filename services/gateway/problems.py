"""Errors as the user sees them: RFC 9457 problem details, whatever went wrong."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from runtime.errors import Unavailable

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 5

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("gateway")


class FieldError(BaseModel):
    """What is wrong with one part of the request."""

    detail: Annotated[str, Field(examples=["no control characters"])]
    pointer: Annotated[str | None, Field(examples=["#/prompt"])] = None
    """A JSON pointer into the body, as a URI fragment."""
    parameter: Annotated[str | None, Field(examples=["limit"])] = None
    """The name of a part of the path or the query, or of a header."""


class ProblemDetails(BaseModel):
    """RFC 9457."""

    type: str = "about:blank"
    title: Annotated[str, Field(examples=["Not Found"])]
    status: Annotated[int, Field(examples=[404])]
    detail: Annotated[str | None, Field(examples=["There is no such job."])] = None
    instance: str | None = None
    errors: list[FieldError] = []


class Problem(Exception):
    """An answer that says no."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = list(errors)
        self.headers = dict(headers or {})
        self.more = dict(more or {})
        """Members beside the standard ones."""


def unprocessable(*errors: FieldError) -> Problem:
    """What the body or a parameter says cannot be done; the errors say where."""
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not valid; see errors.", errors=errors)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that answers with these problems."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}


def install(app: FastAPI) -> None:
    """Makes every error of the app a problem."""

    @app.exception_handler(Problem)
    async def _(request: Request, problem: Problem) -> JSONResponse:
        return _answer(request, problem)

    @app.exception_handler(HTTPException)
    async def _(request: Request, error: HTTPException) -> JSONResponse:
        headers = dict(error.headers or {})
        if "GET" in headers.get("Allow", "").split(", "):
            headers["Allow"] = "GET, HEAD"  # each is a route of its own, and only one of them is asked
        return _answer(
            request, Problem(error.status_code, _EXPLAINED.get(HTTPStatus(error.status_code), ""), headers=headers)
        )

    @app.exception_handler(RequestValidationError)
    async def _(request: Request, error: RequestValidationError) -> JSONResponse:
        wrong = [FieldError(detail=str(part["msg"]), parameter=str(part["loc"][-1])) for part in error.errors()]
        return _answer(request, unprocessable(*wrong))

    @app.exception_handler(Unavailable)
    async def _(request: Request, error: Unavailable) -> JSONResponse:
        return _answer(request, unavailable(error))

    @app.exception_handler(Exception)
    async def _(request: Request, error: Exception) -> JSONResponse:
        logger.error("request failed", path=request.url.path, exc_info=error)
        return _answer(request, Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "This is a bug; the log has it."))


def unavailable(error: Unavailable) -> Problem:
    """Something that the answer needs is away."""
    seconds = max(1, round(error.retry_after or RETRY_SECONDS))
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error), headers={"Retry-After": str(seconds)})


def _answer(request: Request, problem: Problem) -> JSONResponse:
    details = ProblemDetails(
        title=HTTPStatus(problem.status).phrase,
        status=problem.status,
        detail=problem.detail or None,
        instance=request.url.path,
        errors=problem.errors,
    )
    return JSONResponse(
        details.model_dump(exclude_none=True) | problem.more,
        status_code=problem.status,
        headers=problem.headers,
        media_type=MEDIA_TYPE,
    )


_EXPLAINED = {
    HTTPStatus.NOT_FOUND: "There is nothing at this address.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This address does not take this method.",
}
