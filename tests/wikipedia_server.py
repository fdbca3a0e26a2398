"""A stand-in for MediaWiki's action API that answers in its shape (formatversion 2), on loopback."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

DISAMBIGUATION = {"disambiguation": ""}


@dataclass(frozen=True)
class Page:
    """A page of the stand-in; `found` are the words by which the search finds it."""

    pageid: int
    title: str
    extract: str
    found: str
    pageprops: Mapping[str, str] | None = None


@dataclass
class WikipediaServer:
    """What it knows, how it answers (None: as the API does), and what it was asked."""

    url: str
    pages: list[Page] = field(default_factory=list[Page])
    answer: Response | None = None
    delay: float = 0.0
    drop: bool = False
    """Whether it closes the connection in the middle of an answer."""
    asked: list[Mapping[str, str]] = field(default_factory=list[Mapping[str, str]])
    agents: list[str] = field(default_factory=list[str])

    async def handle(self, request: Request) -> Response:
        self.asked.append({**request.query_params, "edition": request.path_params["language"]})
        self.agents.append(request.headers["user-agent"])
        await asyncio.sleep(self.delay)
        if self.drop:
            return Response('{"batch', headers={"content-length": "1000"})
        return self.answer or JSONResponse(self._query(request.query_params))

    def _query(self, query: Mapping[str, str]) -> dict[str, Any]:
        if "pageids" in query:
            pages = [page for page in self.pages if str(page.pageid) == query["pageids"]]
            return {"batchcomplete": True, "query": {"pages": [self._shown(page, text=True) for page in pages]}}
        words = query["gsrsearch"].casefold().split()
        found = [page for page in self.pages if all(word in page.found.casefold() for word in words)]
        if not found:
            return {"batchcomplete": True}
        # the API orders by page id and says in `index` where the search put each page
        shown = [self._shown(page, text=False) | {"index": place} for place, page in enumerate(found, 1)]
        pages = sorted(shown, key=lambda page: page["pageid"])
        return {
            "batchcomplete": True,
            "continue": {"gsroffset": 5, "continue": "gsroffset||"},
            "query": {"redirects": [{"index": 1, "from": "X", "to": "Y"}], "pages": pages},
        }

    def _shown(self, page: Page, *, text: bool) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "pageid": page.pageid,
            "ns": 0,
            "title": page.title,
            "contentmodel": "wikitext",
            "pagelanguage": "en",
            "touched": "2026-01-01T00:00:00Z",
            "lastrevid": 1,
            "length": len(page.extract),
            "fullurl": f"https://en.wikipedia.org/wiki/{page.title.replace(' ', '_')}",
            "canonicalurl": f"https://en.wikipedia.org/wiki/{page.title.replace(' ', '_')}",
        }
        if page.pageprops is not None:
            shown["pageprops"] = dict(page.pageprops)
        return shown | ({"extract": page.extract} if text else {})


@contextlib.asynccontextmanager
async def wikipedia_server() -> AsyncIterator[WikipediaServer]:
    """A running stand-in, stopped at the end."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = WikipediaServer(f"http://127.0.0.1:{listener.getsockname()[1]}/{{language}}/w/api.php")
    app = Starlette(routes=[Route("/{language}/w/api.php", server.handle)])
    uvicorn_server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off", ws="none"))
    serving = asyncio.create_task(uvicorn_server.serve(sockets=[listener]))
    try:
        yield server
    finally:
        uvicorn_server.should_exit = uvicorn_server.force_exit = True
        await serving
        listener.close()


def refusal(code: str, *, retry_after: str) -> Response:
    """An error of the API, which comes with the status 200."""
    body = {"error": {"code": code, "info": "Waiting for a database server.", "docref": "See the API's page."}}
    return Response(json.dumps(body), headers={"Retry-After": retry_after}, media_type="application/json")
