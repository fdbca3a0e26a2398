"""The five stages with functions that take no time: what is left is the runtime's own."""

from collections.abc import Sequence
from typing import Any

from runtime.settings import StageSettings
from runtime.stage import AnyStage, Stage
from schemas.events import (
    ChainEvent,
    ImagesRendered,
    ScriptWritten,
    VideoAssembled,
    VideoPublished,
    VoiceRecorded,
)
from schemas.topics import CHAIN, STAGES
from tests import builders

_SAMPLES: Sequence[ChainEvent] = [event for event in builders.chain(scenes=10) if isinstance(event, ChainEvent)]
_ADDS = {
    ScriptWritten: ("title", "description", "writer", "look", "scenes"),
    ImagesRendered: ("scenes",),
    VoiceRecorded: ("scenes",),
    VideoAssembled: ("duration", "files"),
    VideoPublished: ("published",),
}
"""What each stage adds to the event before."""


def instant_stages() -> list[AnyStage]:
    """In the order of the chain."""
    return [
        _stage(name, reads, writes, made)
        for name, reads, writes, made in zip(STAGES, CHAIN[:-1], CHAIN[1:], _SAMPLES[1:], strict=True)
    ]


def _stage(name: Any, reads: Any, writes: Any, sample: Any) -> AnyStage:
    made = {field: getattr(sample, field) for field in _ADDS[type(sample)]}

    async def run(event: Any, _: object) -> Any:
        return event.grown(type(sample), **made)

    return Stage(name, reads, writes, run, lambda job: job, StageSettings())


def sample(kind: type[ChainEvent]) -> ChainEvent:
    """An event of ten scenes."""
    return next(event for event in _SAMPLES if type(event) is kind)
