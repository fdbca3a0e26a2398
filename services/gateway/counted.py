"""Requests, counted and timed for the metrics."""

import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from http import HTTPMethod, HTTPStatus

from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runtime.metrics import HTTP_REQUEST_SECONDS, HTTP_REQUESTS

NOWHERE = "none"
"""The route of a request that no route takes, and the method of one whose method is none: both can be anything."""

_METHODS = frozenset(HTTPMethod)


class Counted:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, routes: Sequence[BaseRoute]) -> None:
        self._app, self._routes = app, routes

    @cached_property
    def _templates(self) -> Mapping[object, str]:
        """The path of each endpoint, as it is declared: it has few values, where a request's own may name a job."""
        return {each.endpoint or each.app: str(each.path) for each in iter_route_contexts(self._routes)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        began, status, seconds = time.monotonic(), int(HTTPStatus.INTERNAL_SERVER_ERROR), None

        async def send_and_look(message: Message) -> None:
            nonlocal status, seconds
            if message["type"] == "http.response.start":
                status, seconds = message["status"], time.monotonic() - began
            await send(message)

        try:
            await self._app(scope, receive, send_and_look)
        finally:
            route = self._templates.get(scope.get("endpoint"), NOWHERE)
            method = scope["method"] if scope["method"] in _METHODS else NOWHERE
            HTTP_REQUESTS.labels(route, method, str(status)).inc()
            HTTP_REQUEST_SECONDS.labels(route, method).observe(time.monotonic() - began if seconds is None else seconds)
