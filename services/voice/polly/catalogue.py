"""Amazon Polly's engines and voices, as data."""

import tomllib
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict

from runtime.errors import Permanent

EngineName = Literal["standard", "neural", "long-form", "generative"]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Limits(_Entry):
    """What one request may ask for."""

    sample_rate: int
    """Hz."""
    bytes: int
    """Of narration as it is sent, in UTF-8."""


class Engine(_Entry):
    """What an engine supports."""

    speech_marks: bool
    ssml: frozenset[str]


class PollyVoice(_Entry):
    """A voice by Polly's id."""

    languages: tuple[str, ...]
    engines: tuple[EngineName, ...]


class Catalogue(_Entry):
    """polly.toml"""

    request: Limits
    engines: Mapping[EngineName, Engine]
    languages: Mapping[str, str]
    scripts: Mapping[str, tuple[str, ...]]
    voices: Mapping[str, PollyVoice]


@cache
def catalogue() -> Catalogue:
    """All that is known of Polly."""
    text = files("services.voice.polly").joinpath("polly.toml").read_text(encoding="utf-8")
    return Catalogue.model_validate(tomllib.loads(text))


def engine_for(voice: str, preferred: EngineName) -> EngineName:
    """The engine that speaks with a voice: the preferred one where it can; of a voice that is not known, always."""
    known = catalogue().voices.get(voice)
    return preferred if known is None or preferred in known.engines else known.engines[0]


def speaks(voice: str, language: str) -> bool:
    """Whether a voice speaks a language (BCP 47); one that is not known may."""
    known = catalogue().voices.get(voice)
    return known is None or any(_plain(code) == _plain(language) for code in known.languages)


def language_code(voice: str, language: str) -> str | None:
    """The code that tells a voice of several languages which one to speak; None where it speaks that by itself.

    Raises:
        Permanent: the voice does not speak the language.
    """
    if not speaks(voice, language):
        raise Permanent(f"the Amazon Polly voice {voice} does not speak the language {language}")
    known = catalogue().voices.get(voice)
    if known is None or len(known.languages) == 1:
        return None
    # A voice of Gulf Arabic also speaks the standard language, which comes after its own.
    fitting = [code for code in known.languages if _plain(code) == _plain(language)]
    return next((code for code in fitting if code.lower() == language.lower()), fitting[-1])


def readable(text: str, language: str) -> bool:
    """Whether the text has a letter or a digit that voices of the language read."""
    scripts = ("LATIN", *catalogue().scripts.get(_plain(language), ()))
    return any(
        char.isdecimal() or (char.isalpha() and unicodedata.name(char, "").split(" ")[0].split("-")[0] in scripts)
        for char in text
    )


def _plain(code: str) -> str:
    """A language without its region, by KeyFrame's name."""
    return catalogue().languages.get(code, code.split("-", maxsplit=1)[0].lower())
