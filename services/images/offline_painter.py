"""The offline painter: pictures from paper shapes and icons, without a network, an account or a model."""

import asyncio
import io

from runtime.bill import Bill
from services.images.looks import look
from services.images.offline.studio import paint
from services.images.offline.techniques import TECHNIQUES
from services.images.ports import Painted, PictureRequest


class OfflinePainter:
    """Paints what a sentence names where it is sure of it, and a quiet landscape where it is not."""

    name = "offline"

    model = "papercraft-1"
    """Raise the number whenever pictures change: it is part of what an artefact is found by."""

    async def preflight(self) -> None:
        """Passes: it depends on nobody."""

    async def paint(self, request: PictureRequest, bill: Bill) -> Painted:
        """A JPEG of the asked size, the same for the same request.

        Raises:
            Permanent: the look is unknown.
        """
        return Painted(await asyncio.to_thread(_encoded, request), self.name)


def _encoded(request: PictureRequest) -> bytes:
    technique = TECHNIQUES[look(request.look).technique]
    picture = paint(request.prompt, technique, request.width, request.height, request.seed)
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=93, subsampling=0)
    return data.getvalue()
