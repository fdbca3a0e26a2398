"""KeyFrame's API as the page knows it, played by hand: a test moves every job itself."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from services.gateway.security import SecurityHeaders, page_policy

STATIC = Path(__file__).parents[2] / "services" / "gateway" / "static"
STYLES = [
    {"name": "Educational", "summary": "Clear, curious, accurate: explains one thing well."},
    {"name": "Storytelling", "summary": "A small story with a beginning, a turn and an end."},
    {"name": "Meme", "summary": "Quick, dry and self-aware: facts with a punch line."},
]
VOICES = [
    {"name": "aria", "language": "en", "accent": "American", "gender": "female", "served": True},
    {"name": "emma", "language": "en", "accent": "British", "gender": "female", "served": True},
    {"name": "nobody", "language": "en", "accent": "American", "gender": "male", "served": False},
]
STAGES = ("script", "images", "voice", "assembler", "storage")
FIRST_JOB = "0198c0de-0000-7000-8000-000000000001"


@dataclass(frozen=True)
class Refusal:
    """A problem+json answer."""

    status: int
    detail: str
    errors: tuple[dict[str, str], ...] = ()
    retry_after: int | None = None

    def response(self) -> Response:
        """The answer on the wire."""
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        body = {"title": "No", "status": self.status, "detail": self.detail, "errors": list(self.errors)}
        return JSONResponse(body, self.status, headers, "application/problem+json")


@dataclass
class FakeGateway:
    """What the API answers, and what it was asked."""

    files: Path
    """A folder with video.mp4, captions.vtt and 1.png, 2.png, …"""
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    finished: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """The feed, the newest first."""
    submitted: list[tuple[str, dict[str, Any]]] = field(default_factory=list[tuple[str, dict[str, Any]]])
    """(Idempotency-Key, body) of every POST that got past the token."""
    refusal: Refusal | None = None
    """What the next POST or DELETE is answered."""
    token: str | None = None
    """The token that every request must carry."""
    status_reads: int = 0

    def add_job(self, job_id: str = FIRST_JOB, **known: Any) -> dict[str, Any]:
        """A job in the queue; `known` says more of it."""
        job: dict[str, Any] = {
            "jobId": job_id,
            "status": "queued",
            "stage": None,
            "waiting_for": None,
            "progress": 0,
            "title": None,
            "prompt": "How lighthouses found their lenses",
            "style": "Educational",
            "aspect_ratio": "16:9",
            "scene_count": 3,
            "created_at": "2025-11-22T18:00:00Z",
            "completed_at": None,
            "video_url": None,
            "thumbnail_url": None,
            "captions": None,
            "keyframes": [],
            "timings": {},
            "error": None,
            "costs": {"usd": 0, "by_stage": {}, "complete": True},
            "degraded": [],
            "attributions": [],
        }
        self.jobs[job_id] = job | known
        return self.jobs[job_id]

    def advance(self, job_id: str, stage: str, progress: int, **known: Any) -> None:
        """The job is at a stage; those before it are done."""
        done = STAGES[: STAGES.index(stage)]
        timings = {name: {"seconds": 1.5 + len(name), "finished_at": "2025-11-22T18:01:00Z"} for name in done}
        self.jobs[job_id] |= {"status": "processing", "stage": stage, "progress": progress, "timings": timings} | known

    def paint(self, job_id: str, scene: int) -> None:
        """One more keyframe is painted; 1 is the first scene's."""
        keyframes = [*self.jobs[job_id]["keyframes"], {"scene": scene, "url": f"/files/{(scene - 1) % 3 + 1}.png"}]
        self.advance(job_id, "images", 10 + 10 * len(keyframes), keyframes=keyframes)

    def complete(self, job_id: str) -> None:
        """The video is published."""
        self.advance(job_id, "storage", 100, status="completed", completed_at="2025-11-22T18:02:00Z")
        self.jobs[job_id] |= {
            "video_url": "/files/video.mp4",
            "thumbnail_url": "/files/1.png",
            "captions": {"vtt": "/files/captions.vtt", "srt": "/files/captions.srt"},
        }

    def publish(self, count: int, style: str = "Educational", title: str = "Video") -> None:
        """Puts finished videos on the feed."""
        for number in range(count):
            job_id = f"0198c0de-0000-7000-9000-{len(self.finished):012d}"
            item = {"jobId": job_id, "title": f"{title} {number + 1}", "style": style, "duration": 61.2}
            urls = {"video_url": "/files/video.mp4", "thumbnail_url": f"/files/{number % 3 + 1}.png"}
            self.finished.append(item | urls | {"completed_at": "2025-11-22T18:02:00Z"})

    def app(self) -> Starlette:
        """The page, the API and the files, under the gateway's own security headers."""
        return Starlette(
            routes=[
                Route("/", self._page),
                Route("/api/v1/styles", self._styles),
                Route("/api/v1/voices", self._voices),
                Route("/api/v1/generate", self._generate, methods=["POST"]),
                Route("/api/v1/status/{job_id}", self._status),
                Route("/api/v1/jobs/{job_id}", self._cancel, methods=["DELETE"]),
                Route("/api/v1/feed", self._feed),
                Mount("/files", StaticFiles(directory=self.files)),
                Mount("/static", StaticFiles(directory=STATIC)),
            ],
            middleware=[Middleware(SecurityHeaders), Middleware(_Token, gateway=self)],
        )

    async def _page(self, _: Request) -> Response:
        return FileResponse(STATIC / "index.html", headers={"Content-Security-Policy": page_policy("")})

    async def _styles(self, _: Request) -> Response:
        return JSONResponse({"styles": STYLES})

    async def _voices(self, _: Request) -> Response:
        return JSONResponse({"voices": VOICES})

    async def _generate(self, request: Request) -> Response:
        body = await request.json()
        self.submitted.append((request.headers["Idempotency-Key"], body))
        if self.refusal:
            refusal, self.refusal = self.refusal, None
            return refusal.response()
        asked = {name: body[name] for name in ("prompt", "style", "scene_count")}
        job = self.add_job(f"{FIRST_JOB[:-1]}{len(self.jobs) + 1}", **asked)
        return JSONResponse({"jobId": job["jobId"], "status": "queued", "links": {}}, 202)

    async def _status(self, request: Request) -> Response:
        self.status_reads += 1
        job = self.jobs.get(request.path_params["job_id"])
        return JSONResponse(job) if job else Refusal(404, "No job has this id.").response()

    async def _cancel(self, request: Request) -> Response:
        if self.refusal:
            refusal, self.refusal = self.refusal, None
            return refusal.response()
        job = self.jobs[request.path_params["job_id"]]
        job["status"] = "cancelled"
        return JSONResponse(job, 202)

    async def _feed(self, request: Request) -> Response:
        style = request.query_params.get("style")
        start = int(request.query_params.get("cursor", 0))
        end = start + int(request.query_params["limit"])
        wanted = [item for item in self.finished if style in (None, item["style"])]
        return JSONResponse({"items": wanted[start:end], "next_cursor": str(end) if end < len(wanted) else None})


class _Token:
    """Answers 401 to an API request without the token, where there is one."""

    def __init__(self, app: ASGIApp, gateway: FakeGateway) -> None:
        self._app = app
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = self._gateway.token
        if token and scope["type"] == "http" and scope["path"].startswith("/api/"):
            given = dict(scope["headers"]).get(b"authorization", b"").decode()
            if given != f"Bearer {token}":
                await Refusal(401, "A token is needed.").response()(scope, receive, send)
                return
        await self._app(scope, receive, send)
