"""Skies: their light, sun or moon, stars, clouds and far birds."""

from services.images.offline import svg
from services.images.offline.backdrop import Layer, View
from services.images.offline.palette import WHITE, Colour, mix
from services.images.offline.reading import Time


def sky(view: View) -> tuple[Layer, ...]:
    """The sky of the time of day, from its gradient to its clouds."""
    frame, palette = view.frame, view.palette
    gradient = svg.downward(
        "sky", [(0, palette.top, 1), (0.5, palette.middle, 1), (0.92, palette.low, 1), (1, palette.low, 1)]
    )
    body = f"<defs>{gradient}</defs>" + svg.rect(0, 0, frame.width, view.horizon * 1.12, "url(#sky)")
    body += svg.rect(0, view.horizon * 1.1, frame.width, frame.height, palette.low)
    if view.time is Time.NIGHT:
        body += stars(view, round(150 * frame.height / 1000), view.horizon)
    body += _moon(view) if view.time is Time.NIGHT else _sun(view)
    return Layer(body, 0), Layer(_clouds(view) + _birds(view), 0.06)


def stars(view: View, count: int, down_to: float) -> str:
    """Stars, most of them small."""
    chance, unit = view.chance, view.frame.unit
    return "".join(
        svg.circle(
            chance.uniform(0, view.frame.width),
            chance.uniform(0, down_to),
            (0.5 + abs(chance.gauss(0, 0.9))) * unit,
            WHITE,
            opacity=chance.uniform(0.35, 1),
        )
        for _ in range(count)
    )


def glow(x: float, y: float, radius: float, colour: Colour, strength: float = 1.0) -> str:
    """Light that fades outward."""
    gradient = svg.radial("glow", [(0, colour, strength), (0.3, colour, 0.5 * strength), (1, colour, 0)])
    return f"<defs>{gradient}</defs>" + svg.circle(x, y, radius, "url(#glow)")


def _sun(view: View) -> str:
    unit, palette = view.frame.unit, view.palette
    low = view.time is not Time.DAY
    x, y = view.sun * view.frame.width, view.horizon * (view.chance.uniform(0.62, 0.82) if low else 0.38)
    size = (66 if low else 50) * unit
    return glow(x, y, size * 6, palette.light) + svg.circle(x, y, size, mix(palette.light, WHITE, 0.35))


def _moon(view: View) -> str:
    unit, palette = view.frame.unit, view.palette
    x, y, size = view.sun * view.frame.width, view.horizon * 0.36, 62 * unit
    craters = "".join(
        svg.circle(x + dx * size, y + dy * size, r * size, mix(palette.light, palette.middle, 0.22))
        for dx, dy, r in ((-0.3, -0.25, 0.2), (0.28, 0.1, 0.27), (-0.2, 0.42, 0.14), (0.15, -0.5, 0.1))
    )
    return glow(x, y, size * 5, palette.light, 0.7) + svg.circle(x, y, size, palette.light) + craters


def _clouds(view: View) -> str:
    chance, frame, unit = view.chance, view.frame, view.frame.unit
    colour = mix(
        WHITE, view.palette.middle, {Time.DAY: 0.1, Time.GOLDEN: 0.22, Time.DUSK: 0.5, Time.NIGHT: 0.84}[view.time]
    )
    body = ""
    for _ in range(chance.randint(2, 4)):
        x, y = chance.uniform(0, frame.width), chance.uniform(0.08, 0.62) * view.horizon
        size = chance.uniform(34, 74) * unit * (0.5 + 0.7 * (1 - y / view.horizon))
        puffs = [(-1.5, 0, 0.5), (-0.8, -0.32, 0.75), (0.1, -0.55, 1.0), (0.95, -0.25, 0.72), (1.65, 0, 0.46)]
        shape = "".join(
            svg.circle(x + dx * size, y + dy * size, r * size * chance.uniform(0.85, 1.1), colour)
            for dx, dy, r in puffs
        )
        shape += svg.rect(x - 1.75 * size, y - 0.3 * size, 3.6 * size, 0.68 * size, colour, radius=0.34 * size)
        body += shape
    return body


def _birds(view: View) -> str:
    chance, frame, unit = view.chance, view.frame, view.frame.unit
    if view.time is Time.NIGHT or chance.random() < 0.4:
        return ""
    x, y = (1 - view.sun) * frame.width + chance.uniform(-80, 80) * unit, view.horizon * chance.uniform(0.25, 0.5)
    colour = mix(view.palette.top, view.palette.front, 0.6)
    body = ""
    for _ in range(chance.randint(3, 6)):
        span = chance.uniform(7, 13) * unit
        at, height = x + chance.gauss(0, 70) * unit, y + chance.gauss(0, 26) * unit
        left, right = (at - span, height - span * 0.35), (at + span, height - span * 0.35)
        body += svg.line([left, (at - span * 0.45, height - span * 0.5), (at, height)], colour, 2 * unit, opacity=0.7)
        body += svg.line([(at, height), (at + span * 0.45, height - span * 0.5), right], colour, 2 * unit, opacity=0.7)
    return body
