"""`keyframe doctor`: every part is found, started and used once for real."""

import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
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
from keyframe.stack import all_stages
from runtime.artefacts import Artefacts
from runtime.errors import StageError
from runtime.folder_objects import FolderObjects
from runtime.http import AddressTaken, serving
from runtime.kafka import ensure_topics
from runtime.objects import ObjectStore
from runtime.stage import AnyStage, Job
from schemas.base import Contract
from schemas.events import ImagesRendered, ScriptWritten, VideoAssembled, VoiceRecorded
from schemas.media import MIN_SCENES, Scene
from schemas.options import styles, voices
from schemas.topics import TOPICS, ServiceName
from services.gateway.app import GatewaySettings

GIGABYTE = 1_000_000_000
ENOUGH_DISK = 2 * GIGABYTE
SENTENCE = "A small red boat crosses a calm blue sea."

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
            self.console.print(
                f"[red]✗[/] {part}: {escape(str(error))}\n    → {escape(REMEDIES[part])}", soft_wrap=True
            )
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
        await _examine_stages(doctor, FolderObjects(Path(folder) / "stages"))
    console.print("All is well." if not doctor.failures else f"{doctor.failures} to mend.")
    return 1 if doctor.failures else 0


async def _examine_parts(doctor: Doctor, stack: AsyncExitStack, settings: StackSettings, folder: Path) -> None:
    """In a folder of its own, so that a KeyFrame that runs is not disturbed."""
    own = settings.model_copy(update={"data": folder})
    started: list[Parts] = []

    async def start() -> str:
        started.append(await stack.enter_async_context(embedded_parts(own, silent)))
        return f"Kafka at {started[0].kafka_bootstrap}, Postgres beside it"

    if await doctor.look("Kafka and Postgres", start):
        parts = started[0]
        await doctor.look("topics", lambda: _topics(parts.kafka_bootstrap))
        await doctor.look("database", lambda: _database(parts.postgres_dsn))
    await doctor.look("objects", lambda: _objects(FolderObjects(own.data / "objects")))


async def _examine_stages(doctor: Doctor, store: ObjectStore) -> None:
    """A video of one second goes through the stages that make it, each on what the one before made."""
    event: Contract = _script()
    for stage in all_stages(store, None):
        if stage.name not in (ServiceName.IMAGES, ServiceName.VOICE, ServiceName.ASSEMBLER):
            continue
        made: list[Contract] = []

        async def work(stage: AnyStage = stage, event: Contract = event, made: list[Contract] = made) -> str:
            made.append(await stage.run(event, stage.ports(_job(str(getattr(event, "job_id", "")), store))))
            return _found(made[0])

        if not await doctor.look(stage.name, work):
            return
        event = made[0]


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


async def _topics(bootstrap: str) -> str:
    await ensure_topics(bootstrap, TOPICS)
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


def _script() -> ScriptWritten:
    style = next(iter(styles().values()))
    scene = Scene(index=0, narration=SENTENCE, image_prompt=SENTENCE, caption=SENTENCE)
    return ScriptWritten(
        job_id=str(uuid4()),
        requested_at=datetime.now(UTC),
        prompt=SENTENCE,
        style=style.name,
        voice=next(iter(voices())),
        scene_count=MIN_SCENES,
        title=SENTENCE,
        description="",
        writer="doctor",
        look=style.look,
        scenes=(scene,),
    )


def _job(job_id: str, store: ObjectStore) -> Job:
    async def unheard(step: int, steps: int, label: str, artefact: str | None = None) -> None: ...

    return Job(job_id, store, Artefacts(store, job_id), unheard)


def _found(event: Contract) -> str:
    match event:
        case VideoAssembled():
            return f"{event.duration:.1f} s of video rendered"
        case VoiceRecorded():
            speech = event.scenes[0].speech
            return f"{speech.duration:.1f} s spoken, {len(speech.words)} words timed"
        case ImagesRendered():
            picture = event.scenes[0].picture
            return f"a picture of {picture.width}x{picture.height} painted"
        case _:
            return type(event).__name__
