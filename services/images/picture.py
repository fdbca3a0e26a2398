"""What counts as a picture: it decodes, has the asked size and is not blank."""

import io
import struct

import numpy as np
from PIL import Image, UnidentifiedImageError

from runtime.errors import Transient

FORMATS = ("PNG", "JPEG", "WEBP")

BLANK_DEVIATION = 2.0
"""A picture whose luma deviates less than this (of 255) shows nothing."""

_DAMAGED = (OSError, SyntaxError, ValueError, EOFError, struct.error)
"""What Pillow raises over a damaged picture, or over text in one that unfolds to too much."""


def check_picture(data: bytes, width: int, height: int) -> None:
    """Raises `Transient` where the bytes are no picture of `width` x `height` pixels with something on it.

    The size is read from the header before a pixel is decoded, so a small file that would unfold
    to gigabytes costs nothing.
    """
    picture = _opened(data)
    if picture.size != (width, height):
        raise Transient(
            f"the painter sent {picture.width}x{picture.height} pixels where {width}x{height} were asked for"
        )
    if float(np.asarray(_decoded(picture).convert("L"), dtype=np.float32).std()) < BLANK_DEVIATION:
        raise Transient("the painter sent a blank picture")


def content_type(data: bytes) -> str:
    """The media type of an encoded picture. Raises `Transient` where it is none."""
    return Image.MIME[str(_opened(data).format)]


def _opened(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except (*_DAMAGED, UnidentifiedImageError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Transient("the painter sent something that is no picture") from error


def _decoded(picture: Image.Image) -> Image.Image:
    try:
        picture.load()
    except _DAMAGED as error:
        raise Transient("the painter sent a damaged picture") from error
    return picture
