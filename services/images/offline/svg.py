"""SVG in small pieces, and pixels from it. No text of a user ever comes here."""

import io
import math
from collections.abc import Iterable, Sequence

import resvg_py
from PIL import Image

from services.images.offline.palette import Colour

Point = tuple[float, float]


Box = tuple[float, float, float, float]
"""Left, top, width and height."""

_STRIP = 256
"""Rows that are rendered at once: the renderer holds the interpreter, and the event loop wants its turn."""


def paint(body: str, width: int, height: int) -> Image.Image:
    """Renders SVG elements to RGBA pixels, a strip at a time. Filters would end at a strip: see `paint_whole`."""
    picture = Image.new("RGBA", (width, height))
    for top in range(0, height, _STRIP):
        rows = min(_STRIP, height - top)
        picture.paste(paint_whole(body, width, rows, (0, top, width, rows)), (0, top))
    return picture


def paint_whole(body: str, width: int, height: int, view: Box) -> Image.Image:
    """Renders SVG elements to RGBA pixels at once; `view` is the part of the plane that is seen."""
    left, top, across, down = view
    document = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="{width}" height="{height}" viewBox="{left:.3f} {top:.3f} {across:.3f} {down:.3f}" '
        f'preserveAspectRatio="none">{body}</svg>'
    )
    png = bytes(resvg_py.svg_to_bytes(svg_string=document, skip_system_fonts=True))
    return Image.open(io.BytesIO(png)).convert("RGBA")


def rect(x: float, y: float, width: float, height: float, fill: str, *, radius: float = 0, opacity: float = 1) -> str:
    """A rectangle."""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{radius:.1f}" '
        f'fill="{fill}" opacity="{opacity:.2f}"/>'
    )


def circle(x: float, y: float, radius: float, fill: str, *, opacity: float = 1) -> str:
    """A disc."""
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{fill}" opacity="{opacity:.2f}"/>'


def ellipse(x: float, y: float, across: float, down: float, fill: str, *, opacity: float = 1) -> str:
    """An ellipse by its two radii."""
    return (
        f'<ellipse cx="{x:.1f}" cy="{y:.1f}" rx="{across:.1f}" ry="{down:.1f}" fill="{fill}" opacity="{opacity:.2f}"/>'
    )


def polygon(points: Iterable[Point], fill: str, *, opacity: float = 1) -> str:
    """A filled outline."""
    return f'<path d="M{_joined(points)}Z" fill="{fill}" opacity="{opacity:.2f}"/>'


def line(points: Iterable[Point], stroke: str, width: float, *, opacity: float = 1) -> str:
    """A stroke with round ends."""
    return (
        f'<path d="M{_joined(points)}" fill="none" stroke="{stroke}" stroke-width="{width:.1f}" '
        f'stroke-linecap="round" stroke-linejoin="round" opacity="{opacity:.2f}"/>'
    )


def _joined(points: Iterable[Point]) -> str:
    return "L".join(f"{x:.1f},{y:.1f}" for x, y in points)


Stop = tuple[float, Colour, float]
"""Offset, colour, opacity."""


def downward(name: str, stops: Sequence[Stop]) -> str:
    """A gradient from top to bottom, to be used as url(#name) within the same layer."""
    return f'<linearGradient id="{name}" x1="0" y1="0" x2="0" y2="1">{_stops(stops)}</linearGradient>'


def radial(name: str, stops: Sequence[Stop]) -> str:
    """A gradient from the middle outward, to be used as url(#name) within the same layer."""
    return f'<radialGradient id="{name}">{_stops(stops)}</radialGradient>'


def _stops(stops: Sequence[Stop]) -> str:
    return "".join(
        f'<stop offset="{offset:.2f}" stop-color="{colour}" stop-opacity="{opacity:.2f}"/>'
        for offset, colour, opacity in stops
    )


def turned(x: float, y: float, length: float, degrees: float) -> Point:
    """The point at this length and direction (0 is right, 90 is up) from another."""
    return x + math.cos(math.radians(degrees)) * length, y - math.sin(math.radians(degrees)) * length
