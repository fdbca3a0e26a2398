"""Open country: hills, forest, savannah, snow and desert."""

from collections.abc import Sequence

from services.images.offline import plants, svg
from services.images.offline.backdrop import Backdrop, Layer, View, crags, height_at, land, swell
from services.images.offline.palette import Colour, darker, lighter, mix
from services.images.offline.sky import sky
from services.images.offline.svg import Point

_DEPTHS = (0.25, 0.5, 0.8)
"""How near the three rows of hills are; on the last of them things stand."""


def hills(view: View) -> Backdrop:
    """Rolling green country under far mountains."""
    back = [*sky(view)]
    if view.chance.random() < 0.65:
        back.append(_mountains(view, 0.16, snow=view.chance.random() < 0.6))
    crests = _crests(view, 0.045)
    for depth, crest in zip(_DEPTHS, crests, strict=True):
        colour = view.palette.ground(depth)
        growth = _scattered(view, crest, depth, 9, kinds=("leafy", "leafy", "pine"))
        body = land(view, crest, colour, growth=growth)
        if depth == _DEPTHS[-1]:
            body += _path(view, crest, mix(colour, view.palette.low, 0.55)) if view.chance.random() < 0.5 else ""
            body += _lone_tree(view, crest) if not view.peopled else ""
        back.append(Layer(body, depth))
    return Backdrop(tuple(back), _meadow(view))


def forest(view: View) -> Backdrop:
    """Rows of trees that fade into the light between them."""
    back = [*sky(view)]
    kind = view.chance.choice((("pine",), ("leafy",), ("leafy", "pine")))
    for depth, crest in zip(_DEPTHS, _crests(view, 0.03), strict=True):
        middle_free = view.peopled and depth == _DEPTHS[-1]
        growth = _scattered(view, crest, depth, 22, kinds=kind, size=1.6, middle_free=middle_free)
        back.append(Layer(land(view, crest, view.palette.ground(depth), mist=0.4, growth=growth), depth))
    return Backdrop(tuple(back), _meadow(view, ferns=True))


def savannah(view: View) -> Backdrop:
    """Dry grass, flat-topped trees, a far table of mountains."""
    back = [*sky(view), _mountains(view, 0.08, snow=False)]
    for depth, crest in zip(_DEPTHS, _crests(view, 0.014), strict=True):
        growth = _scattered(view, crest, depth, 4, kinds=("acacia",), size=1.9, middle_free=depth > 0.6)
        back.append(Layer(land(view, crest, view.palette.ground(depth), growth=growth), depth))
    return Backdrop(tuple(back), _meadow(view))


def snow(view: View) -> Backdrop:
    """White slopes under high peaks."""
    back = [*sky(view), _mountains(view, 0.24, snow=True)]
    for depth, crest in zip(_DEPTHS, _crests(view, 0.04), strict=True):
        count = 12 if depth < _DEPTHS[-1] else 5
        growth = _scattered(view, crest, depth, count, kinds=("pine",), middle_free=depth > 0.6)
        back.append(Layer(land(view, crest, view.palette.ground(depth), mist=0.12, growth=growth), depth))
    flakes = "".join(
        svg.circle(
            view.chance.uniform(0, view.frame.width),
            view.chance.uniform(0, view.frame.height * 0.85),
            view.chance.uniform(1.2, 3.6) * view.frame.unit,
            "#ffffff",
            opacity=view.chance.uniform(0.4, 0.9),
        )
        for _ in range(70)
    )
    front = _foreground(view, 0.012)
    return Backdrop(tuple(back), Layer(front + flakes, 1))


def desert(view: View) -> Backdrop:
    """Dunes with a lit and a shaded side."""
    back = [*sky(view)]
    if view.chance.random() < 0.5:
        back.append(_mountains(view, 0.07, snow=False))
    for depth, crest in zip(_DEPTHS, _crests(view, 0.05, waves=1.2), strict=True):
        colour = view.palette.ground(depth)
        body = land(view, crest, colour, mist=0.1) + _dune_shades(view, crest, darker(colour, 0.13))
        if depth == _DEPTHS[1]:
            body = _scattered(view, crest, depth, 3, kinds=("cactus",), size=0.8) + body
        back.append(Layer(body, depth))
    return Backdrop(tuple(back), Layer(_foreground(view, 0.014), 1))


def _crests(view: View, amplitude: float, waves: float = 1.6) -> list[list[Point]]:
    """Three crests between the horizon and where things stand."""
    frame = view.frame
    near = frame.feet - 0.10 * frame.height
    heights = [view.horizon, view.horizon + (near - view.horizon) * 0.5, near]
    return [
        swell(view, y, amplitude * frame.height * (1 - 0.6 * depth), waves * (1.3 - 0.5 * depth))
        for y, depth in zip(heights, _DEPTHS, strict=True)
    ]


def _mountains(view: View, part: float, *, snow: bool) -> Layer:
    """A range behind the hills; `part` is its height as a part of the picture's."""
    frame, palette = view.frame, view.palette
    rise = part * frame.height
    crest = crags(view, view.horizon - 0.55 * rise, rise, 0.55)
    colour = mix(palette.far, palette.middle, 0.5)
    body = land(view, crest, colour, mist=0.75)
    if snow:
        cap = mix("#ffffff", palette.middle, 0.18)
        peaks = [crest[i] for i in range(2, len(crest) - 2) if crest[i][1] < min(crest[i - 1][1], crest[i + 1][1])]
        for x, y in sorted(peaks, key=lambda peak: peak[1])[:7]:
            body += _snowcap(crest, x, y, rise, cap)
    return Layer(body, 0.12)


