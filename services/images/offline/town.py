"""The town: rows of houses with lit windows, and a square before them."""

from services.images.offline import plants, svg
from services.images.offline.backdrop import BLEED, Backdrop, Layer, View, height_at, land, swell
from services.images.offline.palette import Colour, darker, lighter, mix
from services.images.offline.reading import Time
from services.images.offline.sky import sky

_ROWS = (0.15, 0.4, 0.7)
"""How near the three rows of buildings are."""


def city(view: View) -> Backdrop:
    """A skyline in three rows, a square with trees, a kerb."""
    frame, palette = view.frame, view.palette
    square = frame.feet - 0.09 * frame.height
    back = [*sky(view), *(Layer(_row(view, depth, square), depth) for depth in _ROWS)]
    back.append(Layer(_park(view, square) if view.chance.random() < 0.4 else _square(view, square), 0.85))
    crest = swell(view, frame.front, 0.003 * frame.height)
    return Backdrop(tuple(back), Layer(land(view, crest, palette.front, mist=0.0), 1))


def _square(view: View, y: float) -> str:
    """A paved square behind a row of trees."""
    pavement = mix(view.palette.near, view.palette.low, 0.42)
    floor = land(view, [(-BLEED, y), (view.frame.width + BLEED, y)], pavement, mist=0.0)
    return _trees(view, y) + floor + _kerbs(view, y, darker(pavement, 0.08))


def _park(view: View, y: float) -> str:
    """A lawn with trees, and a path through it."""
    frame = view.frame
    lawn = mix(view.palette.growth, view.palette.low, 0.25)
    crest = swell(view, y, 0.012 * frame.height, 1.1)
    foot, top = view.sun * frame.width, height_at(crest, frame.width / 2)
    half = 0.09 * frame.width
    outline = [
        (frame.width / 2 - 9, top),
        (frame.width / 2 + 9, top),
        (foot + half, frame.height),
        (foot - half, frame.height),
    ]
    path = svg.polygon(outline, mix(view.palette.low, lawn, 0.25), opacity=0.8)
    return _trees(view, y) + land(view, crest, lawn, mist=0.0) + path


def _row(view: View, depth: float, base: float) -> str:
    """One row of buildings, tallest far away."""
    frame, chance = view.frame, view.chance
    colour = view.palette.ground(depth)
    room = base - 0.12 * frame.height
    body, x = "", -30.0
    while x < frame.width + 30:
        width = chance.uniform(58, 118) * frame.unit * (0.7 + 0.5 * depth)
        height = room * chance.uniform(0.30, 0.86) * (1 - 0.62 * depth)
        shade = mix(colour, view.palette.far, chance.uniform(0, 0.22))
        body += _building(view, x, base, width, height, shade, depth)
        x += width + chance.choice((0, 0, 4, 12)) * frame.unit
    return body


def _building(view: View, x: float, base: float, width: float, height: float, colour: Colour, depth: float) -> str:
    chance, unit = view.chance, view.frame.unit
    top = base - height
    body = svg.rect(x, top, width, height + 60, colour)
    body += svg.rect(x + width * 0.72, top, width * 0.28, height + 60, darker(colour, 0.07))
    roof = chance.random()
    if roof < 0.22:
        body += svg.polygon(
            [(x, top + 1), (x + width / 2, top - 0.35 * width), (x + width, top + 1)], darker(colour, 0.06)
        )
    elif roof < 0.36:
        body += svg.rect(x + width * 0.46, top - 30 * unit, 3 * unit, 34 * unit, darker(colour, 0.1))
    elif roof < 0.6:
        body += svg.rect(x + width * 0.2, top - 12 * unit, width * 0.4, 16 * unit, darker(colour, 0.05))
    return body + (_windows(view, x, top, width, height, colour) if depth > _ROWS[0] else "")


def _windows(view: View, x: float, top: float, width: float, height: float, colour: Colour) -> str:
    chance, unit, palette = view.chance, view.frame.unit, view.palette
    lit_share = {Time.DAY: 0.0, Time.GOLDEN: 0.25, Time.DUSK: 0.45, Time.NIGHT: 0.55}[view.time]
    across, down = 9 * unit, 12 * unit
    dark, lit = darker(colour, 0.14), mix("#ffd98a", palette.light, 0.35)
    columns = max(1, int((width - 10 * unit) / (across * 1.9)))
    margin = (width - columns * across * 1.9 + across * 0.9) / 2
    body = ""
    for row in range(int((height - 14 * unit) / (down * 1.8))):
        for column in range(columns):
            glass = lit if chance.random() < lit_share else dark
            at = x + margin + column * across * 1.9
            body += svg.rect(at, top + 14 * unit + row * down * 1.8, across, down, glass, radius=unit)
    return body


def _trees(view: View, y: float) -> str:
    chance, frame = view.chance, view.frame
    colour = view.palette.growth
    body = ""
    for x in (0.03, 0.13, 0.24, 0.77, 0.88, 0.98):
        at = (x + chance.uniform(-0.03, 0.03)) * frame.width
        body += plants.leafy(
            at, y + 4, chance.uniform(88, 130) * frame.unit, lighter(colour, chance.random() * 0.1), chance
        )
    return body


def _kerbs(view: View, y: float, colour: Colour) -> str:
    """Joints of the paving, closer together the farther they are."""
    frame = view.frame
    depth = frame.height - y
    body = "".join(
        svg.rect(-BLEED, y + depth * part, frame.width + 2 * BLEED, 2.0, colour) for part in (0.06, 0.16, 0.32)
    )
    middle = frame.width / 2
    for step in range(-9, 10):
        near, far = middle + step * 0.16 * frame.width, middle + step * 0.075 * frame.width
        body += svg.line([(far, y), (near, frame.height)], colour, 2.0)
    return body
