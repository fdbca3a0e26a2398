"""Drawing a frame: one affine warp a plane, and a blend while two shots overlap."""

import cv2
import numpy as np
from numpy.typing import NDArray

from services.assembler.motion import Rectangle
from services.assembler.planes import Plane, Planes, Still

_SAMPLING = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
_LEFT_SITING = -0.25
"""Where an MPEG chroma sample lies, in chroma pixels from the centre of its two luma columns."""

# The encoder has the other cores; OpenCV's threads would only get in its way.
cv2.setNumThreads(1)


def draw(still: Still, view: Rectangle, target: Planes) -> None:
    """Fills a frame with what a view of a still shows."""
    scale = still.y.shape[1] / still.size[0]
    _warp(still.y, view, target.y, scale)
    _warp(still.u, view, target.u, 1.0, _LEFT_SITING)
    _warp(still.v, view, target.v, 1.0, _LEFT_SITING)


def blend(below: Planes, above: Planes, opacity: float) -> None:
    """Lays one frame over another, in place: `below` shows `above` as far as its opacity goes."""
    for under, over in zip(below, above, strict=True):
        cv2.addWeighted(under, 1.0 - opacity, over, opacity, 0.0, dst=under)


def _warp(source: Plane, view: Rectangle, target: Plane, scale: float, siting: float = 0.0) -> None:
    height, width = target.shape
    cv2.warpAffine(
        source,
        _from_target(view, width, height, scale, siting),
        (width, height),
        dst=target,
        flags=_SAMPLING,
        borderMode=cv2.BORDER_REPLICATE,
    )


def _from_target(view: Rectangle, width: int, height: int, scale: float, siting: float) -> NDArray[np.float64]:
    """The matrix from a target sample's index to its place in the source, both counted from sample centres."""
    across, down = view.width / width, view.height / height
    return np.array(
        [
            [across * scale, 0.0, ((0.5 + siting) * across + view.x) * scale - 0.5],
            [0.0, down * scale, (0.5 * down + view.y) * scale - 0.5],
        ]
    )
