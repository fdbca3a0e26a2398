"""What the images stage needs."""

from dataclasses import dataclass, field
from typing import Protocol

from runtime.bill import Bill
from runtime.errors import Permanent
from runtime.preflight import Provider


class Refused(Permanent):
    """The provider will not paint what it was asked for: its rules of content forbid it."""


@dataclass(frozen=True)
class PictureRequest:
    """What is to be painted."""

    prompt: str
    look: str
    """A name in looks.toml."""
    width: int
    height: int
    seed: int


@dataclass(frozen=True)
class Painted:
    """A picture, and who painted it."""

    data: bytes = field(repr=False)
    """Encoded as PNG, JPEG or WebP."""
    provider: str
    degraded: str | None = None
    """Why another painter stood in for the one that was asked, where one did."""


class Painter(Provider, Protocol):
    """Paints pictures."""

    @property
    def model(self) -> str:
        """What paints, with its version: part of what makes a picture the same picture."""
        ...

    async def paint(self, request: PictureRequest, bill: Bill) -> Painted:
        """A picture of the asked size; paid calls go on the bill.

        Raises the three errors, of which a `Permanent` is a `Refused` where the content is the reason.
        """
        ...
