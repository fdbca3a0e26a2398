"""A real S3 server for the tests: versitygw where it, its image or Go is at hand, else moto's.

Tests that want the real one are marked `s3`: where it is built, that is once, when they are collected, because
it takes longer than a test may. moto accepts wrong signatures and expired URLs, so tests marked
`signatures` run on versitygw alone; the summary of the run says which server it was.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import httpx
import pytest
from moto.server import ThreadedMotoServer

from keyframe.embedded.ports import free_port
from runtime.s3_objects import S3Objects, s3_client
from tests.parts import containers

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

VERSION = "v1.8.0"
PACKAGE = f"github.com/versity/versitygw/cmd/versitygw@{VERSION}"
BUILD_SECONDS = 900
"""Some 90 on two idle cores; the binary is kept."""

START_SECONDS = 20
ACCESS_KEY, SECRET_KEY = "test-access-key", "test-secret-key"

_SERVER = pytest.StashKey[str]()


@dataclass(frozen=True)
class S3Server:
    """A running server, and the key it takes."""

    name: str
    endpoint: str
    access_key: str = ACCESS_KEY
    secret_key: str = SECRET_KEY


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "s3: runs on an S3 server, a real one where it can be had")
    config.addinivalue_line("markers", "signatures: needs an S3 server that checks signatures")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.option.collectonly or not any(item.get_closest_marker("s3") for item in items):
        return
    if not _in_container() and _versitygw() is None and (go := shutil.which("go")):
        config.get_terminal_writer().line(f"building versitygw {VERSION}, once")
        _build(go)
    if not _in_container() and _versitygw() is None:
        unproven = [item for item in items if item.get_closest_marker("signatures")]
        config.hook.pytest_deselected(items=unproven)
        items[:] = [item for item in items if item not in unproven]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if name := config.stash.get(_SERVER, None):
        terminalreporter.write_line(f"S3: {name}")


@pytest.fixture(scope="session")
def s3_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[S3Server]:
    """An S3 server on loopback, for the whole run."""
    with _server(tmp_path_factory.mktemp("s3")) as server:
        request.config.stash[_SERVER] = server.name
        yield server


@pytest.fixture(scope="session")
def s3_connection(s3_server: S3Server) -> Generator["S3Client"]:
    """A client of the server with the right key."""
    client = s3_client(
        endpoint_url=s3_server.endpoint,
        region="us-east-1",
        access_key=s3_server.access_key,
        secret_key=s3_server.secret_key,
    )
    with closing(client):
        yield client


@pytest.fixture
def s3_objects(s3_connection: "S3Client") -> S3Objects:
    """The object store over an empty bucket."""
    return s3_bucket(s3_connection)


def s3_bucket(connection: "S3Client") -> S3Objects:
    """The object store over a new bucket."""
    bucket = f"test-{uuid4()}"
    connection.create_bucket(Bucket=bucket)
    return S3Objects(connection, bucket)


def _in_container() -> bool:
    """A binary at hand is quicker, unless containers are asked for."""
    return (containers.CHOICE == "containers" or _versitygw() is None) and containers.wanted(containers.S3)


def _server(folder: Path) -> AbstractContextManager[S3Server]:
    if _in_container():
        return _contained()
    binary = _versitygw()
    return _running(binary, folder) if binary else _moto()


def _kept() -> Path:
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return caches / "keyframe" / f"versitygw-{VERSION}" / "versitygw"


def _versitygw() -> str | None:
    return shutil.which("versitygw") or shutil.which(_kept())


def _build(go: str) -> None:
    """Installs versitygw where `_versitygw` looks; where that fails, moto serves."""
    environment = {**os.environ, "GOBIN": str(_kept().parent)}
    with suppress(subprocess.CalledProcessError, subprocess.TimeoutExpired):
        subprocess.run(
            [go, "install", PACKAGE], env=environment, check=True, capture_output=True, timeout=BUILD_SECONDS
        )


@contextmanager
def _running(binary: str, folder: Path) -> Generator[S3Server]:
    address = f"127.0.0.1:{free_port()}"
    argv = _argv(binary, address, folder)
    keys = {"ROOT_ACCESS_KEY": ACCESS_KEY, "ROOT_SECRET_KEY": SECRET_KEY}
    with (folder / "log").open("wb") as log, subprocess.Popen(argv, env=keys, stdout=log, stderr=log) as process:
        try:
            _wait(lambda: process.poll() is None, f"http://{address}/health")
            yield S3Server(f"versitygw {VERSION}", f"http://{address}")
        finally:
            process.kill()


def _argv(binary: str, address: str, folder: Path) -> Sequence[str]:
    # A sidecar for what S3 keeps beside the bytes: not every disk has extended attributes.
    data, sidecar = folder / "data", folder / "sidecar"
    data.mkdir()
    sidecar.mkdir()
    return [binary, "--port", address, "--health", "/health", "--quiet", "posix", "--sidecar", str(sidecar), str(data)]


@contextmanager
def _contained() -> Generator[S3Server]:
    with containers.s3(ACCESS_KEY, SECRET_KEY) as endpoint:
        _wait(lambda: True, f"{endpoint}/health")
        yield S3Server(f"a container of {containers.S3}", endpoint)


def _wait(alive: Callable[[], bool], health: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and alive():
        try:
            if httpx.get(health).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    pytest.fail("versitygw did not start; its log lies in the run's temporary folder")


@contextmanager
def _moto() -> Generator[S3Server]:
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield S3Server("moto (versitygw cannot be had here: signatures are not proven)", f"http://{host}:{port}")
    finally:
        server.stop()
