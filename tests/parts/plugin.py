"""The fixtures that give a test real parts, and the line that says which they are.

A part is the one that the environment names (`KEYFRAME_KAFKA_BOOTSTRAP`, `KEYFRAME_POSTGRES_DSN`), else an embedded
one, started when the first test asks for it and kept until the last has run.
"""

import os
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest

from keyframe.embedded.folder import DataFolder, default_cache
from keyframe.embedded.kafka import Kafka
from keyframe.embedded.postgres import Postgres
from keyframe.embedded.report import silent

_KAFKA = os.environ.get("KEYFRAME_KAFKA_BOOTSTRAP")
_POSTGRES = os.environ.get("KEYFRAME_POSTGRES_DSN")

# A test's data need not outlive a power cut.
_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def pytest_report_header() -> str:
    """Says which parts the run uses."""
    kafka = f"at {_KAFKA}" if _KAFKA else "embedded"
    postgres = f"at {urlsplit(_POSTGRES).hostname}" if _POSTGRES else "embedded"
    return f"parts: Kafka {kafka}, Postgres {postgres}"


@pytest.fixture(scope="session")
def parts_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DataFolder]:
    """The data folder of the run's embedded parts."""
    folder = DataFolder(tmp_path_factory.mktemp("parts"))
    with folder.held():
        yield folder


@pytest.fixture(scope="session")
async def kafka_bootstrap(parts_folder: DataFolder) -> AsyncIterator[str]:
    """host:port of a broker that all tests share: name topics and groups after the test."""
    if _KAFKA:
        yield _KAFKA
        return
    async with Kafka(parts_folder, default_cache(), silent) as kafka:
        yield kafka.address


@pytest.fixture(scope="session")
async def postgres_dsn(parts_folder: DataFolder) -> AsyncIterator[str]:
    """A server that all tests share; a test wants `database`, which is its own."""
    if _POSTGRES:
        yield _POSTGRES
        return
    async with Postgres(parts_folder, silent, settings=_FAST) as postgres:
        yield postgres.dsn


@pytest.fixture(scope="session")
def database_template() -> str:
    """The database that each test's is cloned from; override it with one that has a schema."""
    return "template1"


@pytest.fixture
async def database(postgres_dsn: str, database_template: str) -> AsyncIterator[str]:
    """The address of a fresh database, dropped after the test."""
    name = f"test_{uuid4().hex}"
    server = await asyncpg.connect(postgres_dsn)
    try:
        await server.execute(f"CREATE DATABASE {name} TEMPLATE {database_template}")
        yield urlsplit(postgres_dsn)._replace(path=f"/{name}").geturl()
        await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await server.close()
