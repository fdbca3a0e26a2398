"""All the parts that the six services need, started side by side."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keyframe.embedded.errors import EmbeddedError
from keyframe.embedded.folder import DataFolder
from keyframe.embedded.kafka import Kafka
from keyframe.embedded.part import Part
from keyframe.embedded.postgres import Postgres
from keyframe.embedded.report import Report
from keyframe.embedded.settings import StackSettings
from runtime.kafka import Connection, kafka_connection
from runtime.settings import CommonSettings


@dataclass(frozen=True)
class Parts:
    """Where the parts are.

    Args:
        kafka: the broker.
        postgres_dsn: the database, with user and password: not to be shown.
        objects: the folder of the object store.
        logs: the folder of the parts' logs.
        embedded: the parts that are ours.
    """

    kafka: Connection
    postgres_dsn: str = field(repr=False)
    objects: Path
    logs: Path
    embedded: tuple[Part, ...]

    async def ended(self) -> None:
        """Raises `PartFailed` when an embedded part ends by itself; returns at once where there is none.

        Cancel it before the parts' context ends.
        """
        await _together(*(part.ended() for part in self.embedded))


@asynccontextmanager
async def embedded_parts(settings: StackSettings, report: Report) -> AsyncGenerator[Parts]:
    """The parts for as long as the context lasts; however it ends, nothing is left running.

    Raises:
        EmbeddedError: the folder is in use, or a part cannot be had.
    """
    folder = DataFolder(settings.data)
    async with AsyncExitStack() as stack:
        stack.enter_context(folder.held())
        kafka = Kafka(folder, settings.cache, report)
        postgres = Postgres(folder, report)
        given = {kafka: settings.kafka_bootstrap, postgres: settings.postgres_dsn}
        embedded = tuple(part for part, address in given.items() if not address)
        try:
            await _together(*(stack.enter_async_context(part) for part in embedded))
        except OSError as error:  # a full disk, or files that another user has left
            raise EmbeddedError(f"The parts cannot be started: {error}.") from error
        yield Parts(
            kafka=kafka_connection(CommonSettings(kafka_bootstrap=settings.kafka_bootstrap))
            if settings.kafka_bootstrap
            else Connection(kafka.address),
            postgres_dsn=settings.postgres_dsn.get_secret_value() if settings.postgres_dsn else postgres.dsn,
            objects=folder.objects,
            logs=folder.logs,
            embedded=embedded,
        )


async def _together(*work: Coroutine[Any, Any, object]) -> None:
    """Runs all of `work` side by side; the first error cancels the rest and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for one in work:
                group.create_task(one)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
