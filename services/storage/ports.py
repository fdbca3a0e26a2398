"""What the storage stage needs."""

from typing import Protocol

from runtime.objects import Delivery
from schemas.media import File


class Publisher(Protocol):
    """Brings assembled files to where viewers get them."""

    async def publish(self, file: File, key: str, delivery: Delivery) -> None:
        """Writes a copy of an assembled file under its published key, over an older one if there is one.

        Raises:
            ObjectMissing: the assembled file is not there.
            Unavailable: a store is away.
        """
        ...
