"""Who may ask, and what a browser may do with the answers."""

import hmac
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import SecretStr
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.problems import Problem


def token_required(token: SecretStr) -> Callable[..., None]:
    """A dependency that raises `Problem` (401) unless the request has the token.

    It is the API that needs it. The page, its documentation and health do not, and neither do the files of
    a job: a browser's `<video>` sends no token, and whoever was not given a job's id cannot guess it.
    """
    bearer = HTTPBearer(auto_error=False, description="KEYFRAME_API_TOKEN")
    secret = token.get_secret_value().encode()

    def require_token(request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> None:
        if given is None or not hmac.compare_digest(given.credentials.encode(), secret):
            detail = "The token is not valid." if "authorization" in request.headers else "A token is needed."
            raise Problem(HTTPStatus.UNAUTHORIZED, detail, headers={"WWW-Authenticate": 'Bearer realm="KeyFrame"'})

    return require_token


def page_policy(media_origins: str) -> str:
    """The page's Content-Security-Policy: its own files, and videos from where the store's addresses lead."""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
        f"connect-src 'self'; media-src 'self' {media_origins}".rstrip()
        + "; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


DOCS_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Swagger UI sets styles inline."""

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


class SecurityHeaders:
    """ASGI middleware: every answer carries them, errors too; a route's own come first."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _ALWAYS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)
