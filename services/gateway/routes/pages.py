"""What people look at: the page, and the API's documentation. Every file of it is ours to serve."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from services.gateway.security import DOCS_POLICY

HERE = Path(__file__).parents[1]
STATIC, SWAGGER = HERE / "static", HERE / "swagger"

_TYPES: Mapping[str, str] = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
"""A system's own table may say otherwise, and browsers run no script of another type."""

_DOCS = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>KeyFrame API</title>
<link rel="icon" href="static/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="swagger/swagger-ui.css">
<div id="docs"></div>
<script src="swagger/swagger-ui-bundle.js"></script>
<script src="swagger/start.js"></script>
</html>
"""


class Assets(StaticFiles):
    """Files beside a page: a browser asks each time whether its copy still holds."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        if (content_type := _TYPES.get(Path(path).suffix)) is not None:
            response.headers["Content-Type"] = content_type
        return response


def add_pages(app: FastAPI, policy: Callable[[], Awaitable[str]]) -> None:
    """Serves the page at `/` under this Content-Security-Policy, and the documentation at `/docs`."""

    async def page(_: Request) -> Response:
        headers = {"Content-Security-Policy": await policy(), "Cache-Control": "no-cache"}
        return FileResponse(STATIC / "index.html", headers=headers)

    async def docs(_: Request) -> Response:
        return HTMLResponse(_DOCS, headers={"Content-Security-Policy": DOCS_POLICY})

    app.add_route("/", page, methods=["GET"], include_in_schema=False)
    app.add_route("/docs", docs, methods=["GET"], include_in_schema=False)
    app.mount("/static", Assets(directory=STATIC), name="static")
    app.mount("/swagger", Assets(directory=SWAGGER), name="swagger")
