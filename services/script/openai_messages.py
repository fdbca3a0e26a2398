"""What the writing model is told: the order for a script, and what to put right in an answer."""

import hashlib
import json
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from string import Template
from typing import Any

from openai.types.chat import ChatCompletionMessageParam

from services.script.plain_text import one_line, plain
from services.script.ports import Brief

WORDS_PER_SECOND = 2.55
"""How fast narration is spoken, with its pauses."""

TOLERANCE = 0.2
"""A script that misses the wanted count of words by a greater share is asked for again."""


@dataclass(frozen=True)
class Length:
    """How many words a brief wants."""

    words: int
    least: int
    most: int

    @classmethod
    def of(cls, brief: Brief) -> "Length":
        """The length of the narration that takes the brief's seconds to say."""
        words = round(WORDS_PER_SECOND * brief.target_seconds)
        return cls(words, round(words * (1 - TOLERANCE)), round(words * (1 + TOLERANCE)))


def version() -> int:
    """Which instructions these are."""
    return _texts()["version"]


def order(brief: Brief) -> list[ChatCompletionMessageParam]:
    """The messages that ask for a script; what the user gave is JSON in a message of its own."""
    ground = _texts()["from_knowledge" if brief.source_text is None else "from_source"].strip()
    style = {"style": brief.style.name, "instructions": brief.style.instructions.strip(), "ground": ground}
    system = _filled(_texts()["system"], brief, **style)
    return [{"role": "system", "content": system}, {"role": "user", "content": _data(brief)}]


def unusable(brief: Brief, problem: str) -> str:
    """Asks again, telling what is wrong."""
    return _filled(_texts()["repair"]["unusable"], brief, problem=one_line(problem))


def wrong_length(brief: Brief, written: int) -> str:
    """Asks again, telling the count of words."""
    remedy = "shorter" if written > Length.of(brief).words else "longer"
    return _filled(_texts()["repair"]["length"], brief, written=written, remedy=remedy)


def cut_off(brief: Brief) -> str:
    """Asks for something shorter."""
    return _filled(_texts()["repair"]["cut_off"], brief)


def seed(brief: Brief) -> int:
    """A number that is the same for the same brief: what a model that knows seeds begins from."""
    fresh = "" if brief.fresh is None else f"\n{brief.fresh}"
    return int.from_bytes(hashlib.sha256(f"{brief.style.name}\n{_data(brief)}{fresh}".encode()).digest()[:4]) >> 1


def _data(brief: Brief) -> str:
    data = {"topic": plain(brief.prompt), "language": one_line(brief.language)}
    if brief.source_text is not None:
        data["source"] = plain(brief.source_text)
    return json.dumps(data, ensure_ascii=False)


def _filled(text: str, brief: Brief, **more: object) -> str:
    length = Length.of(brief)
    return Template(text.strip()).substitute(
        scenes=brief.scene_count,
        seconds=brief.target_seconds,
        words=length.words,
        least=length.least,
        most=length.most,
        scene_words=max(1, round(length.words / brief.scene_count)),
        **more,
    )


@cache
def _texts() -> dict[str, Any]:
    return tomllib.loads(files("services.script").joinpath("openai_instructions.toml").read_text(encoding="utf-8"))
