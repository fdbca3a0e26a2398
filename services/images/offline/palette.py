"""Colours: a sky and a land, picked by chance and tinted by the time of day."""

from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

from services.images.offline.reading import INDOORS, Time
from services.images.offline.tables import table

Colour = str
"""#rrggbb"""

_LAMPLIGHT = 0.4
"""How much of the hour's tint comes indoors."""

WHITE, BLACK = "#ffffff", "#000000"


@dataclass(frozen=True)
class Palette:
    """The colours of one picture."""

    top: Colour
    middle: Colour
    low: Colour
    """The sky at its top, in its middle and at the horizon."""
    light: Colour
    tint: Colour
    strength: float
    """What the light tints things with, and how much (0 to 1)."""
    far: Colour
    near: Colour
    growth: Colour
    front: Colour

    def ground(self, depth: float) -> Colour:
        """The land at a depth from 0 (the horizon, in its haze) to 1 (near)."""
        haze = mix(self.low, self.middle, 0.35)
        return mix(mix(haze, self.far, min(1.0, 0.35 + depth * 1.3)), self.near, depth**1.2)

    def growing(self, depth: float) -> Colour:
        """What grows on the land at a depth."""
        return mix(self.ground(depth), self.growth, 0.35 + 0.5 * depth)


def choose(place: str, time: Time, chance: Random) -> Palette:
    """A palette of the place at this time of day."""
    data = _palettes()
    sky, land = chance.choice(data["skies"][time.value]), chance.choice(data["lands"][place])
    strength = float(sky["strength"]) * (_LAMPLIGHT if place in INDOORS else 1)
    tinted = {name: mix(colour, sky["tint"], strength) for name, colour in land.items()}
    return Palette(
        top=sky["top"],
        middle=sky["middle"],
        low=sky["low"],
        light=sky["light"],
        tint=sky["tint"],
        strength=strength,
        **tinted,
    )


@cache
def _palettes() -> dict[str, Any]:
    return table("palettes.toml")


def channels(colour: Colour) -> tuple[int, int, int]:
    """Red, green and blue of a colour, 0 to 255."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """A colour between two; `share` is the part of the other."""
    mixed = (round(a + (b - a) * share) for a, b in zip(channels(one), channels(other), strict=True))
    return "#" + "".join(f"{value:02x}" for value in mixed)


def lighter(colour: Colour, share: float) -> Colour:
    """A colour with white in it."""
    return mix(colour, WHITE, share)


def darker(colour: Colour, share: float) -> Colour:
    """A colour with black in it."""
    return mix(colour, BLACK, share)
