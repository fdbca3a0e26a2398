"""The database, the object store and the disks: real ones that can be killed, paused and filled up."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from keyframe.embedded.folder import DataFolder
from keyframe.embedded.ports import LOOPBACK, free_port
from keyframe.embedded.postgres import Postgres
from keyframe.embedded.report import silent
from tests.parts import s3

START_SECONDS = 30.0


class Database(Postgres):
    """A Postgres on a port that stays."""

    def __init__(self, folder: DataFolder) -> None:
        port = free_port()
        super().__init__(folder, silent, choose_port=lambda: port)

    @property
    def group(self) -> int:
        """The process group."""
        return self._server.pid

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    async def kill(self) -> None:
        """kill -9, the server's children included."""
        os.killpg(self.group, signal.SIGKILL)
        await self._server.wait()

    async def come_back(self) -> None:
        """Starts it again on what it left."""
        await self.__aenter__()


def through(dsn: str, port: int) -> str:
    """The same database by another port of this machine."""
    parts = urlsplit(dsn)
    credentials = parts.netloc.rpartition("@")[0]
    return parts._replace(netloc=f"{credentials}@{LOOPBACK}:{port}").geturl()


class NoStore(Exception):
    """There is no S3 server to be had: versitygw is not here, and neither is Go to build it."""


class Store:
    """versitygw over a folder, on a port that stays."""

    def __init__(self, folder: Path, log: Path) -> None:
        self._folder, self._log = folder, log
        self._process: asyncio.subprocess.Process | None = None
        self.port = free_port()
        self.endpoint = f"http://{LOOPBACK}:{self.port}"
        if s3._versitygw() is None and (go := shutil.which("go")):
            s3._build(go)
        binary = s3._versitygw()
        if binary is None:
            raise NoStore
        self._argv = s3._argv(binary, f"{LOOPBACK}:{self.port}", folder)

    @property
    def group(self) -> int:
        """The process group."""
        assert self._process is not None
        return self._process.pid

    async def come_back(self) -> None:
        """Starts it; on what it left, where it has run."""
        keys = {"ROOT_ACCESS_KEY": s3.ACCESS_KEY, "ROOT_SECRET_KEY": s3.SECRET_KEY}
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._argv, env=keys, stdout=log, stderr=log, start_new_session=True
            )
        async with asyncio.timeout(START_SECONDS), httpx.AsyncClient() as client:
            while True:
                with contextlib.suppress(httpx.TransportError):
                    if (await client.get(f"{self.endpoint}/health")).is_success:
                        return
                await asyncio.sleep(0.05)

    async def kill(self) -> None:
        """kill -9."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.group, signal.SIGKILL)
        await self._process.wait()


@asynccontextmanager
async def object_store(folder: Path, log: Path) -> AsyncIterator[Store]:
    """A running store. Raises `NoStore`."""
    store = Store(folder, log)
    await store.come_back()
    try:
        yield store
    finally:
        await store.kill()


class NoDisk(Exception):
    """A small disk cannot be made here: mounting a tmpfs needs root."""


class Disk:
    """A small file system of its own: a tmpfs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / ".ballast"

    def fill(self) -> None:
        """Takes all that is free, down to the last page."""
        with self._ballast.open("ab") as ballast:
            free = os.statvfs(self.folder)
            with contextlib.suppress(OSError):
                os.posix_fallocate(ballast.fileno(), ballast.tell(), free.f_bavail * free.f_frsize)
            with contextlib.suppress(OSError):
                while True:
                    os.write(ballast.fileno(), bytes(4096))

    def free(self) -> None:
        self._ballast.unlink(missing_ok=True)


@contextmanager
def disk(folder: Path, megabytes: int) -> Iterator[Disk]:
    """A disk of so many megabytes. Raises `NoDisk`."""
    folder.mkdir()
    argv = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if subprocess.run(argv, capture_output=True, check=False).returncode:
        raise NoDisk
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)  # noqa: S607 - it stands in the PATH of root
