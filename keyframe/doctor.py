"""`keyframe doctor`: every part is found, started and used once for real."""

import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
from rich.console import Console
from rich.markup import escape

from keyframe.embedded.errors import EmbeddedError
from keyframe.embedded.report import silent
from keyframe.embedded.settings import StackSettings
from keyframe.embedded.stack import Parts, embedded_parts
from keyframe.one_second import OneSecond
from keyframe.stack import all_stages
from runtime.errors import StageError
from runtime.folder_objects import FolderObjects
from runtime.http import AddressTaken, serving
from runtime.kafka import Connection, ensure_topics
from runtime.objects import ObjectStore
from runtime.preflight import Preflight
from runtime.settings import CommonSettings, S3Settings
from runtime.stores import object_store, public_store
from schemas.topics import TOPICS
from services.gateway.app import GatewaySettings

GIGABYTE = 1_000_000_000
ENOUGH_DISK = 2 * GIGABYTE
OFFLINE = "offline"

REMEDIES = {
    "disk": "free some space, or set KEYFRAME_DATA to a folder on a larger disk",
    "Kafka and Postgres": "read the log it names, or set KEYFRAME_KAFKA_BOOTSTRAP and KEYFRAME_POSTGRES_DSN",
    "topics": "look whether KEYFRAME_KAFKA_BOOTSTRAP names a broker that lets you create topics",
    "database": "look whether KEYFRAME_POSTGRES_DSN names a database that you may write to",
    "objects": "look whether the object store's folder or bucket can be written",
    "images": "run `make install` again; the painter needs resvg-py and its icons",
    "voice": "run `make install` again, or set KEYFRAME_VOICE_MODEL_PATH to the voice model",
    "assembler": "set FFMPEG_PATH to an ffmpeg with libx264 and libass",
    "gateway": "stop what listens there, or choose another port with KEYFRAME_GATEWAY_PORT",
}

Look = Callable[[], Awaitable[str]]
"""Uses a part; says what was found."""


@dataclass
class Doctor:
    """Looks at one part after the other and says what it finds."""

    console: Console
    failures: int = 0

    async def look(self, part: str, look: Look) -> bool:
        """Looks at a part; says whether it is well."""
        began = time.monotonic()
        try:
            found = await look()
        except (EmbeddedError, StageError, AddressTaken, OSError, asyncpg.PostgresError) as error:
            self.failures += 1
            self.console.print(f"[red]✗[/] {part}: {escape(str(error))}", soft_wrap=True)
            if part in REMEDIES:
                self.console.print(f"    → {escape(REMEDIES[part])}", soft_wrap=True)
            return False
        self.console.print(
            f"[green]✓[/] {part}: {escape(found)} [dim]({time.monotonic() - began:.1f} s)", soft_wrap=True
        )
        return True


async def examine(console: Console, settings: StackSettings) -> int:
    """Looks at everything; the exit status is 1 where something fails."""
    doctor = Doctor(console)
    await doctor.look("disk", lambda: _disk(settings.data))
    await doctor.look("gateway", _gateway)
    with tempfile.TemporaryDirectory(prefix="keyframe-doctor-") as folder:
        async with AsyncExitStack() as stack:
            await _examine_parts(doctor, stack, settings, Path(folder))
        await _examine_stages(doctor, Path(folder) / "stages")
        await _examine_providers(doctor, *_stores(Path(folder) / "objects"))
    console.print("All is well." if not doctor.failures else f"{doctor.failures} to mend.")
    return 1 if doctor.failures else 0


async def _examine_parts(doctor: Doctor, stack: AsyncExitStack, settings: StackSettings, folder: Path) -> None:
    """In a folder of its own, so that a KeyFrame that runs is not disturbed."""
    own = settings.model_copy(update={"data": folder})
    started: list[Parts] = []

    async def start() -> str:
        started.append(await stack.enter_async_context(embedded_parts(own, silent)))
        return f"Kafka at {started[0].kafka.bootstrap}, Postgres beside it"

    if await doctor.look("Kafka and Postgres", start):
        parts = started[0]
        await doctor.look("topics", lambda: _topics(parts.kafka))
        await doctor.look("database", lambda: _database(parts.postgres_dsn))
    await doctor.look("objects", lambda: _objects(_stores(own.data / "objects")[0]))


async def _examine_stages(doctor: Doctor, folder: Path) -> None:
    for name, work in OneSecond(FolderObjects(folder)).steps():
        if not await doctor.look(name, work):
            return


async def _examine_providers(doctor: Doctor, store: ObjectStore, public: ObjectStore | None) -> None:
    """Every provider that is set but the offline ones, which work for real; no money is spent."""
    for stage in all_stages(store, public):
        for part in stage.required:
            await doctor.look(f"moderation of {stage.name}", partial(_served, part))
        for provider in stage.providers:
            if provider.name != OFFLINE:
                await doctor.look(f"{stage.name} by {provider.name}", partial(_served, provider))


def _stores(folder: Path) -> tuple[ObjectStore, ObjectStore | None]:
    """The stores that are set, or a folder of the doctor's own."""
    common, s3 = CommonSettings(storage_folder=folder), S3Settings()
    return object_store(common, s3), public_store(common, s3)


async def _served(provider: Preflight) -> str:
    await provider.preflight()
    return "it would serve us"


async def _disk(data: Path) -> str:
    there = next(folder for folder in (data.absolute(), *data.absolute().parents) if folder.exists())
    free = shutil.disk_usage(there).free
    if free < ENOUGH_DISK:
        raise OSError(f"only {free / GIGABYTE:.1f} GB are free at {there}")
    return f"{free / GIGABYTE:.0f} GB free at {there}"


async def _gateway() -> str:
    settings = GatewaySettings()

    async def nothing(scope: Any, receive: Any, send: Any) -> None: ...

    async with serving(nothing, settings.gateway_host, settings.gateway_port) as address:
        return f"{address} is free"


async def _topics(connection: Connection) -> str:
    await ensure_topics(connection, TOPICS)
    return f"{len(TOPICS)} there"


async def _database(dsn: str) -> str:
    connection = await asyncpg.connect(dsn)
    try:
        return str(await connection.fetchval("SELECT split_part(version(), ' on ', 1)"))
    finally:
        await connection.close()


async def _objects(store: ObjectStore) -> str:
    key = f"scratch/{uuid4()}/doctor"
    await store.put(key, b"well", content_type="text/plain")
    there = await store.get(key)
    await store.delete(key)
    if there != b"well":
        raise OSError("what was read is not what was written")
    return "written, read and removed"
