"""The gateway, wired: settings in, adapters picked."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from ipaddress import ip_address
from typing import Annotated, Self
from uuid import uuid4

import structlog
from fastapi import APIRouter, Depends, FastAPI
from pydantic import AfterValidator, Field, SecretStr, model_validator

from runtime.clock import Clock, utc_now
from runtime.errors import Unavailable
from runtime.gate import Gate
from runtime.kafka import Subscription
from runtime.moderation import ModerationSettings, Moderator, moderator
from runtime.objects import ObjectStore
from runtime.settings import InvalidSetting, ProviderChain
from schemas.topics import ServiceName
from services.gateway import problems, security
from services.gateway.addresses import Addresses
from services.gateway.counted import Counted
from services.gateway.estimate import OFFLINE, Model
from services.gateway.intake import Intake
from services.gateway.media import media_origin
from services.gateway.mending import Mending
from services.gateway.migrate import MigrationRefused
from services.gateway.openapi import described
from services.gateway.parts import Parts
from services.gateway.ports import Log, StatusView
from services.gateway.projector import FOLLOWED, GROUP, Projector
from services.gateway.replay import Replays
from services.gateway.replay_work import Means
from services.gateway.routes import (
    cancel,
    dead_letters,
    feed,
    files,
    generate,
    health,
    options,
    pages,
    replay,
    status,
    topics,
    view,
)
from services.gateway.telling import Telling
from services.gateway.unprojected import Unprojected

OPEN_PAUSE = 1.0
"""Seconds between two tries to open the view."""

DRAIN, LONGEST = 20.0, 120.0
"""Seconds for the batch in hand when partitions are given away, and between two polls at the most."""

SHORTEST_TOKEN = 8

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("gateway")


def _trimmed(token: SecretStr) -> SecretStr:
    """A token that was read from a file often ends in a line break, which no header can hold."""
    value = token.get_secret_value().strip()
    if len(value) < SHORTEST_TOKEN:
        raise ValueError(f"a token has at least {SHORTEST_TOKEN} characters")
    return SecretStr(value)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class GatewaySettings(ModerationSettings):
    """KEYFRAME_GATEWAY_*, and what the gateway shares with others.

    Raises:
        InvalidSetting: as any settings; and where strangers could spend money.
    """

    gateway_host: str = "127.0.0.1"
    gateway_port: Annotated[int, Field(ge=0, le=65535)] = 3000
    gateway_public_url: str = ""
    """How the world reaches the gateway, without a slash at the end; links are paths where it is empty."""
    gateway_media_origins: str = ""
    """Origins that the page plays videos from, separated by spaces; where the store's addresses lead, unless set."""
    gateway_max_unfinished: Annotated[int, Field(ge=1)] = 100
    """Jobs that may be queued or processing before a request is answered with 429."""
    postgres_dsn: SecretStr = SecretStr("postgresql://keyframe@127.0.0.1:5432/keyframe")
    """The database of the status view."""
    api_token: Annotated[SecretStr, AfterValidator(_trimmed)] | None = None
    """At least 8 characters. The bearer token that the API asks for; none where it is not set."""

    script_provider: ProviderChain[str] = (OFFLINE,)
    images_provider: ProviderChain[str] = (OFFLINE,)
    voice_provider: ProviderChain[str] = (OFFLINE,)
    """Whose voices can be chosen."""
    openai_model: str = Field(default="gpt-4o-mini", validation_alias="OPENAI_MODEL")
    nebius_model: str = Field(default="black-forest-labs/flux-schnell", validation_alias="NEBIUS_MODEL")
    images_model: str = "the usual model"
    """Of another painter than Nebius."""
    polly_engine: str = Field(default="neural", validation_alias="POLLY_ENGINE")

    @property
    def providers(self) -> Mapping[ServiceName, tuple[str, ...]]:
        """The chain of each stage that has one."""
        return {
            ServiceName.SCRIPT: self.script_provider,
            ServiceName.IMAGES: self.images_provider,
            ServiceName.VOICE: self.voice_provider,
        }

    @property
    def models(self) -> Mapping[ServiceName, Model]:
        """Who is asked first in each stage that has a choice."""
        first = {stage: chain[0] for stage, chain in self.providers.items()}
        names = {
            ServiceName.SCRIPT: self.openai_model,
            ServiceName.IMAGES: self.nebius_model if first[ServiceName.IMAGES] == "nebius" else self.images_model,
            ServiceName.VOICE: self.polly_engine,
        }
        return {stage: Model(first[stage], name) for stage, name in names.items()}

    @model_validator(mode="after")
    def _refuse_strangers(self) -> Self:
        """Whoever reaches an API without a token could spend the money of whoever runs it."""
        paid = sorted({name for chain in self.providers.values() for name in chain} - {OFFLINE})
        if paid and self.api_token is None and not _is_loopback(self.gateway_host):
            raise InvalidSetting(
                f"KEYFRAME_API_TOKEN: it must be set where others can reach the gateway (KEYFRAME_GATEWAY_HOST is"
                f" {self.gateway_host}) and videos may cost money ({', '.join(paid)})"
            )
        return self


