"""What light and paper do to pixels: shadows, tints, grain, bloom."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageFilter

from services.images.offline.palette import Colour, channels

Field = NDArray[np.floating[Any]]
"""A value for every pixel, shape (height, width)."""
Pixels = NDArray[np.floating[Any]]
"""Red, green and blue from 0 to 1, shape (height, width, 3)."""

_SHRUNK = 4
"""Shadows are blurred at this fraction of the size: nobody sees the difference, and it is 16 times less work."""


def pixels(picture: Image.Image) -> Pixels:
    """A picture as numbers."""
    return np.asarray(picture.convert("RGB"), dtype=np.float32) / 255


def picture(values: Pixels) -> Image.Image:
    """Numbers as a picture."""
    return Image.fromarray((np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8))


def shade(canvas: Image.Image, alpha: Image.Image, at: tuple[int, int], blur: float, opacity: float) -> None:
    """Darkens the canvas in the soft shape of an alpha channel whose corner lies `at`."""
    reach = round(blur * 3 / _SHRUNK) * _SHRUNK
    width, height = alpha.width + 2 * reach, alpha.height + 2 * reach
    small = alpha.resize((max(1, alpha.width // _SHRUNK), max(1, alpha.height // _SHRUNK)), Image.Resampling.BOX)
    field = Image.new("L", (width // _SHRUNK, height // _SHRUNK))
    field.paste(small, (reach // _SHRUNK, reach // _SHRUNK))
    soft = field.filter(ImageFilter.GaussianBlur(blur / _SHRUNK)).resize((width, height), Image.Resampling.BILINEAR)
    soft = soft.point([round(value * opacity) for value in range(256)])
    canvas.paste((16, 18, 40), (at[0] - reach, at[1] - reach), soft)


def lit(sprite: Image.Image, tint: Colour, share: float) -> Image.Image:
    """A sprite in the light of the hour: multiplied with its tint, as far as `share` (0 to 1)."""
    if share <= 0:
        return sprite
    factors = [1 - share + share * channel / 255 * 1.25 for channel in channels(tint)]
    bands = sprite.split()
    shaded = [
        band.point([min(255, round(value * factor)) for value in range(256)])
        for band, factor in zip(bands, factors, strict=False)
    ]
    return Image.merge("RGBA", (*shaded, bands[3]))


def grown(alpha: Image.Image, radius: float) -> Image.Image:
    """An alpha channel grown by so many pixels, with a smooth edge."""
    soft = alpha.filter(ImageFilter.GaussianBlur(radius))
    return soft.point([min(255, max(0, (value - 14) * 9)) for value in range(256)])


def noise(seed: int, width: int, height: int, cells: int) -> Field:
    """Smooth noise from 0 to 1 with about this many cells across."""
    rng = np.random.default_rng((seed, cells))
    coarse = rng.random((max(2, height * cells // width), cells), dtype=np.float32)
    stretched = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(stretched, dtype=np.float32)


def cloudy(seed: int, width: int, height: int) -> Field:
    """Noise at several sizes at once, stretched from 0 to 1: the way pigment settles."""
    field = np.zeros((height, width), dtype=np.float32)
    for cells, weight in ((6, 0.5), (14, 0.3), (40, 0.2), (120, 0.12)):
        field += weight * noise(seed, width, height, cells)
    return (field - field.min()) / max(1e-6, float(field.max() - field.min()))


def grain(seed: int, width: int, height: int) -> Field:
    """The tooth of paper, around zero."""
    rng = np.random.default_rng(seed)
    rough = Image.fromarray(
        (rng.standard_normal((height, width), dtype=np.float32) * 40 + 128).clip(0, 255).astype(np.uint8)
    )
    return np.asarray(rough.filter(ImageFilter.GaussianBlur(0.9)), dtype=np.float32) / 255 - 0.5


def vignette(width: int, height: int, strength: float) -> Field:
    """Factors that darken the corners, and by a little the foot where captions run."""
    across = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    down = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    foot = np.clip((down - 0.6) / 0.4, 0, 1) ** 1.5
    return (1 - strength * 0.5 * (across**2 + down**2)) * (1 - 0.16 * foot)


def bloom(source: Image.Image, radius: float, threshold: int, strength: float) -> Image.Image:
    """Lets light spill from the bright parts."""
    small = source.resize((source.width // _SHRUNK, source.height // _SHRUNK), Image.Resampling.BOX)
    bright = small.point([round(max(0, value - threshold) * strength) for value in range(256)] * 3)
    spilled = bright.filter(ImageFilter.GaussianBlur(radius / _SHRUNK)).resize(source.size, Image.Resampling.BILINEAR)
    return ImageChops.screen(source, spilled)
