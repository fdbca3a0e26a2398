"""What a video will cost, about, from the price table: told with the 202, and before a replay."""

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.prices import usd
from schemas.topics import ServiceName
from services.gateway.requests import GenerateRequest

OFFLINE = "offline"
"""The provider that costs nothing."""

CHARACTERS_PER_SECOND = 15.5
"""Of narration, with its pauses."""

CHARACTERS_PER_TOKEN = 4
"""Of English, about (OpenAI's own rule of thumb)."""

INSTRUCTION_TOKENS, ANSWER_TOKENS, SCENE_TOKENS = 1_100, 200, 50
"""The order for a script; of the script what is there once; a scene's picture and form."""

UNMARKED_ENGINES = frozenset({"generative"})
"""Polly's engines without speech marks. All others are asked twice for each text, and bill both."""


@dataclass(frozen=True)
class Model:
    """Who does a stage's work."""

    provider: str
    name: str


@dataclass(frozen=True)
class Work:
    """What there is to do for a video."""

    given: int
    """Characters that the writer is given."""
    scenes: int
    narration: float
    """Characters that are spoken."""

    @classmethod
    def asked(cls, prompt: str, source_text: str | None, scenes: int, seconds: int) -> "Work":
        """What a request will take."""
        return cls(len(prompt) + len(source_text or ""), scenes, seconds * CHARACTERS_PER_SECOND)


@dataclass(frozen=True)
class Estimate:
    """US dollars."""

    by_stage: Mapping[ServiceName, float | None]
    """None where the model's price is not known."""
    reason: str | None
    """Which price is not known."""

    @property
    def usd(self) -> float | None:
        """The sum; None where a part of it is not known."""
        known = [part for part in self.by_stage.values() if part is not None]
        return sum(known) if len(known) == len(self.by_stage) else None


def estimate(request: GenerateRequest, models: Mapping[ServiceName, Model]) -> Estimate | None:
    """What the request will cost where these models serve it; None where none of them is paid.

    It knows of one answer a call: a script that is asked for again, or a picture made twice, costs more.
    """
    if all(model.provider == OFFLINE for model in models.values()):
        return None
    by_stage = prices(
        Work.asked(request.prompt, request.source_text, request.scene_count, request.target_seconds), models
    )
    unknown = [f"{models[stage].name} at {models[stage].provider}" for stage, part in by_stage.items() if part is None]
    return Estimate(by_stage, f"the price of {' and of '.join(unknown)} is not known" if unknown else None)


def prices(work: Work, models: Mapping[ServiceName, Model]) -> Mapping[ServiceName, float | None]:
    """What each stage's work costs in US dollars, asked for once; None where the model's price is not known."""
    units = _units(work, models)
    return {
        stage: 0.0 if model.provider == OFFLINE else usd(model.provider, model.name, units[stage])
        for stage, model in models.items()
    }


def _units(work: Work, models: Mapping[ServiceName, Model]) -> Mapping[ServiceName, Mapping[str, float]]:
    """What each stage will use, in the units of the price table."""
    recordings = 1 if models[ServiceName.VOICE].name in UNMARKED_ENGINES else 2
    return {
        ServiceName.SCRIPT: {
            "input_tokens": INSTRUCTION_TOKENS + work.given / CHARACTERS_PER_TOKEN,
            "output_tokens": ANSWER_TOKENS + SCENE_TOKENS * work.scenes + work.narration / CHARACTERS_PER_TOKEN,
        },
        ServiceName.IMAGES: {"images": work.scenes},
        ServiceName.VOICE: {"characters": work.narration * recordings},
    }
