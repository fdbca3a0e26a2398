"""One replay of a deployment at a time: the next revision of a job is counted from what those before it published."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import asyncpg

LOCK = 0x6B657970
"""The advisory lock of whoever replays: "keyp" in ASCII."""


async def taken(connection: asyncpg.Connection) -> bool:
    """Whether nobody else replays; then nobody else does until the connection is closed."""
    return await connection.fetchval("select pg_try_advisory_lock($1)", LOCK)


@asynccontextmanager
async def closing(connection: asyncpg.Connection) -> AsyncGenerator[None]:
    """Closes the connection in the end."""
    try:
        yield
    finally:
        # In a task of its own: who hangs up cancels us again at each step.
        await asyncio.shield(asyncio.create_task(_close(connection)))


async def _close(connection: asyncpg.Connection) -> None:
    with contextlib.suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        await connection.close(timeout=5)
