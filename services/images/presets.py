"""The presets of presets.toml: image APIs in OpenAI's shape, and what each of them takes."""

import math
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Size = tuple[int, int]
"""Width and height in pixels."""


class Sizes(BaseModel):
    """The sizes that a provider paints in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fixed: tuple[Size, ...] = ()
    """The only ones, where there are any."""
    smallest: int = 64
    largest: int = 2048
    multiple: Annotated[int, Field(ge=1)] = 1

    def covering(self, asked: Size) -> Size:
        """The size to ask the provider for, of which `asked` can be cut with the least waste."""
        if self.fixed:
            return min(self.fixed, key=lambda size: _waste(size, asked))
        scale = min(1.0, self.largest / max(asked))
        return self._side(asked[0] * scale), self._side(asked[1] * scale)

    def _side(self, pixels: float) -> int:
        return min(self.largest, max(self.smallest, math.ceil(pixels / self.multiple) * self.multiple))


def _waste(size: Size, asked: Size) -> tuple[float, bool, int]:
    """Orders fixed sizes: the nearest aspect first, then those large enough, then the smallest."""
    aspect = abs(math.log(size[0] / size[1]) - math.log(asked[0] / asked[1]))
    too_small = size[0] < asked[0] or size[1] < asked[1]
    return round(aspect, 3), too_small, size[0] * size[1]


class Preset(BaseModel):
    """An image API; the fields are explained in presets.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    base_url: str | None = None
    model: str | None = None
    variables: str = "KEYFRAME_IMAGES_"
    prompt_characters: int
    size: Literal["width and height", "size"]
    seed: bool = False
    body: Mapping[str, str | int | float]
    sizes: Sizes

    def parameters(self, size: Size, seed: int) -> dict[str, object]:
        """What a request says beside its model and its prompt."""
        width, height = size
        shape = {"size": f"{width}x{height}"} if self.size == "size" else {"width": width, "height": height}
        return {**self.body, **shape, **({"seed": seed} if self.seed else {})}


@cache
def presets() -> Mapping[str, Preset]:
    """The presets by name."""
    text = files("services.images").joinpath("presets.toml").read_text(encoding="utf-8")
    return {name: Preset(name=name, **entry) for name, entry in tomllib.loads(text).items()}
