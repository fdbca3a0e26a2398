"""What one painter will not paint, another one paints."""

from dataclasses import dataclass, replace

from runtime.bill import Bill
from services.images.ports import Painted, Painter, PictureRequest, Refused


@dataclass(frozen=True)
class RefusedElsewhere:
    """A painter whose refusals go to another, for the scene in question alone."""

    first: Painter
    other: Painter

    @property
    def name(self) -> str:
        """The first painter's."""
        return self.first.name

    @property
    def model(self) -> str:
        """The first painter's."""
        return self.first.model

    async def preflight(self) -> None:
        """The first painter's: the other only stands in."""
        await self.first.preflight()

    async def paint(self, request: PictureRequest, bill: Bill) -> Painted:
        """The first painter's picture, or the other's with the refusal as the reason. Raises the three errors."""
        try:
            return await self.first.paint(request, bill)
        except Refused as refused:
            reason = str(refused)
        return replace(await self.other.paint(request, bill), degraded=reason)
