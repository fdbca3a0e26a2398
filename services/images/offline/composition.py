"""Composition: how large each thing is, and where it stands so that none hides another."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from services.images.offline.backdrop import Backdrop, Frame, View
from services.images.offline.concepts import Concept, Placement
from services.images.offline.icons import Icon, Manner, icons
from services.images.offline.reading import MAX_SUBJECTS, Reading

_SCALE_POWER = 0.4
"""Sizes in a picture differ by this power of the sizes in the world: an ant stays visible beside a house."""
_SMALLEST = 0.27
"""The least size of a thing, as a part of the largest one's."""
_SMALLEST_BUST = 0.42
"""The same for a bust, of which a part is hidden."""
_HIDDEN = 0.14
"""What of a bust's height the foreground hides."""
_COPIES = (1.0, 0.74, 0.6)
"""How large the first and the further copies of one thing are."""
_MARGIN = 0.06
"""What stays free at each side, as a part of the width."""
_GAP = 0.10
"""Between neighbours, as a part of the largest thing's size."""
_DRAUGHT = 0.26
"""What of a floating thing's height is under water; some icons have waves of their own there."""
_LARGE = 7.0
"""Metres from which a thing stands farther off."""
_HUGE = 20.0
"""Metres from which it towers over the scene."""


class Station(IntEnum):
    """What a thing stands behind, from far to near."""

    FAR_AIR = 0
    WATER = 1
    GROUND = 2
    AIR = 3
    BUST = 4
    TABLE = 5


@dataclass(frozen=True)
class Sprite:
    """A thing in the picture; lengths in pixels."""

    icon: str
    x: float
    """Its middle."""
    bottom: float
    longer: float
    """The longer side of its ink."""
    station: Station
    flipped: bool = False
    tilt: float = 0.0

    @property
    def shape(self) -> Icon:
        """The icon as it is measured."""
        return icons(Manner.FLAT)[self.icon]

    @property
    def width(self) -> float:
        """Pixels."""
        return self.shape.width * self.longer

    @property
    def height(self) -> float:
        """Pixels."""
        return self.shape.height * self.longer


@dataclass(frozen=True)
class _Thing:
    """One copy of a subject, and its size as a part of the largest thing's."""

    concept: Concept
    scale: float
    copy: int

    @property
    def aloft(self) -> bool:
        """Whether it flies or floats free."""
        return self.concept.placement in {Placement.SKY, Placement.DEEP, Placement.SPACE}


def arranged(reading: Reading, view: View, backdrop: Backdrop, lean: float) -> tuple[Sprite, ...]:
    """Places what a sentence names, from far to near.

    Args:
        lean: where the weight lies, from -1 (the left third) over 0 to 1 (the right third).
    """
    things = _things(reading)
    aloft = [thing for thing in things if thing.aloft]
    sprites = [
        *_row([thing for thing in things if not thing.aloft], view, backdrop, lean),
        *_aloft(aloft, view, alone=len(aloft) == len(things), lean=lean),
    ]
    return tuple(sorted(sprites, key=lambda sprite: (sprite.station, sprite.bottom)))


def _things(reading: Reading) -> list[_Thing]:
    """Every copy of every subject, scaled to the largest that stands, or to the largest of all where none does."""
    things = [
        _Thing(subject.concept, _COPIES[copy], copy) for subject in reading.subjects for copy in range(subject.count)
    ]
    sizes = [thing.concept.size for thing in things if not thing.aloft] or [thing.concept.size for thing in things]
    return [
        replace(
            thing, scale=thing.scale * min(1.0, max(_least(thing), (thing.concept.size / max(sizes)) ** _SCALE_POWER))
        )
        for thing in things[:MAX_SUBJECTS]
    ]


def _least(thing: _Thing) -> float:
    return _SMALLEST_BUST if thing.concept.bust else _SMALLEST


def _hero(frame: Frame) -> float:
    """How large the largest thing is, in pixels."""
    return 0.58 * frame.width if frame.tall else (0.45 if frame.wide else 0.44) * frame.height


