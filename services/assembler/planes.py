"""Pictures as YUV planes, BT.709 in limited range: what H.264 holds, so that ffmpeg converts no pixel.

Frames are yuv420p with left-sited chroma. The matrix is ours and in floating point, because
OpenCV's own conversions are BT.601.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from runtime.errors import Transient

Plane = NDArray[np.uint8]

FORMATS = ("PNG", "JPEG", "WEBP")
MAX_PIXELS = 40_000_000
"""A larger still is refused before it is decoded."""

SAMPLES_PER_PIXEL = 2
"""Luma samples that the source holds for a pixel of the frame: so many that bilinear sampling stays sharp."""
SHARPENING = 0.08
"""The tap of the filter [-a, 1+2a, -a] that makes up for what bilinear sampling softens."""

MARGIN = 136
"""Samples that the edge of a still is continued by, so that a view at the edge can be sampled from outside it."""

_KR, _KB = 0.2126, 0.0722  # ITU-R BT.709
_KG = 1.0 - _KR - _KB
_RGB_TO_YUV = np.array(
    [
        [_KR, _KG, _KB],
        [-_KR / (2 * (1 - _KB)), -_KG / (2 * (1 - _KB)), 0.5],
        [0.5, -_KG / (2 * (1 - _KR)), -_KB / (2 * (1 - _KR))],
    ]
) * np.array([[219 / 255], [224 / 255], [224 / 255]])
_OFFSET = np.array([16.0, 128.0, 128.0])


class Planes(NamedTuple):
    """The three planes of a yuv420p frame: chroma is half as wide and half as high as luma."""

    y: Plane
    u: Plane
    v: Plane


@dataclass(frozen=True)
class Still:
    """A picture, ready to be sampled."""

    size: tuple[int, int]
    """(width, height) in picture pixels, which rectangles are given in."""
    y: Plane
    """Luma at `luma_scale` times the size, sharpened; it and the chroma have a border of `MARGIN` samples."""
    u: Plane
    """Chroma at the picture's own size."""
    v: Plane
    luma_scale: int
    """So many luma samples a picture pixel that there are about `SAMPLES_PER_PIXEL` for a pixel of the frame."""


def frame_bytes(width: int, height: int) -> int:
    """How many bytes a yuv420p frame takes; both sides are even."""
    return width * height * 3 // 2


def frame_planes(buffer: Plane, width: int, height: int) -> Planes:
    """The planes of a frame, as views into its buffer of `frame_bytes`."""
    luma, chroma = width * height, width * height // 4
    half = (height // 2, width // 2)
    return Planes(
        buffer[:luma].reshape(height, width),
        buffer[luma : luma + chroma].reshape(half),
        buffer[luma + chroma : luma + 2 * chroma].reshape(half),
    )


def read_still(path: Path, frame: tuple[int, int]) -> Still:
    """A picture file for frames of (width, height) pixels. Raises `Transient` where it does not decode."""
    rgb = _decoded(path)
    height, width = rgb.shape[:2]
    pixel = min(width / frame[0], height / frame[1])  # picture pixels a frame pixel
    if pixel > SAMPLES_PER_PIXEL:
        size = (round(width * SAMPLES_PER_PIXEL / pixel), round(height * SAMPLES_PER_PIXEL / pixel))
        rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
        height, width, pixel = size[1], size[0], SAMPLES_PER_PIXEL
    y, u, v = cv2.split(cv2.transform(rgb.astype(np.float32), np.column_stack((_RGB_TO_YUV, _OFFSET))))
    scale = max(1, round(SAMPLES_PER_PIXEL / pixel))
    if scale > 1:
        y = cv2.resize(y, (width * scale, height * scale), interpolation=cv2.INTER_LANCZOS4)
    taps = np.array([-SHARPENING, 1 + 2 * SHARPENING, -SHARPENING], np.float32)
    y = cv2.sepFilter2D(y, cv2.CV_32F, taps, taps, borderType=cv2.BORDER_REPLICATE)
    return Still((width, height), *(_bordered(_rounded(plane)) for plane in (y, u, v)), luma_scale=scale)


def to_rgb(planes: Planes) -> Plane:
    """A frame as (height, width, 3) RGB, for people to look at."""
    height, width = planes.y.shape
    full = [planes.y, *(cv2.resize(c, (width, height), interpolation=cv2.INTER_LINEAR) for c in (planes.u, planes.v))]
    yuv = np.stack(full, axis=-1).astype(np.float32) - _OFFSET.astype(np.float32)
    return _rounded(cv2.transform(yuv, np.linalg.inv(_RGB_TO_YUV)))


def _decoded(path: Path) -> Plane:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # MAX_PIXELS is checked below
            picture = Image.open(path, formats=FORMATS)
        with picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise Transient(f"a keyframe has {picture.width}x{picture.height} pixels, which is too large")
            return np.asarray(picture.convert("RGB"))
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise Transient("a keyframe is damaged: it does not decode") from error


def _bordered(plane: Plane) -> Plane:
    return np.pad(plane, MARGIN, mode="edge")


def _rounded(plane: cv2.typing.MatLike) -> Plane:
    """Floating point to the nearest whole numbers, 0 to 255."""
    return cv2.addWeighted(plane, 1.0, plane, 0.0, 0.0, dtype=cv2.CV_8U).astype(np.uint8, copy=False)
