"""One migrated database for all of these tests, emptied after each; one gateway on it for each."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest

from services.gateway.status_view import PostgresView
from tests.gateways import GatewayUnderTest, running


@pytest.fixture(scope="session")
async def _migrated(postgres_dsn: str) -> AsyncIterator[str]:
    name = f"gateway_{uuid4().hex}"
    server = await asyncpg.connect(postgres_dsn)
    await server.execute(f"create database {name}")
    dsn = urlsplit(postgres_dsn)._replace(path=f"/{name}").geturl()
    view = PostgresView(dsn)
    await view.open()
    await view.close()
    yield dsn
    await server.execute(f"drop database {name} with (force)")
    await server.close()


@pytest.fixture
async def tables(_migrated: str) -> AsyncIterator[str]:
    """The address of a database with our tables, and nothing in them."""
    yield _migrated
    connection = await asyncpg.connect(_migrated)
    for table in ("jobs", "events", "claims", "revisions", "dead_letters"):
        await connection.execute(f"delete from {table}")  # noqa: S608
    await connection.close()


@pytest.fixture
async def gateway(tables: str, tmp_path: Path) -> AsyncIterator[GatewayUnderTest]:
    """A gateway with the settings' defaults."""
    async with running(tables, tmp_path) as gateway:
        yield gateway
