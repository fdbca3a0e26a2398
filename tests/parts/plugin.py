"""The fixtures that give a test real parts, and the lines that say which they were.

A part is the one that the environment names (`KEYFRAME_KAFKA_BOOTSTRAP`, `KEYFRAME_POSTGRES_DSN`), else a container
where Docker has its image or can pull it, else an embedded one; `KEYFRAME_TEST_PARTS=containers` or `embedded` leaves
no choice between the two. It is started when the first test asks for it and kept until the last has run.
"""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest

from keyframe.embedded.folder import DataFolder, default_cache
from keyframe.embedded.jars import WHAT as KAFKA_VERSION
from keyframe.embedded.kafka import Kafka
from keyframe.embedded.postgres import Postgres
from keyframe.embedded.postgres_binaries import WHAT as POSTGRES_VERSION
from keyframe.embedded.report import silent
from tests.parts import containers

_KAFKA = os.environ.get("KEYFRAME_KAFKA_BOOTSTRAP")
_POSTGRES = os.environ.get("KEYFRAME_POSTGRES_DSN")
_CACHE = os.environ.get("KEYFRAME_CACHE")

# A test's data need not outlive a power cut.
_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


_USED = pytest.StashKey[dict[str, str]]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Says which parts the run used."""
    if used := config.stash.get(_USED, None):
        terminalreporter.section("parts that the tests ran on")
        for part, which in used.items():
            terminalreporter.write_line(f"{part}: {which}")


@pytest.fixture(scope="session")
def note_part(pytestconfig: pytest.Config) -> Callable[[str, str], None]:
    """Notes for the summary which `part` the run uses."""
    return pytestconfig.stash.setdefault(_USED, {}).__setitem__


@pytest.fixture(scope="session")
def parts_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DataFolder]:
    """The data folder of the run's embedded parts."""
    folder = DataFolder(tmp_path_factory.mktemp("parts"))
    with folder.held():
        yield folder


@pytest.fixture(scope="session")
def parts_cache() -> Path:
    """Where downloads are kept between runs, as the command line keeps them."""
    return Path(_CACHE) if _CACHE else default_cache()


@pytest.fixture(scope="session")
async def kafka_bootstrap(
    parts_folder: DataFolder, parts_cache: Path, note_part: Callable[[str, str], None]
) -> AsyncIterator[str]:
    """host:port of a broker that all tests share: name topics and groups after the test."""
    if _KAFKA:
        note_part("Kafka", f"KEYFRAME_KAFKA_BOOTSTRAP ({_KAFKA})")
        yield _KAFKA
        return
    if containers.wanted(containers.KAFKA):
        note_part("Kafka", f"a container of {containers.KAFKA}")
        with containers.kafka() as bootstrap:
            yield bootstrap
        return
    note_part("Kafka", f"embedded, {KAFKA_VERSION}")
    async with Kafka(parts_folder, parts_cache, silent) as kafka:
        yield kafka.address


@pytest.fixture(scope="session")
async def postgres_dsn(parts_folder: DataFolder, note_part: Callable[[str, str], None]) -> AsyncIterator[str]:
    """A server that all tests share; a test wants `database`, which is its own."""
    if _POSTGRES:
        note_part("Postgres", "KEYFRAME_POSTGRES_DSN")
        yield _POSTGRES
        return
    if containers.wanted(containers.POSTGRES):
        note_part("Postgres", f"a container of {containers.POSTGRES}")
        with containers.postgres(**_FAST) as dsn:
            yield dsn
        return
    note_part("Postgres", f"embedded, {POSTGRES_VERSION}")
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
