"""The ways from scratch to published: inside one store, or from one to another."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from runtime.objects import Delivery, ObjectStore
from schemas.media import File


@dataclass(frozen=True)
class CopyWithin:
    """One store holds both: it copies by itself, and no byte passes through this process."""

    store: ObjectStore

    async def publish(self, file: File, key: str, delivery: Delivery) -> None:
        await self.store.copy(file.key, key, delivery=delivery)


@dataclass(frozen=True)
class CarryAcross:
    """Published files have a store of their own: they pass through a temporary file."""

    scratch: ObjectStore
    published: ObjectStore

    async def publish(self, file: File, key: str, delivery: Delivery) -> None:
        with tempfile.TemporaryDirectory(prefix="keyframe-") as folder:
            carried = Path(folder) / "file"
            await self.scratch.download(file.key, carried)
            await self.published.upload(key, carried, content_type=file.content_type, delivery=delivery)
