"""What a user can choose from: styles and voices, as data that every service shares."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import BaseModel, ConfigDict


class Style(BaseModel):
    """A manner of telling, and the look that goes with it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    summary: str
    look: str
    instructions: str


class Voice(BaseModel):
    """A voice by KeyFrame's name, and what each provider calls it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    language: str
    accent: str
    gender: str
    providers: Mapping[str, str]


@cache
def styles() -> Mapping[str, Style]:
    """The styles by name, in the order in which they are offered."""
    return {name: Style(name=name, **entry) for name, entry in _tables("styles.toml").items()}


@cache
def voices() -> Mapping[str, Voice]:
    """The voices by name; the first of a language is its default."""
    return {name: Voice(name=name, **entry) for name, entry in _tables("voices.toml").items()}


def _tables(name: str) -> dict[str, Any]:
    return tomllib.loads(files("schemas").joinpath(name).read_text(encoding="utf-8"))
