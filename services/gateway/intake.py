"""How a request becomes a job: on the log first, in the view after it."""

import hashlib
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any

import structlog

from runtime.errors import Permanent, Transient, Unavailable
from runtime.moderation import Moderator
from runtime.tracing import publishing, requested
from schemas.envelope import Envelope, derive_id
from schemas.events import VideoRequested
from schemas.topics import VIDEO_REQUESTED, ServiceName
from services.gateway.choices import choose_voice
from services.gateway.ports import Claim, Log, StatusView
from services.gateway.problems import FieldError, Problem, unprocessable
from services.gateway.projection import evolve
from services.gateway.projector import fact_of
from services.gateway.requests import GenerateRequest
from services.gateway.unprojected import Unprojected

BUSY_SECONDS = 30
"""What a client is asked to wait for where the cap is reached."""

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("gateway.intake")


@dataclass
class Intake:
    """Accepts requests.

    The cap is exact within this process; beside other replicas it may be passed by what they accept in the
    same moment.
    """

    log: Log
    view: StatusView
    moderator: Moderator
    unprojected: Unprojected
    now: Callable[[], datetime]
    draw_id: Callable[[], str]
    voice_providers: tuple[str, ...]
    max_unfinished: int
    secret: str = field(default="", repr=False)
    """Mixed into ids that derive from a key, so that a guessed key does not lead to a job's files."""
    _admitted: int = field(default=0, init=False)
    _settled: int = field(default=0, init=False)

    async def accept(self, request: GenerateRequest, key: str | None, traceparent: str | None = None) -> str:
        """The id of the job: of the one that the key and the body made before, or of a new one.

        The job is a trace of its own; the client's `traceparent` is linked to it.

        Raises:
            Problem: 409, 422 or 429.
            Unavailable: the log or moderation is away, or with a key the database: nothing was accepted.
        """
        voice = choose_voice(request.voice, request.language, self.voice_providers)
        chosen: dict[str, Any] = request.model_dump() | {"voice": voice.name, "language": voice.language}
        if key is None:
            job_id, claim, stands = self.draw_id(), None, False
        else:
            job_id = derive_id(ServiceName.GATEWAY, "job", self.secret, key)
            claim = Claim(_digest(request), self.now())
            stands = await self._stands(job_id, claim)
            if stands and await self._is_known(job_id):
                return job_id
        with requested("POST /api/v1/generate", job_id, traceparent):
            await self._admit(request, chosen, job_id, claim, stands=stands)
        return job_id

    async def _admit(
        self, request: GenerateRequest, chosen: Mapping[str, Any], job_id: str, claim: Claim | None, *, stands: bool
    ) -> None:
        async with self._place():
            if not stands:  # no claim is made for texts that have not passed
                await self._review(request)
            requested_at = await self._claim(job_id, claim) if claim else self.now()
            await self._publish(VideoRequested(job_id=job_id, requested_at=requested_at, **chosen))

    async def _stands(self, job_id: str, claim: Claim) -> bool:
        """Whether this body has been claimed for before. Raises `Problem` (409) where another has."""
        standing = await self.view.claimed(job_id)
        if standing is None:
            return False
        _require_same(standing, claim)
        return True

    async def _is_known(self, job_id: str) -> bool:
        return self.unprojected.find(job_id) is not None or await self.view.find(job_id) is not None

    async def _review(self, request: GenerateRequest) -> None:
        """Raises `Problem` (422) with the fields that may not be told, or `Unavailable` where that cannot be said."""
        texts = {"prompt": request.prompt, "source_text": request.source_text}
        refused = [await self._refusal(field, text) for field, text in texts.items() if text]
        if any(refused):
            raise unprocessable(*filter(None, refused))

    async def _refusal(self, field: str, text: str) -> FieldError | None:
        try:
            await self.moderator.review([text])
        except Permanent as refusal:
            return FieldError(detail=str(refusal), pointer=f"#/{field}")
        except Transient as failure:  # to a user who waits for an answer it is the same
            raise Unavailable(str(failure), on="moderation") from None
        return None

    async def _claim(self, job_id: str, claim: Claim) -> datetime:
        """When the key was first used: so that whoever publishes its event publishes the same one."""
        standing = await self.view.claim(job_id, claim)
        _require_same(standing, claim)
        return standing.requested_at

    async def _publish(self, event: VideoRequested) -> None:
        """The log has the last word: once it has the event, the job is accepted."""
        envelope = Envelope(
            id=derive_id(ServiceName.GATEWAY, VIDEO_REQUESTED.name, event.job_id),
            type=VIDEO_REQUESTED.name,
            source=f"/keyframe/{ServiceName.GATEWAY}",
            subject=event.job_id,
            time=event.requested_at,
            data=event.model_dump_json().encode(),
        )
        fact = fact_of(envelope, VIDEO_REQUESTED)
        with publishing(envelope):
            await self.log.publish(VIDEO_REQUESTED, envelope)
        self.unprojected.add(evolve(None, fact))
        try:
            await self.view.apply([fact])
        except Exception as error:
            logger.warning("the projection will catch up", job_id=event.job_id, reason=repr(error))
        else:
            self.unprojected.drop(event.job_id)

    @asynccontextmanager
    async def _place(self) -> AsyncGenerator[None]:
        """A place among the unfinished jobs. Raises `Problem` (429) where there is none."""
        settled = self._settled
        try:
            unfinished = await self.view.unfinished()
        except Unavailable:
            unfinished = len(self.unprojected)  # without the database, what this process knows of must do
        entering = self._admitted - settled  # those whose rows the count may not have seen
        if unfinished + entering >= self.max_unfinished:
            raise Problem(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"{self.max_unfinished} videos are being made; try again when one is finished.",
                headers={"Retry-After": str(BUSY_SECONDS)},
            )
        self._admitted += 1
        try:
            yield
        finally:
            self._settled += 1


def _digest(request: GenerateRequest) -> str:
    """Of what was asked for: defaults, spaces and the order of fields make no other body."""
    canonical = json.dumps(request.model_dump(), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _require_same(standing: Claim, claim: Claim) -> None:
    if standing.digest != claim.digest:
        raise Problem(HTTPStatus.CONFLICT, "This Idempotency-Key was used with another body.")
