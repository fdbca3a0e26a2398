"""The status view in Postgres: folds facts in by `evolve`, answers all reads."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Generator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import asyncpg

from runtime.errors import Unavailable
from runtime.kafka import Location
from services.gateway import turns
from services.gateway.folding import REFUSED, apart, fold, letter_of, park, view_of
from services.gateway.known import JobView
from services.gateway.migrate import migrate, migrations
from services.gateway.parked import DeadLetter
from services.gateway.ports import Claim, MendingUnderWay, Place, ReplayUnderWay, Wanted
from services.gateway.projection import Fact
from services.gateway.queries import QUERIES
from services.gateway.refusals import ON, unserved
from services.gateway.shadow import Shadow, clear, shadow

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection = PoolConnectionProxy[asyncpg.Record]

AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""How a database that is away shows; the last is a connection that was cut while it was idle."""

CONNECT_SECONDS, COMMAND_SECONDS = 5.0, 15.0

REBUILD_SECONDS = 600.0
"""For a command of a rebuild, which may go over whole tables."""


class PostgresView:
    """A `StatusView` over a pool of connections."""

    def __init__(self, dsn: str, *, connections: int = 10) -> None:
        self._dsn = dsn
        self._connections = connections
        self._pool: asyncpg.Pool | None = None
        self._line = asyncio.Lock()
        """Of those here who would mend: one of them at a time stands in line in the database, with a connection."""

    async def open(self) -> None:
        if self._pool is not None:
            return
        pool = await asyncpg.create_pool(
            self._dsn,
            min_size=0,  # it connects when it is first used
            max_size=self._connections,
            timeout=CONNECT_SECONDS,
            command_timeout=COMMAND_SECONDS,
        )
        try:
            async with _connection(pool) as connection:
                await migrate(connection, migrations())
                await clear(connection)
        except BaseException:
            pool.terminate()
            raise
        self._pool = pool

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    async def ping(self) -> None:
        async with self._connection() as connection:
            await connection.fetch(QUERIES["ping"])

    async def apply(self, facts: Sequence[Fact]) -> int:
        return await apart(self._fold, facts)

    async def park(self, letters: Sequence[DeadLetter]) -> None:
        async with self._connection() as connection:
            await park(connection, letters)

    async def _fold(self, facts: Sequence[Fact]) -> None:
        async with self._connection() as connection:
            await fold(connection, facts)

    async def find(self, job_id: str) -> JobView | None:
        async with self._connection() as connection:
            row = await connection.fetchrow(QUERIES["find"], job_id)
        return view_of(row) if row else None

    async def find_all(self, job_ids: Collection[str]) -> Mapping[str, JobView]:
        async with self._connection() as connection:
            rows = await connection.fetch(QUERIES["find_all"], list(job_ids))
        return {str(row["job_id"]): view for row in rows if (view := view_of(row))}

    async def with_status(self, status: str) -> list[str]:
        async with self._connection() as connection:
            return [str(row["job_id"]) for row in await connection.fetch(QUERIES["with_status"], status)]

    async def seen(self, event_ids: Collection[str]) -> Mapping[str, int]:
        async with self._connection() as connection:
            rows = await connection.fetch(QUERIES["seen"], list(event_ids))
        return {str(row["event_id"]): row["revision"] for row in rows}

    async def take_revisions(self, events: Sequence[tuple[str, str, int]]) -> Mapping[str, int]:
        ids, jobs, known = ([event[column] for event in events] for column in range(3))
        async with self._connection() as connection:
            await connection.execute(QUERIES["take_revisions"], ids, jobs, known)
            rows = await connection.fetch(QUERIES["taken_revisions"], ids)
        if len(rows) < len(set(ids)):
            raise Unavailable("Another replay has taken a revision in the same moment.", on=ON)
        return {str(row["event_id"]): row["revision"] for row in rows}

    async def newest(self, limit: int, *, style: str | None, after: Place | None) -> list[JobView]:
        place = (after.completed_at, after.job_id) if after else (None, None)
        query = ("newest", limit, *place) if style is None else ("newest_of_style", limit, *place, style)
        async with self._connection() as connection:
            rows = await connection.fetch(QUERIES[str(query[0])], *query[1:])
        return [view for row in rows if (view := view_of(row))]

    async def parked(
        self, limit: int, wanted: Wanted, *, settled: bool = False, after: tuple[datetime, Location] | None = None
    ) -> list[DeadLetter]:
        place = (after[0], *_place(after[1])) if after else (None,) * 4
        async with self._connection() as connection:
            rows = await connection.fetch(QUERIES["parked"], settled, *_columns_of(wanted), *place, limit)
        return [letter_of(row) for row in rows]

    async def parked_at(self, places: Sequence[Location]) -> list[DeadLetter]:
        topics, partitions, offsets = zip(*map(_place, places), strict=True) if places else ((), (), ())
        async with self._connection() as connection:
            rows = await connection.fetch(QUERIES["parked_at"], topics, partitions, offsets)
        return [letter_of(row) for row in rows]

    async def waiting(self, wanted: Wanted) -> list[Location]:
        async with self._connection() as connection:
            rows = await connection.fetch(QUERIES["waiting"], *_columns_of(wanted))
        return [Location(row["topic"], row["partition"], row["at_offset"]) for row in rows]

    async def unfinished(self) -> int:
        async with self._connection() as connection:
            return await connection.fetchval(QUERIES["unfinished"])

    async def jobs_by_status(self) -> Mapping[str, int]:
        """How many jobs there are of each status that some have."""
        async with self._connection() as connection:
            rows = await connection.fetch(QUERIES["by_status"])
        return {row["status"]: row["jobs"] for row in rows}

    async def claimed(self, job_id: str) -> Claim | None:
        async with self._connection() as connection:
            row = await connection.fetchrow(QUERIES["claimed"], job_id)
        return Claim(row["digest"], row["requested_at"]) if row else None

    async def claim(self, job_id: str, claim: Claim) -> Claim:
        async with self._connection() as connection:
            await connection.execute(QUERIES["claim"], job_id, claim.digest, claim.requested_at)
            row = await connection.fetchrow(QUERIES["claimed"], job_id)
        return Claim(row["digest"], row["requested_at"]) if row else claim

    @asynccontextmanager
    async def rebuilding(self) -> AsyncGenerator[Shadow]:
        if self._pool is None:
            raise Unavailable("The status view is not open yet.", on=ON)
        with translated():
            connection = await asyncpg.connect(self._dsn, timeout=CONNECT_SECONDS, command_timeout=REBUILD_SECONDS)
            async with shadow(connection) as tables:
                yield tables

    @asynccontextmanager
    async def replaying(self) -> AsyncGenerator[Callable[[], Awaitable[None]]]:
        async with self._own_connection() as connection:
            with translated():
                alone = await turns.taken(connection, turns.REPLAY)
            if not alone:
                raise ReplayUnderWay("Another replay is under way; try again when it is done.")
            yield partial(_require, connection)

    @asynccontextmanager
    async def mending(self, patience: float) -> AsyncGenerator[Callable[[], Awaitable[None]]]:
        async with AsyncExitStack() as turn:
            try:
                async with asyncio.timeout(patience):
                    await turn.enter_async_context(self._line)
                    connection = await turn.enter_async_context(self._own_connection())
                    with translated():
                        await turns.waited_for(connection, turns.MENDING, patience + COMMAND_SECONDS)
            except TimeoutError:
                reason = "Another redrive or discard is under way; try again when it is done."
                raise MendingUnderWay(reason) from None
            yield partial(_require, connection)

    @asynccontextmanager
    async def _own_connection(self) -> AsyncGenerator[asyncpg.Connection]:
        """One that is not of the pool: what it holds ends with it."""
        if self._pool is None:
            raise Unavailable("The status view is not open yet.", on=ON)
        with translated():
            connection = await asyncpg.connect(self._dsn, timeout=CONNECT_SECONDS, command_timeout=COMMAND_SECONDS)
        async with turns.closing(connection):
            yield connection

    def _connection(self) -> AbstractAsyncContextManager["Connection"]:
        if self._pool is None:
            raise Unavailable("The status view is not open yet.", on="postgres")
        return _connection(self._pool)


@asynccontextmanager
async def _connection(pool: asyncpg.Pool) -> "AsyncGenerator[Connection]":
    """A connection of the pool. Raises `Unavailable`."""
    with translated():
        async with pool.acquire(timeout=CONNECT_SECONDS) as connection:
            yield connection


async def _require(connection: asyncpg.Connection) -> None:
    """Raises `Unavailable` where the connection has ended, and all that it held with it."""
    with translated():
        await connection.fetchval("select 1")


@contextmanager
def translated() -> Generator[None]:
    """Errors that are not of the data's making become `Unavailable`."""
    try:
        yield
    except REFUSED:
        raise
    except AWAY as error:
        raise unserved(error) from error


def _place(at: Location) -> tuple[str, int, int]:
    return at.topic, at.partition, at.offset


def _columns_of(wanted: Wanted) -> tuple[str | None, str | None, str | None]:
    return wanted.stage, wanted.job_id, wanted.code
