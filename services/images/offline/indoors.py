"""Indoors: a table by the window, a room, a theatre."""

from services.images.offline import svg
from services.images.offline.backdrop import BLEED, Backdrop, Layer, View, land
from services.images.offline.palette import Colour, darker, lighter, mix
from services.images.offline.reading import Time
from services.images.offline.sky import glow, stars


def table(view: View) -> Backdrop:
    """A table before a wall with a window and a lamp; the table is the foreground."""
    frame, palette = view.frame, view.palette
    edge = frame.front - 0.15 * frame.height
    wall = _wall(view, palette.far)
    window = _window(view, 0.36 if view.sun < 0.5 else 0.64)
    lamp = _lamp(view, 1 - view.sun) + _shelf(view, 0.80 if view.sun < 0.5 else 0.20)
    wood = palette.near
    top = land(view, [(-BLEED, edge), (frame.width + BLEED, edge)], wood, mist=0.0) + _grain(
        view, edge, darker(wood, 0.10)
    )
    light = svg.ellipse(
        view.sun * frame.width,
        edge + 0.09 * frame.height,
        0.3 * frame.width,
        0.05 * frame.height,
        palette.light,
        opacity=0.16,
    )
    front = svg.rect(-BLEED, edge - 3, frame.width + 2 * BLEED, 9 * frame.unit, lighter(wood, 0.16))
    body = (
        top
        + light
        + front
        + svg.rect(-BLEED, frame.front + 0.03 * frame.height, frame.width + 2 * BLEED, frame.height, darker(wood, 0.28))
    )
    return Backdrop((Layer(wall, 0), Layer(window, 0.2), Layer(lamp, 0.35)), Layer(body, 1), tabletop=frame.feet)


def room(view: View) -> Backdrop:
    """A room with a window, a picture, a wooden floor and a rug."""
    frame, palette = view.frame, view.palette
    floor = frame.feet - 0.13 * frame.height
    picture = _picture(view, 0.72 if view.sun < 0.5 else 0.28, floor)
    boards = land(view, [(-BLEED, floor), (frame.width + BLEED, floor)], palette.near, mist=0.0)
    boards += _boards(view, floor, darker(palette.near, 0.09))
    skirting = svg.rect(
        -BLEED, floor - 16 * frame.unit, frame.width + 2 * BLEED, 18 * frame.unit, lighter(palette.far, 0.4)
    )
    rug = svg.ellipse(frame.width / 2, frame.feet, 0.42 * frame.width, 0.075 * frame.height, palette.growth)
    rug += svg.ellipse(
        frame.width / 2, frame.feet, 0.38 * frame.width, 0.062 * frame.height, lighter(palette.growth, 0.18)
    )
    rug += svg.ellipse(frame.width / 2, frame.feet, 0.35 * frame.width, 0.054 * frame.height, palette.growth)
    back = (
        Layer(_wall(view, palette.far), 0),
        Layer(_window(view, 0.3 if view.sun < 0.5 else 0.7), 0.2),
        Layer(picture + skirting + boards + rug, 0.5),
    )
    front = svg.rect(-BLEED, frame.front + 0.05 * frame.height, frame.width + 2 * BLEED, frame.height, palette.front)
    return Backdrop(back, Layer(front, 1))


def theatre(view: View) -> Backdrop:
    """A stage between red curtains, in the light of a lamp."""
    frame, palette = view.frame, view.palette
    floor = frame.feet - 0.11 * frame.height
    dark = svg.downward("dark", [(0, darker(palette.far, 0.35), 1), (1, palette.far, 1)])
    back = f"<defs>{dark}</defs>" + svg.rect(0, 0, frame.width, frame.height, "url(#dark)")
    middle = frame.width / 2
    beam = svg.downward("beam", [(0, "#fff2cc", 0.5), (1, "#fff2cc", 0.04)])
    cone = [
        (middle - 30, -10),
        (middle + 30, -10),
        (middle + 0.34 * frame.width, floor),
        (middle - 0.34 * frame.width, floor),
    ]
    back += f"<defs>{beam}</defs>" + svg.polygon(cone, "url(#beam)")
    boards = land(view, [(-BLEED, floor), (frame.width + BLEED, floor)], palette.near, mist=0.0)
    boards += _boards(view, floor, darker(palette.near, 0.12))
    boards += svg.ellipse(middle, frame.feet, 0.36 * frame.width, 0.07 * frame.height, "#fff2cc", opacity=0.35)
    front = svg.rect(-BLEED, frame.front + 0.02 * frame.height, frame.width + 2 * BLEED, frame.height, palette.front)
    layers = (Layer(back, 0), Layer(boards, 0.5), Layer(_curtains(view), 0.7))
    return Backdrop(layers, Layer(front, 1))


