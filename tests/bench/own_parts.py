"""A Kafka and a Postgres of a benchmark's own, durable as in production."""

import os
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from keyframe.embedded.folder import DataFolder, default_cache
from keyframe.embedded.kafka import Kafka
from keyframe.embedded.postgres import Postgres
from keyframe.embedded.report import silent
from runtime.settings import CommonSettings
from runtime.telemetry import configure_logs


@dataclass(frozen=True)
class OwnParts:
    """Where they are."""

    bootstrap: str
    postgres_dsn: str
    folder: Path
    """For objects."""
    logs: Path


def _nowhere() -> IO[str]:
    return Path(os.devnull).open("w")


@asynccontextmanager
async def own_parts() -> AsyncGenerator[OwnParts]:
    """The parts for as long as the context is open."""
    with _nowhere() as nowhere, tempfile.TemporaryDirectory(prefix="keyframe-bench-") as parent:
        configure_logs(CommonSettings(), nowhere)  # written as in production, and read by nobody
        folder = DataFolder(Path(parent))
        with folder.held():
            async with Kafka(folder, default_cache(), silent) as kafka, Postgres(folder, silent) as postgres:
                yield OwnParts(kafka.address, postgres.dsn, folder.objects, folder.logs)
