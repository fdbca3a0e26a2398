"""Pictures and a painter for tests."""

import asyncio
import io
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from runtime.bill import Bill
from runtime.errors import Transient
from services.images.ports import Painted, PictureRequest


def encoded(width: int = 1344, height: int = 768, *, kind: str = "JPEG", seed: int = 1) -> bytes:
    """A picture of coarse noise."""
    coarse = np.random.default_rng(seed).integers(0, 255, (24, 42, 3), dtype=np.uint8)
    data = io.BytesIO()
    Image.fromarray(coarse).resize((width, height)).save(data, kind)
    return data.getvalue()


@dataclass
class FakePainter:
    """Paints noise, and records what it was asked for and how much of it at once."""

    name: str = "offline"
    model: str = "noise"
    failing: frozenset[str] = frozenset()
    """Prompts that fail."""
    asked: list[PictureRequest] = field(default_factory=list[PictureRequest])
    together: asyncio.Barrier | None = None
    """Where so many wait for one another before any goes on."""
    at_work: int = 0
    most_at_work: int = 0

    async def preflight(self) -> None:
        """Passes."""

    async def paint(self, request: PictureRequest, bill: Bill) -> Painted:
        self.asked.append(request)
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        if self.together is not None:
            async with asyncio.timeout(20):
                await self.together.wait()
        self.at_work -= 1
        if request.prompt in self.failing:
            raise Transient("the painter dropped its brush")
        return Painted(encoded(request.width, request.height, seed=request.seed), self.name)