def _curtains(view: View) -> str:
    """Folds on both sides and a valance above."""
    frame, colour = view.frame, view.palette.growth
    fold = 0.034 * frame.width
    body = ""
    for side in (0, 1):
        for step in range(4):
            x = step * fold - 6 if side == 0 else frame.width - (step + 1) * fold + 6
            body += svg.rect(
                x, -20, fold + 2, frame.front + 20, darker(colour, 0.24 if step % 2 else 0.04), radius=fold / 3
            )
    scallops = 9
    span = frame.width / scallops
    for step in range(scallops):
        shade = darker(colour, 0.14 if step % 2 else 0.0)
        body += svg.ellipse((step + 0.5) * span, 0, span * 0.56, 0.10 * frame.height, shade)
    return body


def _wall(view: View, colour: Colour) -> str:
    """Papered wall, lighter toward the window."""
    frame = view.frame
    paper = svg.downward("wall", [(0, lighter(colour, 0.22), 1), (1, darker(colour, 0.06), 1)])
    body = f"<defs>{paper}</defs>" + svg.rect(0, 0, frame.width, frame.height, "url(#wall)")
    stripe = 44 * frame.unit
    body += "".join(
        svg.rect(step * 2 * stripe, 0, stripe, frame.height, "#ffffff", opacity=0.07)
        for step in range(int(frame.width / stripe / 2) + 1)
    )
    return body + glow(view.sun * frame.width, 0.3 * frame.height, 0.55 * frame.height, view.palette.light, 0.5)


def _window(view: View, at: float) -> str:
    """A window on the sky of the hour."""
    frame, palette = view.frame, view.palette
    width, height = 0.34 * min(frame.width, frame.height * 1.1), 0.40 * min(frame.height, frame.width * 1.1)
    x, y = at * frame.width - width / 2, 0.09 * frame.height
    sky = svg.downward("pane", [(0, palette.top, 1), (0.6, palette.middle, 1), (1, palette.low, 1)])
    clip = f'<clipPath id="hole"><rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/></clipPath>'
    outside = svg.rect(x, y, width, height, "url(#pane)")
    if view.time is Time.NIGHT:
        outside += stars(view, 60, y + height)
    outside += svg.circle(x + width * 0.66, y + height * 0.4, 30 * frame.unit, palette.light)
    hill = mix("#5f9a78", palette.tint, palette.strength)
    outside += svg.ellipse(x + width * 0.2, y + height * 1.05, width * 0.7, height * 0.26, lighter(hill, 0.25))
    outside += svg.ellipse(x + width * 0.85, y + height * 1.1, width * 0.6, height * 0.28, hill)
    trim, bar = lighter(palette.far, 0.62), 9 * frame.unit
    sill = svg.rect(x - 3 * bar, y + height, width + 6 * bar, 2 * bar, trim, radius=3)
    border = svg.rect(x - 1.6 * bar, y - 1.6 * bar, width + 3.2 * bar, height + 3.2 * bar, trim, radius=6)
    cross = svg.rect(x + width / 2 - bar / 2, y, bar, height, trim) + svg.rect(
        x, y + height / 2 - bar / 2, width, bar, trim
    )
    return f'<defs>{sky}{clip}</defs>{border}<g clip-path="url(#hole)">{outside}</g>{cross}{sill}'


