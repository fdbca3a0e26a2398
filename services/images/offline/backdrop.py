"""A backdrop: the layers of a place from far to near, and where things stand in it."""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from services.images.offline import svg
from services.images.offline.palette import Colour, Palette, lighter, mix
from services.images.offline.reading import Time
from services.images.offline.svg import Point

BLEED = 24
"""Pixels that a layer reaches past the edge of the picture."""


@dataclass(frozen=True)
class Frame:
    """The picture's size in pixels, and its measures."""

    width: int
    height: int

    @property
    def unit(self) -> float:
        """A thousandth of the side of a square with the picture's area."""
        return math.sqrt(self.width * self.height) / 1000

    @property
    def tall(self) -> bool:
        """Whether it is higher than wide."""
        return self.height > self.width * 1.2

    @property
    def wide(self) -> bool:
        """Whether it is wider than high."""
        return self.width > self.height * 1.2

    @property
    def front(self) -> float:
        """Where the calm foreground begins, over which captions run: pixels from the top."""
        return self.height * (0.80 if self.tall else 0.83)

    @property
    def feet(self) -> float:
        """Where standing things touch the ground: pixels from the top."""
        return self.front - 0.035 * self.height


@dataclass(frozen=True)
class View:
    """What a backdrop is made from."""

    frame: Frame
    palette: Palette
    time: Time
    chance: Random
    horizon: float
    """Pixels from the top."""
    sun: float
    """Where the sun or moon stands, as a part of the width."""
    peopled: bool
    """Whether something will stand on the ground."""
    bare: bool
    """Whether nothing will be in the picture but the place itself."""


@dataclass(frozen=True)
class Layer:
    """SVG elements at one depth: 0 is the sky, 1 the foreground."""

    body: str
    depth: float


@dataclass(frozen=True)
class Backdrop:
    """A place, ready to be peopled."""

    back: tuple[Layer, ...]
    """What lies behind everything."""
    front: Layer
    """The foreground: it hides where a bust ends."""
    surf: Layer | None = None
    """What laps over floating things."""
    stage: Layer | None = None
    """Ground that lies nearer than the water."""
    waterline: float = 0.0
    """Where hulls meet the water: pixels from the top."""
    tabletop: float | None = None
    """Where things on a table stand, if there is one: pixels from the top. The table is then the foreground."""


Scenery = Callable[[View], Backdrop]


def swell(view: View, y: float, amplitude: float, waves: float = 2.0) -> list[Point]:
    """A soft line across the picture, like the crest of a hill."""
    chance, width = view.chance, view.frame.width
    parts = [(waves * k, chance.uniform(0, math.tau), amplitude / k) for k in (1, 1.7, 3.1)]
    steps = [-BLEED + (width + 2 * BLEED) * i / 90 for i in range(91)]
    return [(x, y + sum(size * math.sin(math.tau * n * x / width + at) for n, at, size in parts)) for x in steps]


def crags(view: View, y: float, amplitude: float, roughness: float = 0.5) -> list[Point]:
    """A jagged line across the picture, by midpoint displacement, like a range of mountains."""
    chance, width = view.chance, view.frame.width
    heights = [y + chance.uniform(-0.3, 0.8) * amplitude for _ in range(5)]
    reach = amplitude
    for _ in range(5):
        between = [(a + b) / 2 + chance.uniform(-reach, reach) * 0.5 for a, b in itertools.pairwise(heights)]
        woven = [height for pair in zip(heights, between, strict=False) for height in pair]
        heights = [*woven, heights[-1]]
        reach *= roughness
    last = len(heights) - 1
    return [(-BLEED + (width + 2 * BLEED) * i / last, height) for i, height in enumerate(heights)]


def land(view: View, crest: Sequence[Point], colour: Colour, *, mist: float = 0.25, growth: str = "") -> str:
    """The ground under a crest: lit along its edge, and paler downward where mist gathers."""
    frame = view.frame
    base = frame.height + BLEED
    haze = mix(colour, view.palette.low, mist)
    gradient = svg.downward("land", [(0, lighter(colour, 0.07), 1), (0.12, colour, 1), (0.75, haze, 1), (1, haze, 1)])
    outline = [(crest[0][0], base), *crest, (crest[-1][0], base)]
    return f"<defs>{gradient}</defs>{growth}" + svg.polygon(outline, "url(#land)")


def height_at(crest: Sequence[Point], x: float) -> float:
    """The height of a crest over a point."""
    return min(crest, key=lambda point: abs(point[0] - x))[1]
