"""The lists in words.toml."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files


def words(name: str) -> frozenset[str]:
    """The list of this name."""
    return frozenset(_lists()[name].split())


@cache
def _lists() -> Mapping[str, str]:
    return tomllib.loads(files("services.script").joinpath("words.toml").read_text(encoding="utf-8"))