def _lamp(view: View, at: float) -> str:
    """A hanging lamp in its light."""
    frame, palette = view.frame, view.palette
    x, y, half = at * frame.width, 0.13 * frame.height, 52 * frame.unit
    body = glow(x, y + half * 0.6, half * 5.5, "#ffe6ac", 0.55 if view.time in {Time.NIGHT, Time.DUSK} else 0.28)
    body += svg.line([(x, -10), (x, y - half * 0.5)], darker(palette.growth, 0.2), 4 * frame.unit)
    shade = [
        (x - half, y + half * 0.45),
        (x - half * 0.45, y - half * 0.5),
        (x + half * 0.45, y - half * 0.5),
        (x + half, y + half * 0.45),
    ]
    return (
        body + svg.ellipse(x, y + half * 0.5, half * 0.3, half * 0.24, "#fff3cf") + svg.polygon(shade, palette.growth)
    )


def _shelf(view: View, at: float) -> str:
    """A shelf with books and jars."""
    frame, palette, chance = view.frame, view.palette, view.chance
    half, y = 0.15 * frame.width, 0.40 * frame.height
    left = at * frame.width - half
    body, x = "", left + 12 * frame.unit
    colours = (palette.growth, lighter(palette.near, 0.25), mix(palette.growth, palette.far, 0.5), palette.middle)
    while x < left + 2 * half - 34 * frame.unit:
        colour = mix(chance.choice(colours), palette.far, 0.25)
        if chance.random() < 0.2:
            size = chance.uniform(15, 21) * frame.unit
            body += svg.circle(x + size, y - size * 0.9, size, colour)
            body += svg.rect(x + size * 0.55, y - size * 2.3, size * 0.9, size * 0.6, darker(colour, 0.12), radius=2)
            x += 2 * size + 8 * frame.unit
        else:
            width, height = chance.uniform(11, 20) * frame.unit, chance.uniform(44, 74) * frame.unit
            body += svg.rect(x, y - height, width, height, colour, radius=2)
            body += svg.rect(x, y - height * 0.82, width, 4 * frame.unit, lighter(colour, 0.3))
            x += width + chance.choice((0, 0, 0, 22)) * frame.unit
    return body + svg.rect(left, y, 2 * half, 11 * frame.unit, darker(palette.near, 0.12), radius=3)


def _picture(view: View, at: float, floor: float) -> str:
    """A small landscape in a frame on the wall."""
    frame, palette = view.frame, view.palette
    width, height = 150 * frame.unit, 112 * frame.unit
    x, y = at * frame.width - width / 2, floor * 0.28
    rim = 9 * frame.unit
    body = svg.rect(x - rim, y - rim, width + 2 * rim, height + 2 * rim, darker(palette.near, 0.1), radius=4)
    body += svg.rect(x, y, width, height, palette.middle)
    body += svg.circle(x + width * 0.7, y + height * 0.32, height * 0.13, palette.light)
    slopes = [
        (x, y + height),
        (x + width * 0.32, y + height * 0.4),
        (x + width * 0.55, y + height * 0.72),
        (x + width * 0.72, y + height * 0.5),
        (x + width, y + height),
    ]
    return body + svg.polygon(slopes, palette.growth)


def _grain(view: View, top: float, colour: Colour) -> str:
    """The grain of a table top."""
    frame, chance = view.frame, view.chance
    body = ""
    for part in (0.10, 0.24, 0.42, 0.64):
        y = top + (frame.height - top) * part
        bend = chance.uniform(-7, 7) * frame.unit
        body += svg.line(
            [(-BLEED, y), (frame.width * 0.35, y + bend), (frame.width * 0.7, y - bend), (frame.width + BLEED, y)],
            colour,
            3 * frame.unit,
            opacity=0.7,
        )
    return body


def _boards(view: View, top: float, colour: Colour) -> str:
    """Floor boards that run away from the eye."""
    frame = view.frame
    middle = frame.width / 2
    return "".join(
        svg.line(
            [(middle + step * 0.07 * frame.width, top), (middle + step * 0.17 * frame.width, frame.height)],
            colour,
            2.5 * frame.unit,
        )
        for step in range(-10, 11)
    )
