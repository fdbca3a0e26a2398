"""What the images stage needs."""

from dataclasses import dataclass
from typing import Protocol

from runtime.bill import Bill


@dataclass(frozen=True)
class PictureRequest:
    """What is to be painted."""

    prompt: str
    look: str
    """A name in looks.toml."""
    width: int
    height: int
    seed: int


class Painter(Protocol):
    """Paints pictures."""

    @property
    def name(self) -> str:
        """The provider, as the manifest names it."""
        ...

    @property
    def model(self) -> str:
        """What paints, with its version: part of what makes a picture the same picture."""
        ...

    async def paint(self, request: PictureRequest, bill: Bill) -> bytes:
        """An encoded picture (PNG, JPEG or WebP) of the asked size; paid calls go on the bill.

        Raises the three errors.
        """
        ...