def _row(things: Sequence[_Thing], view: View, backdrop: Backdrop, lean: float) -> list[Sprite]:
    """Things side by side, the largest in the middle, all within the margins."""
    if not things:
        return []
    frame = view.frame
    tallest = max(thing.concept.size for thing in things)
    hero = _hero(frame) * (1.25 if tallest >= _HUGE else 1.1 if tallest >= _LARGE else 1.0)
    ordered = _largest_inside(things, mirrored=view.chance.random() < 0.5)
    sprites = [_standing(thing, hero * thing.scale, view, backdrop) for thing in ordered]
    room = frame.width * (1 - 2 * _MARGIN)
    gap = _GAP * hero * (0.4 if frame.tall else 1.0)
    taken = sum(sprite.width for sprite in sprites) + gap * (len(sprites) - 1)
    if taken > room:
        gap *= room / taken
        sprites = [replace(sprite, longer=sprite.longer * room / taken) for sprite in sprites]
        taken = room
    middle = frame.width * (0.5 + (0.0 if frame.tall else 0.15) * lean)
    left = min(max(middle - taken / 2, frame.width * _MARGIN), frame.width * (1 - _MARGIN) - taken)
    placed: list[Sprite] = []
    for sprite, thing in zip(sprites, ordered, strict=True):
        x = left + sprite.width / 2
        placed.append(replace(sprite, x=x, flipped=_looks_inward(thing, x < frame.width * 0.5)))
        left += sprite.width + gap
    return placed


def _largest_inside(things: Sequence[_Thing], *, mirrored: bool) -> list[_Thing]:
    ordered = sorted(things, key=lambda thing: -thing.scale)
    if len(ordered) == 3:
        ordered = [ordered[1], ordered[0], ordered[2]]
    return ordered[::-1] if mirrored else ordered


def _standing(thing: _Thing, longer: float, view: View, backdrop: Backdrop) -> Sprite:
    """A thing with its feet where its kind has them; its place along the row comes later."""
    frame, concept = view.frame, thing.concept
    further = 0.022 * frame.height * thing.copy
    if concept.placement is Placement.WATER:
        afloat = Sprite(concept.icon, 0, backdrop.waterline - further, longer, Station.WATER)
        return replace(afloat, bottom=afloat.bottom + _DRAUGHT * afloat.height)
    if concept.bust:
        edge = frame.front if backdrop.tabletop is None else frame.front - 0.15 * frame.height
        bust = Sprite(concept.icon, 0, edge, longer, Station.BUST)
        return replace(bust, bottom=edge + max(0.02 * frame.height, min(0.045 * frame.height, _HIDDEN * bust.height)))
    if backdrop.tabletop is not None:
        return Sprite(concept.icon, 0, backdrop.tabletop - further, longer, Station.TABLE)
    if concept.size >= _LARGE:
        further += 0.03 * frame.height
    return Sprite(concept.icon, 0, frame.feet + 0.012 * frame.height - further, longer, Station.GROUND)


_ALONE = {1: ((0.5, 0.42),), 2: ((0.34, 0.44), (0.70, 0.34)), 3: ((0.52, 0.46), (0.20, 0.30), (0.80, 0.26))}
_ABOVE = {1: ((0.76, 0.22),), 2: ((0.78, 0.20), (0.22, 0.26))}
"""Middles of floating things by their number, as parts of width and height."""


def _aloft(things: Sequence[_Thing], view: View, *, alone: bool, lean: float) -> list[Sprite]:
    """Things that fly or float: by themselves in the middle, otherwise above the others."""
    if not things:
        return []
    frame, chance = view.frame, view.chance
    spots = (_ALONE if alone else _ABOVE)[len(things)]
    mirrored = chance.random() < 0.5 if alone else lean > 0
    hero = _hero(frame) * ((0.92, 0.8, 0.72)[len(things) - 1] if alone else 0.5)
    sprites: list[Sprite] = []
    for thing, (x, y) in zip(sorted(things, key=lambda thing: -thing.scale), spots, strict=True):
        longer = hero * (thing.scale if alone else max(thing.scale, 0.6))
        across = (1 - x if mirrored else x) + (0.13 * lean if alone and len(things) == 1 and not frame.tall else 0)
        down = y * (0.92 if frame.tall else 1.0) + chance.uniform(-0.02, 0.02)
        station = Station.FAR_AIR if thing.concept.size > _LARGE else Station.AIR
        sprite = Sprite(thing.concept.icon, across * frame.width, 0, longer, station)
        half = sprite.width / 2 + _MARGIN * frame.width
        middle = min(max(sprite.x, half), frame.width - half)
        bottom = max(down * frame.height + sprite.height / 2, sprite.height + 0.05 * frame.height)
        flipped = _looks_inward(thing, middle < frame.width / 2)
        sprites.append(replace(sprite, x=middle, bottom=bottom, flipped=flipped, tilt=chance.uniform(-5, 5)))
    return sprites


def _looks_inward(thing: _Thing, on_the_left: bool) -> bool:
    """Whether to mirror a thing so that it looks into the picture; icons look left."""
    return thing.concept.turns and on_the_left
