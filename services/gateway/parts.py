"""What the routes work with, put together once in `app.py`."""

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import Request

from runtime.gate import Gate
from runtime.objects import ObjectStore
from schemas.topics import ServiceName
from services.gateway.addresses import Addresses
from services.gateway.estimate import Model
from services.gateway.intake import Intake
from services.gateway.mending import Mending
from services.gateway.ports import Follower, Log, StatusView
from services.gateway.projector import Projector
from services.gateway.replay import Replays
from services.gateway.telling import Telling
from services.gateway.unprojected import Unprojected


@dataclass(frozen=True)
class Parts:
    """The gateway, taken apart."""

    log: Log
    follower: Follower
    projector: Projector
    view: StatusView
    unprojected: Unprojected
    intake: Intake
    telling: Telling
    mending: Mending
    replays: Replays
    gate: Gate
    """Whether the object store and the moderation would serve us."""
    artefacts: ObjectStore
    published: ObjectStore
    addresses: Addresses
    voice_providers: tuple[str, ...]
    models: Mapping[ServiceName, Model]
    """Of the stages that providers work for."""


def parts(request: Request) -> Parts:
    """The parts of the app that a request came to."""
    return request.app.state.parts
