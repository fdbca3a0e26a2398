"""What grows in a landscape, as paper shapes."""

from random import Random

from services.images.offline import svg
from services.images.offline.palette import Colour, darker, lighter


def pine(x: float, y: float, height: float, colour: Colour) -> str:
    """A conifer that stands on (x, y)."""
    body = svg.rect(x - height * 0.03, y - height * 0.16, height * 0.06, height * 0.18, darker(colour, 0.3))
    for step in range(3):
        half, base = height * (0.25 - 0.06 * step), y - height * (0.12 + 0.26 * step)
        body += svg.polygon(
            [(x - half, base), (x, base - height * 0.4), (x + half, base)], lighter(colour, 0.05 * step)
        )
    return body


def leafy(x: float, y: float, height: float, colour: Colour, chance: Random) -> str:
    """A broad-leaved tree that stands on (x, y)."""
    body = svg.rect(x - height * 0.03, y - height * 0.45, height * 0.06, height * 0.47, darker(colour, 0.35))
    for _ in range(6):
        dx, dy = chance.uniform(-0.2, 0.2), chance.uniform(0.5, 0.82)
        body += svg.circle(x + dx * height, y - dy * height, chance.uniform(0.13, 0.21) * height, colour)
    return body + svg.circle(x - 0.06 * height, y - 0.76 * height, 0.15 * height, lighter(colour, 0.1))


def acacia(x: float, y: float, height: float, colour: Colour) -> str:
    """A flat-topped tree of the savannah that stands on (x, y)."""
    trunk = darker(colour, 0.4)
    body = svg.line([(x, y), (x, y - 0.5 * height), (x - 0.28 * height, y - 0.78 * height)], trunk, 0.05 * height)
    body += svg.line([(x, y - 0.5 * height), (x + 0.25 * height, y - 0.8 * height)], trunk, 0.04 * height)
    for dx, dy, half in ((-0.2, 0.8, 0.36), (0.22, 0.84, 0.34), (0.02, 0.92, 0.3)):
        body += svg.ellipse(x + dx * height, y - dy * height, half * height, 0.1 * height, colour)
    return body


def cactus(x: float, y: float, height: float, colour: Colour) -> str:
    """A saguaro that stands on (x, y)."""
    thick = 0.15 * height
    body = svg.line([(x, y), (x, y - height)], colour, thick)
    for side, low, high in ((-1, 0.4, 0.72), (1, 0.55, 0.85)):
        elbow = x + side * 0.26 * height
        arm = [(x, y - low * height), (elbow, y - low * height), (elbow, y - high * height)]
        body += svg.line(arm, colour, thick * 0.75)
    return body


def grass(x: float, y: float, height: float, colour: Colour, chance: Random) -> str:
    """A tuft of blades that stands on (x, y)."""
    blades = ""
    for _ in range(7):
        lean, tall = chance.uniform(-0.55, 0.55) * height, chance.uniform(0.55, 1.0) * height
        root = x + chance.uniform(-0.25, 0.25) * height
        blades += (
            f'<path d="M{root - 0.05 * height:.1f},{y + 4:.1f}Q{root + lean * 0.2:.1f},{y - tall * 0.6:.1f} '
            f"{root + lean:.1f},{y - tall:.1f}Q{root + lean * 0.4:.1f},{y - tall * 0.4:.1f} "
            f'{root + 0.06 * height:.1f},{y + 4:.1f}Z" fill="{colour}"/>'
        )
    return blades


def fern(x: float, y: float, height: float, colour: Colour, lean: float) -> str:
    """A frond from (x, y) that bends to a side: -1 is left, 1 is right."""
    body = ""
    for step in range(9):
        part = step / 8
        px, py = x + lean * height * 0.5 * part**1.6, y - height * part
        leaf = height * 0.3 * (1 - part) + height * 0.04
        for side in (-1, 1):
            body += svg.polygon(
                [(px, py), (px + side * leaf, py - leaf * 0.55), (px + side * leaf * 0.35, py - leaf * 0.75)], colour
            )
    return body


def coral(
    x: float, y: float, length: float, colour: Colour, chance: Random, heading: float = 90, depth: int = 0
) -> str:
    """A branching coral that grows from (x, y)."""
    if depth > 4 or length < 4:
        return ""
    tip = svg.turned(x, y, length, heading)
    body = svg.line([(x, y), tip], colour, max(3.0, length * 0.42))
    for _ in range(chance.choice((2, 2, 3)) if depth < 3 else 2):
        bend = chance.uniform(-44, 44)
        body += coral(*tip, length * chance.uniform(0.66, 0.84), colour, chance, heading + bend, depth + 1)
    return body


def kelp(x: float, y: float, height: float, colour: Colour, chance: Random) -> str:
    """A swaying ribbon of weed that grows from (x, y)."""
    sway = chance.choice((-1, 1)) * height * 0.09
    points = [(x + sway * ((step % 2) * 2 - 1) * (step / 8), y - height * step / 8) for step in range(9)]
    body = svg.line(points, colour, height * 0.035)
    for step, (px, py) in enumerate(points[1:], start=1):
        side = 1 if step % 2 else -1
        body += svg.ellipse(px + side * height * 0.05, py, height * 0.06, height * 0.025, colour)
    return body
