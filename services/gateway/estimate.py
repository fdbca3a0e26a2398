"""What a video will cost, about: told with the 202, from the price table and the request alone."""

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
    units = _units(request, models)
    by_stage = {
        stage: 0.0 if model.provider == OFFLINE else usd(model.provider, model.name, units[stage])
        for stage, model in models.items()
    }
    unknown = [f"{models[stage].name} at {models[stage].provider}" for stage, part in by_stage.items() if part is None]
    return Estimate(by_stage, f"the price of {' and of '.join(unknown)} is not known" if unknown else None)


def _units(request: GenerateRequest, models: Mapping[ServiceName, Model]) -> Mapping[ServiceName, Mapping[str, float]]:
    """What each stage will use, in the units of the price table."""
    narration = request.target_seconds * CHARACTERS_PER_SECOND
    given = len(request.prompt) + len(request.source_text or "")
    recordings = 1 if models[ServiceName.VOICE].name in UNMARKED_ENGINES else 2
    return {
        ServiceName.SCRIPT: {
            "input_tokens": INSTRUCTION_TOKENS + given / CHARACTERS_PER_TOKEN,
            "output_tokens": ANSWER_TOKENS + SCENE_TOKENS * request.scene_count + narration / CHARACTERS_PER_TOKEN,
        },
        ServiceName.IMAGES: {"images": request.scene_count},
        ServiceName.VOICE: {"characters": narration * recordings},
    }
