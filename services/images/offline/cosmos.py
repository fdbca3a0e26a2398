"""Space: stars and nebulae over a dusty ground."""

from services.images.offline import svg
from services.images.offline.backdrop import Backdrop, Layer, View, crags, land, swell
from services.images.offline.palette import Colour, darker, lighter, mix
from services.images.offline.sky import stars

_SKIES = (("#070a24", "#1b1a52", "#4a2a75"), ("#050816", "#10264f", "#2a5590"), ("#0a0620", "#2c1650", "#7a3470"))
_CLOUDS = ("#7b4fd0", "#c04f9a", "#2f7fd0", "#35b0b0")


def space(view: View) -> Backdrop:
    """A sky without air, a planet in it, and the ground of a moon."""
    frame, palette, chance = view.frame, view.palette, view.chance
    top, middle, low = chance.choice(_SKIES)
    night = svg.downward("night", [(0, top, 1), (0.6, middle, 1), (1, low, 1)])
    body = f"<defs>{night}</defs>" + svg.rect(0, 0, frame.width, frame.height, "url(#night)")
    body += "".join(_nebula(view, name, chance.choice(_CLOUDS)) for name in ("a", "b", "c", "d"))
    body += stars(view, round(0.00026 * frame.width * frame.height), frame.height * 0.85)
    back = [Layer(body, 0)]
    if view.bare or view.peopled:  # what floats needs the sky for itself
        back.append(Layer(_planet(view), 0.1))
    for depth, part in ((0.4, 0.14), (0.8, 0.06)):
        crest = crags(view, frame.feet - part * frame.height, 0.03 * frame.height, 0.45)
        ground = mix(palette.far, palette.near, depth)
        back.append(
            Layer(land(view, crest, ground, mist=0.0) + _craters(view, frame.feet - 0.02 * frame.height, ground), depth)
        )
    crest = swell(view, frame.front, 0.008 * frame.height, 1.3)
    return Backdrop(tuple(back), Layer(land(view, crest, palette.front, mist=0.0), 1))


def _nebula(view: View, name: str, colour: Colour) -> str:
    frame, chance = view.frame, view.chance
    haze = svg.radial(name, [(0, colour, 0.42), (0.5, colour, 0.16), (1, colour, 0)])
    x, y = chance.uniform(0, frame.width), chance.uniform(0, frame.height * 0.6)
    across, down = chance.uniform(260, 560) * frame.unit, chance.uniform(120, 300) * frame.unit
    return f"<defs>{haze}</defs>" + svg.ellipse(x, y, across, down, f"url(#{name})")


def _planet(view: View) -> str:
    """A planet behind the horizon, half in its own shadow."""
    frame, chance = view.frame, view.chance
    colour = mix(view.palette.growth, "#ffffff", 0.05)
    x, y, size = view.sun * frame.width, 0.2 * frame.height, chance.uniform(56, 92) * frame.unit
    if view.bare:
        x, y, size = 0.5 * (view.sun * frame.width + frame.width / 2), 0.36 * frame.height, size * 2.1
    body = svg.circle(x, y, size * 1.12, lighter(colour, 0.3), opacity=0.18) + svg.circle(x, y, size, colour)
    clip = f'<defs><clipPath id="disc"><circle cx="{x:.1f}" cy="{y:.1f}" r="{size:.1f}"/></clipPath></defs>'
    bands = "".join(
        svg.ellipse(
            x, y + part * size, size * 1.1, size * chance.uniform(0.06, 0.16), lighter(colour, tone), opacity=0.6
        )
        for part, tone in ((-0.55, 0.2), (-0.1, 0.3), (0.3, 0.12), (0.62, 0.25))
    )
    dark = f"M{x:.1f},{y - size:.1f}a{size:.1f},{size:.1f} 0 0 1 0,{2 * size:.1f}"
    dark += f"a{size * 1.4:.1f},{size * 1.4:.1f} 0 0 0 0,{-2 * size:.1f}Z"
    shade = f'<path d="{dark}" fill="#050816" opacity="0.45"/>'
    return body + clip + f'<g clip-path="url(#disc)">{bands}{shade}</g>'


def _craters(view: View, top: float, ground: Colour) -> str:
    frame, chance = view.frame, view.chance
    body = ""
    for _ in range(9):
        x, y = chance.uniform(0, frame.width), top + chance.uniform(0, 0.07) * frame.height
        across = chance.uniform(12, 46) * frame.unit
        body += svg.ellipse(x, y, across, across * 0.24, darker(ground, 0.16))
        body += svg.ellipse(x, y + across * 0.07, across * 0.9, across * 0.17, lighter(ground, 0.08))
    return body
