"""The looks of looks.toml: what all pictures of one video share."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from runtime.errors import Permanent


@dataclass(frozen=True)
class Look:
    """A look, for the painter at hand and for text-to-image models."""

    name: str
    technique: str
    """A technique of the offline painter."""
    prompt: str
    """Words for a text-to-image model."""


def look(name: str) -> Look:
    """The look of this name. Raises `Permanent` where there is none."""
    if name not in looks():
        raise Permanent("there is no such look")
    return looks()[name]


@cache
def looks() -> Mapping[str, Look]:
    """The looks by name, in the order in which they are offered."""
    text = files("services.images").joinpath("looks.toml").read_text(encoding="utf-8")
    return {name: Look(name=name, **entry) for name, entry in tomllib.loads(text).items()}