def create_app(
    settings: GatewaySettings,
    log: Log,
    view: StatusView,
    artefacts: ObjectStore,
    *,
    published: ObjectStore | None = None,
    static_id: str | None = None,
    now: Clock = utc_now,
    draw_id: Callable[[], str] = lambda: str(uuid4()),
    reviewer: Moderator | None = None,
) -> FastAPI:
    """The gateway over its parts. It opens and closes the view; the log is its owner's to start after this.

    Args:
        published: where published files lie, if not with the artefacts.
        static_id: its consumer's id as a static member of the group.
        now: the clock.
        draw_id: ids for jobs without an Idempotency-Key.
        reviewer: who says what may be told, if not whom the settings name.
    """
    unprojected = Unprojected()
    projector = Projector(view, unprojected)
    subscription = Subscription(GROUP, tuple(FOLLOWED.values()), drain=DRAIN, longest=LONGEST, static_id=static_id)
    telling = Telling(log, view, now)
    voice_providers = settings.providers[ServiceName.VOICE]
    reviewer = reviewer or moderator(settings)
    parts = Parts(
        log=log,
        follower=log.follow(subscription, projector.handle),
        projector=projector,
        view=view,
        unprojected=unprojected,
        intake=Intake(
            log=log,
            view=view,
            moderator=reviewer,
            unprojected=unprojected,
            now=now,
            draw_id=draw_id,
            voice_providers=voice_providers,
            max_unfinished=settings.gateway_max_unfinished,
            secret=settings.api_token.get_secret_value() if settings.api_token else "",
        ),
        telling=telling,
        mending=Mending(log, view, telling),
        replays=Replays(Means(log, view, artefacts, telling, now, voice_providers, settings.models), draw_id),
        gate=Gate((artefacts, reviewer)),
        artefacts=artefacts,
        published=published or artefacts,
        addresses=Addresses(settings.gateway_public_url.rstrip("/")),
        voice_providers=voice_providers,
        models=settings.models,
    )
    return _app(parts, settings)


def _app(parts: Parts, settings: GatewaySettings) -> FastAPI:
    app = FastAPI(
        title="KeyFrame",
        version="1",
        description="A prompt and a style go in; a narrated, captioned video of keyframes comes out.",
        lifespan=_opened_view,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.parts = parts
    app.add_middleware(security.SecurityHeaders)
    app.add_middleware(Counted, routes=app.routes)
    problems.install(app)
    guards = [Depends(security.token_required(settings.api_token))] if settings.api_token else []
    api = APIRouter(prefix="/api/v1", tags=["jobs"], dependencies=guards)
    for resource in (generate, status, cancel, replay, dead_letters, feed, options, topics, view):
        api.include_router(resource.router)
    for router in (api, files.router, health.router):
        app.include_router(router)
    pages.add_pages(app, partial(_page_policy, settings.gateway_media_origins, parts.published))
    app.openapi = partial(described, app)
    return app


async def _page_policy(media_origins: str, published: ObjectStore) -> str:
    return security.page_policy(media_origins or await media_origin(published))


@asynccontextmanager
async def _opened_view(app: FastAPI) -> AsyncGenerator[None]:
    """Serves from the start; a database that is away is opened when it comes. Raises `MigrationRefused`."""
    parts: Parts = app.state.parts
    opening = None
    try:
        await parts.view.open()
    except Unavailable:
        opening = asyncio.create_task(_open_later(parts.view))
    try:
        yield
    finally:
        if opening is not None:
            opening.cancel()
            await asyncio.gather(opening, return_exceptions=True)
        await parts.view.close()


async def _open_later(view: StatusView) -> None:
    while True:
        try:
            return await view.open()
        except Unavailable as error:
            logger.warning("waiting for the status view", reason=str(error))
            await asyncio.sleep(OPEN_PAUSE)
        except MigrationRefused as error:
            return logger.critical("the status view stays closed", reason=str(error))
