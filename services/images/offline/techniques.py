"""Techniques: how layers and things become a paper-cut, a glowing scene or a watercolour."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from PIL import Image, ImageFilter

from services.images.offline import effects
from services.images.offline.icons import Manner

Corner = tuple[int, int]
"""Pixels from the left and the top."""


class Technique(Protocol):
    """A way to put a picture together; the canvas is changed in place."""

    @property
    def manner(self) -> Manner:
        """Which icons it wants."""
        ...

    def lay(self, canvas: Image.Image, layer: Image.Image, unit: float) -> None:
        """Lays a layer of the backdrop, RGBA and of the canvas's size, over what is there."""
        ...

    def focus(self, canvas: Image.Image, unit: float) -> None:
        """Is called between the backdrop and what stands in it, if anything does."""
        ...

    def place(self, canvas: Image.Image, sprite: Image.Image, corner: Corner, unit: float) -> None:
        """Places a thing over what is there."""
        ...

    def finish(self, canvas: Image.Image, seed: int) -> Image.Image:
        """The finished picture."""
        ...


class PaperCut:
    """Sheets of card, each casting a shadow on those behind it."""

    manner = Manner.FLAT

    def lay(self, canvas: Image.Image, layer: Image.Image, unit: float) -> None:
        """Shadow, sheet, and the lit edge of the sheet."""
        alpha = layer.getchannel("A")
        effects.shade(canvas, alpha, (0, round(-5 * unit)), 9 * unit, 0.30)
        canvas.paste(layer, (0, 0), alpha)
        below = Image.new("L", alpha.size)
        below.paste(alpha, (0, max(1, round(2.2 * unit))))
        edge = np.asarray(alpha, dtype=np.int16) - np.asarray(below, dtype=np.int16)
        canvas.paste((255, 255, 255), (0, 0), Image.fromarray((np.clip(edge, 0, 255) * 0.34).astype(np.uint8)))

    def focus(self, canvas: Image.Image, unit: float) -> None:
        """Every sheet is sharp."""

    def place(self, canvas: Image.Image, sprite: Image.Image, corner: Corner, unit: float) -> None:
        """A cut-out with a white rim."""
        rim = 6 * unit
        room = round(rim * 2)
        alpha = Image.new("L", (sprite.width + 2 * room, sprite.height + 2 * room))
        alpha.paste(sprite.getchannel("A"), (room, room))
        outline = effects.grown(alpha, rim * 0.72)
        at = (corner[0] - room, corner[1] - room)
        effects.shade(canvas, outline, (at[0] + round(2 * unit), at[1] + round(7 * unit)), 9 * unit, 0.42)
        canvas.paste((255, 252, 244), at, outline)
        canvas.paste(sprite, corner, sprite.getchannel("A"))

    def finish(self, canvas: Image.Image, seed: int) -> Image.Image:
        """The tooth of the card, lit from above."""
        values = effects.pixels(canvas)
        tooth = effects.grain(seed, canvas.width, canvas.height)
        relief = np.diff(tooth, axis=0, prepend=tooth[:1])
        values += 0.12 * relief[..., None]
        return effects.picture(values * effects.vignette(canvas.width, canvas.height, 0.09)[..., None])


class Glow:
    """Rounded things in front of a soft background, in light that spills."""

    manner = Manner.FULL

    def lay(self, canvas: Image.Image, layer: Image.Image, unit: float) -> None:
        """Plainly: the blur comes later, for all at once."""
        canvas.paste(layer, (0, 0), layer.getchannel("A"))

    def focus(self, canvas: Image.Image, unit: float) -> None:
        """What lies behind is out of focus."""
        canvas.paste(canvas.filter(ImageFilter.GaussianBlur(3.4 * unit)))

    def place(self, canvas: Image.Image, sprite: Image.Image, corner: Corner, unit: float) -> None:
        """With a soft shadow on what is behind."""
        alpha = sprite.getchannel("A")
        effects.shade(canvas, alpha, (corner[0] + round(4 * unit), corner[1] + round(8 * unit)), 16 * unit, 0.30)
        canvas.paste(sprite, corner, alpha)

    def finish(self, canvas: Image.Image, seed: int) -> Image.Image:
        """Bloom, a deep vignette, a trace of film grain."""
        values = effects.pixels(effects.bloom(canvas, 28, 110, 0.5))
        values += 0.02 * effects.grain(seed, canvas.width, canvas.height)[..., None]
        return effects.picture(values * effects.vignette(canvas.width, canvas.height, 0.36)[..., None])


