"""Water: the sea from its shore, and from below."""

from services.images.offline import plants, svg
from services.images.offline.backdrop import BLEED, Backdrop, Layer, View, crags, height_at, land, swell
from services.images.offline.palette import WHITE, lighter, mix
from services.images.offline.sky import sky


def sea(view: View) -> Backdrop:
    """Bands of water to the horizon, with the light on them, and a shore in front."""
    frame, palette = view.frame, view.palette
    shore = frame.feet - (0.08 if view.peopled else -0.02) * frame.height
    waterline = view.horizon + (shore - view.horizon) * 0.62
    back = [*sky(view)]
    if view.chance.random() < 0.7:
        back.append(_far_coast(view))
    for depth in (0.15, 0.4):
        y = view.horizon + (waterline - view.horizon) * (depth - 0.15) * 1.9
        back.append(Layer(_band(view, y, depth), depth))
    back.append(Layer(_glitter(view, view.horizon, waterline), 0.42))
    surf = Layer(_band(view, waterline, 0.62) + _band(view, (waterline + shore) / 2, 0.8), 0.65)
    sand = mix(palette.front, WHITE, 0.18)
    beach = swell(view, shore, 0.008 * frame.height, 0.8)
    foam = svg.line([(x, y - 3) for x, y in beach], WHITE, 9 * frame.unit, opacity=0.6)
    stage = Layer(foam + land(view, beach, sand, mist=0.0) + _pebbles(view, shore), 0.9)
    dune = swell(view, frame.front, 0.012 * frame.height, 0.9)
    tufts = "".join(
        plants.grass(
            x * frame.width, height_at(dune, x * frame.width) + 3, size * frame.unit, palette.growth, view.chance
        )
        for x, size in ((0.02, 74), (0.07, 52), (0.12, 34), (0.9, 40), (0.95, 66), (0.99, 80))
    )
    front = land(view, dune, mix(palette.front, palette.near, 0.22), mist=0.0, growth=tufts)
    return Backdrop(tuple(back), Layer(front, 1), surf=surf, stage=stage, waterline=waterline)


def _far_coast(view: View) -> Layer:
    """A headland that runs out to one side."""
    frame, palette = view.frame, view.palette
    crest = crags(view, 0, 0.07 * frame.height)
    left = view.sun > 0.5
    lifted = [
        (
            x,
            view.horizon
            + 4
            - max(0.0, 0.11 * frame.height + y * 0.5)
            * max(0.0, 1 - 2.0 * (x if left else frame.width - x) / frame.width),
        )
        for x, y in crest
    ]
    return Layer(land(view, lifted, mix(palette.far, palette.middle, 0.45), mist=0.3), 0.12)


def _band(view: View, y: float, depth: float) -> str:
    """A band of water with small waves on its crest."""
    frame = view.frame
    colour = mix(mix(view.palette.far, view.palette.low, 0.18), view.palette.near, depth)
    height = 0.003 + 0.006 * depth
    crest = (
        swell(view, y, height * frame.height, 6 - 3 * depth) if depth > 0.2 else [(-BLEED, y), (frame.width + BLEED, y)]
    )
    foam = svg.line(crest, lighter(colour, 0.4), (1.5 + 2 * depth) * frame.unit, opacity=0.55)
    return land(view, crest, colour, mist=0.0) + foam


def _glitter(view: View, top: float, bottom: float) -> str:
    """The sun's path on the water."""
    frame, chance = view.frame, view.chance
    body = ""
    for _ in range(60):
        part = chance.random()
        y = top + (bottom - top) * part
        x = view.sun * frame.width + chance.gauss(0, 1) * (24 + 90 * part) * frame.unit
        half = chance.uniform(6, 26) * frame.unit * (0.4 + part)
        body += svg.ellipse(x, y, half, half * 0.09 + 0.6, view.palette.light, opacity=chance.uniform(0.25, 0.8))
    return body


def _pebbles(view: View, y: float) -> str:
    frame, chance = view.frame, view.chance
    body = ""
    for _ in range(22):
        size = chance.uniform(2, 6) * frame.unit
        x, down = chance.uniform(0, frame.width), chance.uniform(0.02, 0.07) * frame.height
        body += svg.ellipse(
            x, y + down, size, size * 0.55, mix(view.palette.front, "#5a4a40", chance.uniform(0.1, 0.4))
        )
    return body


def underwater(view: View) -> Backdrop:
    """Rays of light from above, rocks and corals below, bubbles between."""
    frame, palette, chance = view.frame, view.palette, view.chance
    deep = svg.downward("deep", [(0, lighter(palette.far, 0.45), 1), (0.4, palette.far, 1), (1, palette.near, 1)])
    ray = svg.downward("ray", [(0, WHITE, 0.30), (1, WHITE, 0)])
    body = f"<defs>{deep}{ray}</defs>" + svg.rect(0, 0, frame.width, frame.height, "url(#deep)")
    for _ in range(8):
        slant, half = chance.uniform(-0.5, 0.5), chance.uniform(14, 60) * frame.unit
        x, foot = (view.sun + slant * 0.4) * frame.width, (view.sun + slant * 1.5) * frame.width
        outline = [(x - half * 0.3, -20), (x + half * 0.3, -20)]
        outline += [(foot + half * 2, frame.height * 0.85), (foot - half * 2, frame.height * 0.85)]
        body += svg.polygon(outline, "url(#ray)", opacity=0.6)
    back = [Layer(body, 0)]
    for depth, part in ((0.25, 0.52), (0.55, 0.70), (0.85, 1.0)):
        back.append(Layer(_reef(view, depth, frame.feet * part), depth))
    front = swell(view, frame.front, 0.014 * frame.height, 1.1)
    weeds = "".join(
        plants.kelp(
            x * frame.width,
            frame.front + 20,
            chance.uniform(190, 330) * frame.unit,
            lighter(palette.front, 0.05),
            chance,
        )
        for x in (0.02, 0.07, 0.93, 0.985)
    )
    bubbles = "".join(
        f'<circle cx="{chance.uniform(0, frame.width):.0f}" cy="{chance.uniform(0, frame.feet):.0f}" '
        f'r="{chance.uniform(2, 8) * frame.unit:.1f}" '
        f'fill="{WHITE}" fill-opacity="0.12" stroke="{WHITE}" stroke-opacity="0.5"/>'
        for _ in range(30)
    )
    return Backdrop(tuple(back), Layer(bubbles + land(view, front, palette.front, mist=0.0, growth=weeds), 1))


def _reef(view: View, depth: float, y: float) -> str:
    """A ridge of rock with corals, paler the farther it is."""
    frame, chance, palette = view.frame, view.chance, view.palette
    rock = mix(palette.far, palette.near, 0.25 + 0.75 * depth)
    crest = swell(view, y, 0.035 * frame.height * (1.3 - depth), 1.6)
    growth = ""
    for _ in range(9):
        x = chance.uniform(0, frame.width)
        bright = mix(chance.choice((palette.growth, "#ffd07a", "#f28ab0", "#b99af0")), rock, 0.72 - 0.45 * depth)
        size = chance.uniform(15, 28) * frame.unit * (0.6 + 0.6 * depth)
        growth += plants.coral(x, height_at(crest, x) + 8, size, bright, chance)
    return land(view, crest, rock, mist=0.0, growth=growth)
