"""The painter's data files: words, concepts, places and colours."""

import tomllib
from importlib.resources import files
from typing import Any


def table(name: str) -> dict[str, Any]:
    """A TOML file beside this module."""
    return tomllib.loads(files("services.images.offline").joinpath(name).read_text(encoding="utf-8"))