class Watercolour:
    """Washes that bleed a little, on rough white paper."""

    manner = Manner.FLAT

    def lay(self, canvas: Image.Image, layer: Image.Image, unit: float) -> None:
        """A wash over the others."""
        canvas.paste(layer, (0, 0), layer.getchannel("A"))

    def focus(self, canvas: Image.Image, unit: float) -> None:
        """Nothing: the whole sheet is painted wet."""

    def place(self, canvas: Image.Image, sprite: Image.Image, corner: Corner, unit: float) -> None:
        """A pale halo, as where a brush keeps clear, then the thing."""
        alpha = sprite.getchannel("A")
        room = round(12 * unit)
        wide = Image.new("L", (sprite.width + 2 * room, sprite.height + 2 * room))
        wide.paste(alpha, (room, room))
        halo = wide.filter(ImageFilter.GaussianBlur(5 * unit)).point([round(value * 0.5) for value in range(256)])
        canvas.paste((252, 249, 240), (corner[0] - room, corner[1] - room), halo)
        canvas.paste(sprite, corner, alpha)

    def finish(self, canvas: Image.Image, seed: int) -> Image.Image:
        """Bleeding edges, settled pigment, dark outlines of drying, the paper and its free border."""
        width, height = canvas.size
        values = self._bled(canvas, seed)
        values = 1 - (1 - values) * 0.92
        values = 1 - (1 - values) * (0.78 + 0.36 * effects.cloudy(seed, width, height)[..., None])
        values *= 1 - self._drying(canvas)[..., None]
        values = self._bordered(values, seed)
        return effects.picture(values * (1 + 0.16 * effects.grain(seed, width, height)[..., None]))

    def _bled(self, canvas: Image.Image, seed: int) -> effects.Pixels:
        """The picture pushed about by a few pixels, with a second and wetter wash over it."""
        width, height = canvas.size
        dx = 14 * (effects.noise(seed + 1, width, height, 24) - 0.5) + 4 * (
            effects.noise(seed + 1, width, height, 90) - 0.5
        )
        dy = 14 * (effects.noise(seed + 2, width, height, 24) - 0.5) + 4 * (
            effects.noise(seed + 2, width, height, 90) - 0.5
        )
        soft = np.asarray(canvas.filter(ImageFilter.GaussianBlur(0.9)))
        columns, rows = np.arange(width)[None, :], np.arange(height)[:, None]

        def pushed(strength: float) -> Image.Image:
            x = np.clip(columns + strength * dx, 0, width - 1).astype(np.int32)
            y = np.clip(rows + strength * dy, 0, height - 1).astype(np.int32)
            return Image.fromarray(soft[y, x])

        wet = pushed(-2.2).filter(ImageFilter.GaussianBlur(7))
        return 0.76 * effects.pixels(pushed(0.6)) + 0.24 * effects.pixels(wet)

    def _drying(self, canvas: Image.Image) -> effects.Field:
        """Pigment gathers where a wash ends."""
        luma: effects.Field = (
            np.asarray(canvas.convert("L").filter(ImageFilter.GaussianBlur(1.6)), dtype=np.float32) / 255
        )
        across, down = np.zeros_like(luma), np.zeros_like(luma)
        across[:, 1:], down[1:] = luma[:, 1:] - luma[:, :-1], luma[1:] - luma[:-1]
        slope = np.hypot(across, down)
        return 0.6 * np.clip(slope * 4, 0, 0.4)

    def _bordered(self, values: effects.Pixels, seed: int) -> effects.Pixels:
        height, width = values.shape[:2]
        columns, rows = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
        across, down = np.minimum(columns, width - 1 - columns)[None, :], np.minimum(rows, height - 1 - rows)[:, None]
        inside = np.minimum(across, down) / (0.05 * min(width, height))
        ragged = inside + 1.1 * (effects.cloudy(seed + 3, width, height) - 0.5)
        mask = np.clip(ragged * 2.2 - 0.25, 0, 1)[..., None]
        return values * mask + np.array([0.985, 0.972, 0.94], dtype=np.float32) * (1 - mask)


TECHNIQUES: Mapping[str, Technique] = {"papercut": PaperCut(), "glow": Glow(), "watercolour": Watercolour()}
"""By the names that looks.toml uses."""
