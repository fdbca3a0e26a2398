"""Drawing a frame: each plane of a still sampled bilinearly where a view looks, and a blend while two shots overlap.

A view only moves and scales, so OpenCV's `resize` can draw it in half the time of `warpAffine`, if the
source is cut at a whole sample. Some samples before the view there nearly always is one whose grid
meets the frame's: the cut is made there and the surplus dropped. Else the warp does it.
"""

import cv2
import numpy as np

from services.assembler.motion import Rectangle
from services.assembler.planes import MARGIN, Plane, Planes, Still

TOLERANCE = 0.02
"""Pixels by which a cut may miss the view; the encoder shakes a motion by three times as much."""
FARTHEST = 64
"""Target samples before the view within which a cut is looked for."""

_SAMPLING = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
_LEFT_SITING = -0.25
"""Where an MPEG chroma sample lies, in chroma pixels from the centre of its two luma columns."""

# The encoder has the other cores; OpenCV's threads would only get in its way.
cv2.setNumThreads(1)


def draw(still: Still, view: Rectangle, target: Planes) -> None:
    """Fills a frame with what a view of a still shows."""
    _sample(still.y, view, target.y, still.luma_scale, 0.0)
    _sample(still.u, view, target.u, 1.0, _LEFT_SITING)
    _sample(still.v, view, target.v, 1.0, _LEFT_SITING)


def blend(below: Planes, above: Planes, opacity: float) -> None:
    """Lays one frame over another, in place: `below` shows `above` as far as its opacity goes."""
    for under, over in zip(below, above, strict=True):
        cv2.addWeighted(under, 1.0 - opacity, over, opacity, 0.0, dst=under)


def _sample(source: Plane, view: Rectangle, target: Plane, scale: float, siting: float) -> None:
    """Target sample n lies at n * step + offset in the source, both counted from sample centres."""
    height, width = target.shape
    step_x, step_y = view.width / width * scale, view.height / height * scale
    offset_x = (view.x * scale) + (0.5 + siting) * step_x - 0.5 + MARGIN
    offset_y = (view.y * scale) + 0.5 * step_y - 0.5 + MARGIN
    across, down = _cut(step_x, offset_x), _cut(step_y, offset_y)
    if across is None or down is None:
        matrix = np.array([[step_x, 0.0, offset_x], [0.0, step_y, offset_y]])
        cv2.warpAffine(source, matrix, (width, height), dst=target, flags=_SAMPLING, borderMode=cv2.BORDER_REPLICATE)
        return
    (left, before), (top, above) = across, down
    right, bottom = left + _reach(width + before, step_x), top + _reach(height + above, step_y)
    drawn = cv2.resize(
        source[top:bottom, left:right], None, fx=1 / step_x, fy=1 / step_y, interpolation=cv2.INTER_LINEAR
    )
    np.copyto(target, drawn[above : above + height, before : before + width])


def _cut(step: float, offset: float) -> tuple[int, int] | None:
    """Where to cut the source, and how many target samples before the view; None where no cut is near enough."""
    if step < 0.5:
        return None
    before = np.arange(1, min(FARTHEST, int((MARGIN - 2) / step)), dtype=np.float64)
    cuts = offset + 0.5 - (before + 0.5) * step  # `resize` finds sample n at (n + 0.5) * step - 0.5
    near = np.flatnonzero(np.abs(cuts - np.rint(cuts)) <= TOLERANCE * step)
    return (round(float(cuts[near[0]])), int(before[near[0]])) if near.size else None


def _reach(samples: int, step: float) -> int:
    """How many source samples so many target samples need."""
    return int(np.ceil(samples * step)) + 2