def _snowcap(crest: Sequence[Point], x: float, y: float, rise: float, colour: Colour) -> str:
    depth = 0.34 * rise
    ridge = [point for point in crest if abs(point[0] - x) < 2.2 * depth and point[1] < y + depth]
    if len(ridge) < 2:
        return ""
    left, right = ridge[0], ridge[-1]
    span = right[0] - left[0]
    hem = [(right[0] - span * k / 6, y + depth * (0.75 + 0.35 * (k % 2))) for k in range(1, 6)]
    return svg.polygon([*ridge, *hem], colour, opacity=0.9)


def _scattered(
    view: View,
    crest: Sequence[Point],
    depth: float,
    count: int,
    *,
    kinds: tuple[str, ...],
    size: float = 1.0,
    middle_free: bool = False,
) -> str:
    """Plants along a crest; `middle_free` keeps them to the sides, where nothing stands before them."""
    chance, frame = view.chance, view.frame
    body = ""
    for x in sorted(chance.uniform(-20, frame.width + 20) for _ in range(count)):
        aside = abs(x / frame.width - 0.5) > 0.34
        height = chance.uniform(40, 76) * frame.unit * size * (0.45 + depth)
        kind = chance.choice(kinds)
        colour = mix(view.palette.growing(depth), view.palette.ground(depth), chance.uniform(0, 0.25))
        if middle_free and not aside:
            continue
        y = height_at(crest, x) + 0.06 * height
        if kind == "pine":
            body += plants.pine(x, y, height * 1.25, colour)
        elif kind == "leafy":
            body += plants.leafy(x, y, height, colour, chance)
        elif kind == "acacia":
            body += plants.acacia(x, y, height, colour)
        else:
            body += plants.cactus(x, y, height, colour)
    return body


def _lone_tree(view: View, crest: Sequence[Point]) -> str:
    """A tree on the third away from the sun, for a landscape that stands for itself."""
    x = (1 - view.sun) * view.frame.width
    height = 0.30 * view.frame.height if view.frame.wide else 0.2 * view.frame.height
    y = height_at(crest, x) + 0.12 * height
    shadow = svg.ellipse(x, y, 0.3 * height, 0.03 * height, "#000000", opacity=0.18)
    return shadow + plants.leafy(x, y, height, mix(view.palette.growth, view.palette.front, 0.3), view.chance)


def _path(view: View, crest: Sequence[Point], colour: Colour) -> str:
    """A path that winds from the foreground over the crest."""
    frame, chance = view.frame, view.chance
    start, end = chance.uniform(0.25, 0.75) * frame.width, chance.uniform(0.3, 0.7) * frame.width
    top, bottom = height_at(crest, end), float(frame.height)
    left: list[Point] = []
    right: list[Point] = []
    for step in range(17):
        part = step / 16
        x = start + (end - start) * part + 0.10 * frame.width * (1 - part) * (part * 4 % 2 - 1) * part
        half = 70 * frame.unit * (1 - part) ** 1.5 + 3 * frame.unit
        y = bottom + (top - bottom) * part**0.7
        left.append((x - half, y))
        right.append((x + half, y))
    return svg.polygon([*left, *reversed(right)], colour, opacity=0.75)


def _dune_shades(view: View, crest: Sequence[Point], colour: Colour) -> str:
    """The shaded side of each dune: from every top a wedge away from the sun."""
    side = 1 if view.sun < 0.5 else -1
    reach = 0.22 * view.frame.width
    tops = [crest[i] for i in range(1, len(crest) - 1) if crest[i][1] < min(crest[i - 1][1], crest[i + 1][1])]
    body = ""
    for x, y in tops:
        slope = [point for point in crest if 0 <= (point[0] - x) * side <= reach]
        slope.sort(key=lambda point: (point[0] - x) * side)
        if len(slope) < 3:
            continue
        end = slope[-1]
        body += svg.polygon(
            [*slope, (end[0], end[1] + 6), (x + side * reach * 0.35, y + 0.12 * view.frame.height)], colour
        )
    return body


def _foreground(view: View, amplitude: float) -> str:
    crest = swell(view, view.frame.front, amplitude * view.frame.height, 1.1)
    return land(view, crest, view.palette.front, mist=0.0)


def _meadow(view: View, *, ferns: bool = False) -> Layer:
    """A dark foreground, calm in the middle, with growth in its corners."""
    frame, chance = view.frame, view.chance
    crest = swell(view, frame.front, 0.010 * frame.height, 1.2)
    colour = view.palette.front
    growth = ""
    for _ in range(26):
        x = chance.betavariate(0.45, 0.45) * frame.width
        aside = abs(x / frame.width - 0.5) * 2
        height = (14 + 46 * aside**2.5) * frame.unit * chance.uniform(0.7, 1.2)
        shade = mix(colour, view.palette.near, chance.uniform(0.02, 0.22))
        growth += plants.grass(x, height_at(crest, x) + 3, height, shade, chance)
    if ferns:
        for side, x in ((1, 0.03), (1, 0.1), (-1, 0.9), (-1, 0.97)):
            height = chance.uniform(90, 150) * frame.unit
            growth += plants.fern(x * frame.width, frame.front + 12, height, lighter(colour, 0.06), side)
    return Layer(land(view, crest, colour, mist=0.0, growth=growth), 1)
