"""Turns: what one gateway of a deployment is at, at a time. A turn belongs to a connection, and ends with it."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import asyncpg

REPLAY = 0x6B657970
"""The advisory lock of whoever replays ("keyp" in ASCII): a job's next revision is counted from what is published."""

MENDING = 0x6B65796D
"""The advisory lock of whoever redrives or discards ("keym" in ASCII): a parked record is settled once."""


async def taken(connection: asyncpg.Connection, turn: int) -> bool:
    """Whether nobody else has this turn; then nobody else gets it until the connection is closed."""
    return await connection.fetchval("select pg_try_advisory_lock($1)", turn)


async def waited_for(connection: asyncpg.Connection, turn: int, seconds: float) -> None:
    """Returns once the turn is this connection's; whoever came first has it first. Raises `TimeoutError`."""
    await connection.execute("select pg_advisory_lock($1)", turn, timeout=seconds)


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
