"""The vendored icons: a subset of Fluent Emoji (MIT, see NOTICE), flat and in full colour."""

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files

from PIL import Image

from services.images.offline import svg

_CANVAS = 32
_MARGIN = 0.04
"""Room around the ink, as a part of its longer side, so that soft edges are not cut."""


class Manner(StrEnum):
    """How icons are drawn."""

    FLAT = "flat"
    FULL = "full"


@dataclass(frozen=True)
class Icon:
    """A drawing on a canvas of 32x32, and the box that its ink fills."""

    body: str
    left: float
    top: float
    right: float
    bottom: float

    @property
    def longer(self) -> float:
        """The longer side of its ink."""
        return max(self.right - self.left, self.bottom - self.top)

    @property
    def width(self) -> float:
        """The width of its ink, as a part of the longer side."""
        return (self.right - self.left) / self.longer

    @property
    def height(self) -> float:
        """The height of its ink, as a part of the longer side."""
        return (self.bottom - self.top) / self.longer


@cache
def icons(manner: Manner) -> Mapping[str, Icon]:
    """The icons by name."""
    packed = files("services.images.offline").joinpath(f"icons-{manner}.json.gz").read_bytes()
    return {name: Icon(entry["body"], *entry["box"]) for name, entry in json.loads(gzip.decompress(packed)).items()}


def draw(icon: Icon, longer: float, *, flipped: bool, tilt: float) -> Image.Image:
    """The icon's ink in pixels, its longer side this long, with a small margin on every side."""
    margin = _MARGIN * icon.longer
    view = (
        icon.left - margin,
        icon.top - margin,
        icon.right - icon.left + 2 * margin,
        icon.bottom - icon.top + 2 * margin,
    )
    scale = longer / icon.longer
    middle_x, middle_y = (icon.left + icon.right) / 2, (icon.top + icon.bottom) / 2
    turn = f'transform="translate({2 * middle_x:.2f},0) scale(-1,1)"' if flipped else ""
    body = f'<g transform="rotate({tilt:.1f},{middle_x:.2f},{middle_y:.2f})"><g {turn}>{icon.body}</g></g>'
    return svg.paint_whole(body, max(1, round(view[2] * scale)), max(1, round(view[3] * scale)), view)
