"""The studio: a sentence in, a picture out."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from PIL import Image

from services.images.offline import cosmos, effects, indoors, landscape, palette, svg, town, water
from services.images.offline.backdrop import Backdrop, Frame, Layer, Scenery, View
from services.images.offline.composition import Sprite, Station, arranged
from services.images.offline.concepts import Placement
from services.images.offline.icons import draw, icons
from services.images.offline.reading import Reading, read
from services.images.offline.techniques import Technique

SCENERIES: Mapping[str, Scenery] = {
    "hills": landscape.hills,
    "forest": landscape.forest,
    "savannah": landscape.savannah,
    "snow": landscape.snow,
    "desert": landscape.desert,
    "city": town.city,
    "sea": water.sea,
    "underwater": water.underwater,
    "space": cosmos.space,
    "table": indoors.table,
    "room": indoors.room,
    "theatre": indoors.theatre,
}
"""By the names that concepts.toml and places.toml use."""

_SHADE_OF_THE_HOUR = 0.5
"""How much of the land's tint falls on things: less, so that they stand out."""


@dataclass(frozen=True)
class Scene:
    """A sentence as it will be painted."""

    view: View
    backdrop: Backdrop
    sprites: tuple[Sprite, ...]


def compose(text: str, frame: Frame, seed: int) -> Scene:
    """The scene of a sentence: the same for the same arguments."""
    chance = Random(seed)  # noqa: S311 - chance decides on hills, not on secrets
    reading = read(text, chance)
    lean = chance.choice((-1.0, -1.0, 0.0, 1.0, 1.0))
    view = _view(reading, frame, chance, lean)
    backdrop = SCENERIES[reading.place](view)
    return Scene(view, backdrop, arranged(reading, view, backdrop, lean))


def paint(text: str, technique: Technique, width: int, height: int, seed: int) -> Image.Image:
    """A picture of a sentence, RGB: the same for the same arguments."""
    scene = compose(text, Frame(width, height), seed)
    return technique.finish(_Easel(technique, scene.view).assembled(scene.backdrop, scene.sprites), seed)


def _view(reading: Reading, frame: Frame, chance: Random, lean: float) -> View:
    on_land = {Placement.GROUND, Placement.TABLE}
    away = 0.5 - 0.28 * (lean or chance.choice((-1, 1)))
    return View(
        frame=frame,
        palette=palette.choose(reading.place, reading.time, chance),
        time=reading.time,
        chance=chance,
        horizon=chance.uniform(0.46, 0.57) * frame.height,
        sun=away + chance.uniform(-0.05, 0.05),
        peopled=any(subject.concept.placement in on_land for subject in reading.subjects),
        bare=not reading.subjects,
    )


class _Easel:
    """A canvas under work."""

    def __init__(self, technique: Technique, view: View) -> None:
        self._technique = technique
        self._view = view
        self._size = (view.frame.width, view.frame.height)
        self._canvas = Image.new("RGB", self._size, view.palette.low)

    def assembled(self, backdrop: Backdrop, sprites: tuple[Sprite, ...]) -> Image.Image:
        """Everything from far to near."""
        for layer in backdrop.back:
            self._lay(layer)
        if sprites:
            self._technique.focus(self._canvas, self._view.frame.unit)
        self._place(sprites, Station.FAR_AIR, Station.WATER)
        for layer in (backdrop.surf, backdrop.stage):
            if layer is not None:
                self._lay(layer)
        self._place(sprites, Station.GROUND, Station.AIR, Station.BUST)
        self._lay(backdrop.front)
        self._place(sprites, Station.TABLE)
        return self._canvas

    def _lay(self, layer: Layer) -> None:
        self._technique.lay(self._canvas, svg.paint(layer.body, *self._size), self._view.frame.unit)

    def _place(self, sprites: tuple[Sprite, ...], *stations: Station) -> None:
        for sprite in sprites:
            if sprite.station in stations:
                self._put(sprite)

    def _put(self, sprite: Sprite) -> None:
        view, unit = self._view, self._view.frame.unit
        icon = icons(self._technique.manner)[sprite.icon]
        drawn = draw(icon, sprite.longer, flipped=sprite.flipped, tilt=sprite.tilt)
        drawn = effects.lit(drawn, view.palette.tint, view.palette.strength * _SHADE_OF_THE_HOUR)
        margin = (drawn.height - icon.height * sprite.longer) / 2
        corner = (round(sprite.x - drawn.width / 2), round(sprite.bottom - drawn.height + margin))
        if sprite.station in {Station.GROUND, Station.TABLE}:
            self._ground(sprite)
        self._technique.place(self._canvas, drawn, corner, unit)

    def _ground(self, sprite: Sprite) -> None:
        """The shadow where a thing touches the ground."""
        across, down = round(sprite.width * 0.92), max(4, round(sprite.width * 0.11))
        oval = svg.paint(svg.ellipse(across / 2, down / 2, across / 2, down / 2, "#000000"), across, down)
        corner = (round(sprite.x - across / 2), round(sprite.bottom - down * 0.62))
        effects.shade(self._canvas, oval.getchannel("A"), corner, 5 * self._view.frame.unit, 0.5)
