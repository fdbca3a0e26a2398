"""The shadow: the view's tables once more, in a schema of their own, until they take the place of those that are read.

What is assumed of gateways that run meanwhile, also of another version during an upgrade: they write to the tables of
the view by `folding.py` alone, so that whatever they have folded is on the log before, and they migrate under the
lock of `migrate.py`. What comes out is the view as the version that rebuilds it folds; where it is not the version
that migrated the database, it refuses. Rights that others were granted on the tables go with the old ones.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import asyncpg

from runtime.errors import Unavailable
from services.gateway import migrate
from services.gateway.folding import apart, folded, park
from services.gateway.parked import DeadLetter
from services.gateway.ports import NoRebuild
from services.gateway.projection import Fact

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection = asyncpg.Connection | PoolConnectionProxy[asyncpg.Record]

SCHEMA = "keyframe_rebuild"

DERIVED = ("jobs", "events", "dead_letters")
"""The tables that the log says everything of. The others are not rebuilt and stay as they are."""

LOCK = 0x6B657972
"""The advisory lock of whoever rebuilds: "keyr" in ASCII."""

WRITERS, READERS = "10s", "500ms"
"""How long writers are waited for, and readers: others who come to read wait behind us for so long."""

TRIES, PAUSE = 20, 1.0
"""A backup reads a table for long; it is let be, and the swap is tried again after so many seconds."""


@asynccontextmanager
async def shadow(connection: asyncpg.Connection) -> AsyncGenerator["Shadow"]:
    """Empty tables beside those that are read, for as long as the context is open; it closes the connection.

    Raises:
        NoRebuild: another rebuild is under way, or the database is of another version.
    """
    try:
        if not await connection.fetchval("select pg_try_advisory_lock($1)", LOCK):
            raise NoRebuild("The view is being rebuilt already.")
        live = await connection.fetchval("select quote_ident(current_schema())")
        await _require_own_version(connection, live)
        await connection.execute(f"{_DROP}; create schema {SCHEMA}; set search_path to {SCHEMA}")
        for step in migrate.migrations():
            await connection.execute(step.sql)
        # What a power cut could take is filled again anyway; the swap's own commit waits for the disk.
        await connection.execute("set synchronous_commit to off")
        yield Shadow(connection, live)
    finally:
        # In a task of its own: who hangs up cancels us again at each step.
        await asyncio.shield(asyncio.create_task(_end(connection)))


async def clear(connection: "Connection") -> None:
    """Drops what a rebuild that was cut off has left, unless one is under way."""
    async with connection.transaction():
        if await connection.fetchval("select pg_try_advisory_xact_lock($1)", LOCK):
            await connection.execute(_DROP)


_DROP = f"drop schema if exists {SCHEMA} cascade"


async def _end(connection: asyncpg.Connection) -> None:
    try:
        if await connection.fetchval("select current_schemas(false) = array[$1::name]", SCHEMA):
            await connection.execute(_DROP)
    finally:
        await connection.close(timeout=5)


async def _require_own_version(connection: asyncpg.Connection, live: str) -> None:
    rows = await connection.fetch(f"select name from {live}.migrations order by name")  # noqa: S608 - a quoted schema
    if [row["name"] for row in rows] != [step.name for step in migrate.migrations()]:
        raise NoRebuild("The database was migrated by another version of the gateway: rebuild the view with that one.")


class Shadow:
    """The tables beside those that are read."""

    def __init__(self, connection: asyncpg.Connection, live: str) -> None:
        self._connection = connection
        self._live = live

    async def apply(self, facts: Sequence[Fact]) -> int:
        """Folds facts in, as a view does; says how many it could not store."""
        return await apart(self._fold, facts)

    async def park(self, letters: Sequence[DeadLetter]) -> None:
        """Notes parked records."""
        await park(self._connection, letters)

    async def swap(self, catch_up: Callable[[], Awaitable[None]]) -> None:
        """Puts the tables in the place of those that are read, in one transaction, while reads go on.

        Args:
            catch_up: brings in what is still lacking, while nobody folds into the other tables. Called again
                where the swap had to be tried again.

        Raises:
            Unavailable: somebody has read the tables, or written to them, without a pause.
        """
        await self._connection.execute("analyze")
        for _ in range(TRIES):
            try:
                async with self._connection.transaction():
                    await self._swap(catch_up)
            except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
                await asyncio.sleep(PAUSE)
            else:
                return
        raise Unavailable("The tables of the view are in use by somebody who does not let go of them.", on="postgres")

    async def _fold(self, facts: Sequence[Fact]) -> None:
        async with self._connection.transaction():
            await folded(self._connection, facts)

    async def _swap(self, catch_up: Callable[[], Awaitable[None]]) -> None:
        execute = self._connection.execute
        live = ", ".join(f"{self._live}.{table}" for table in DERIVED)
        await execute(f"set local synchronous_commit to on; set local lock_timeout to '{WRITERS}'")
        await execute("select pg_advisory_xact_lock($1)", migrate.LOCK)
        await _require_own_version(self._connection, self._live)
        await execute(f"lock table {live} in exclusive mode")
        await catch_up()
        await execute(f"set local lock_timeout to '{READERS}'")
        await execute(f"drop table {live}")
        for table in DERIVED:
            await execute(f"alter table {SCHEMA}.{table} set schema {self._live}")
