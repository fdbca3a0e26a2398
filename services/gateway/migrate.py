"""Migrations: the files of `migrations/` in order, each once, whoever starts first."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

from runtime.errors import Permanent

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

FOLDER = Path(__file__).parent / "migrations"

LOCK = 0x6B657966
"""The advisory lock that gateways which start at once queue for: "keyf" in ASCII."""


class MigrationRefused(Permanent):
    """The database was migrated by other files than the ones that are here."""


@dataclass(frozen=True)
class Migration:
    """One step, and the SHA-256 of its file with its line ends as LF."""

    name: str
    sql: str
    checksum: str


def migrations(folder: Path = FOLDER) -> list[Migration]:
    """The steps, in the order of their numbers."""
    return [_read(path) for path in sorted(folder.glob("[0-9][0-9][0-9][0-9]_*.sql"))]


def _read(path: Path) -> Migration:
    sql = path.read_text(encoding="utf-8")
    return Migration(path.stem, sql, hashlib.sha256(sql.encode()).hexdigest())


async def migrate(connection: "asyncpg.Connection | PoolConnectionProxy", steps: Sequence[Migration]) -> list[str]:
    """Runs the steps that this database lacks, in one transaction; their names.

    A database that is ahead of these files is left alone: a newer gateway migrated it, and migrations keep
    what the last version reads, so that both can run during an upgrade.

    Raises:
        MigrationRefused: a file was changed after it had run, or one is missing among those that ran.
        asyncpg.PostgresError: the database refused.
    """
    async with connection.transaction():
        await connection.execute("select pg_advisory_xact_lock($1)", LOCK)
        await connection.execute(
            "create table if not exists migrations "
            "(name text primary key, checksum text not null, applied_at timestamptz not null default now())"
        )
        rows = await connection.fetch("select name, checksum from migrations order by name")
        applied = {str(row["name"]): str(row["checksum"]) for row in rows}
        lacking = _lacking(steps, applied)
        for step in lacking:
            await connection.execute(step.sql)
            await connection.execute(
                "insert into migrations (name, checksum) values ($1, $2)", step.name, step.checksum
            )
    return [step.name for step in lacking]


def _lacking(steps: Sequence[Migration], applied: dict[str, str]) -> list[Migration]:
    known = {step.name for step in steps}
    newest = max(known, default="")
    for name in applied:
        if name not in known and name < newest:
            raise MigrationRefused(f"the database has migration {name}, and this version does not know it")
    lacking: list[Migration] = []
    for step in steps:
        if step.name not in applied:
            lacking.append(step)
        elif applied[step.name] != step.checksum:
            raise MigrationRefused(f"migration {step.name} was changed after it had run on this database")
    return lacking
