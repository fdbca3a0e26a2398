"""Kafka, Postgres and S3 in containers, of the images that docker-compose.yml names."""

import contextlib
import functools
import os
import shutil
import subprocess
from collections.abc import Generator
from pathlib import Path

from keyframe.embedded.ports import free_port

KAFKA, POSTGRES, S3 = "apache/kafka:4.1.1", "postgres:17-trixie", "versity/versitygw:v1.8.0"
START_SECONDS = 120

CHOICE = os.environ.get("KEYFRAME_TEST_PARTS", "")
"""`containers` or `embedded`: nothing else will do."""

_LOOK_SECONDS, _PULL_SECONDS = 30, 300
_KAFKA_LOG = Path(__file__).parents[2] / "deploy" / "kafka"
_PASSWORD = "test"


class NoContainers(Exception):
    """KEYFRAME_TEST_PARTS asks for containers, and none can be had."""


def wanted(image: str) -> bool:
    """Whether a part runs in a container: the engine answers and has its image, or can pull it.

    Raises:
        NoContainers: KEYFRAME_TEST_PARTS says that it must, and it cannot.
    """
    if CHOICE == "embedded":
        return False
    reason = _lack(image)
    if reason is not None and CHOICE == "containers":
        raise NoContainers(f"KEYFRAME_TEST_PARTS=containers, but {reason}")
    return reason is None


@functools.cache
def _lack(image: str) -> str | None:
    """Why there can be no container of an image, or None."""
    # By the command: docker-py leaves a socket open where nobody answers, which fails the test that runs then.
    program = shutil.which("docker")
    if program is None:
        return "there is no docker command"
    if not _ends_well(_LOOK_SECONDS, program, "version"):
        return "no Docker engine answers"
    if _ends_well(_LOOK_SECONDS, program, "image", "inspect", image):
        return None
    return None if _ends_well(_PULL_SECONDS, program, "pull", "--quiet", image) else f"{image} cannot be pulled"


def _ends_well(seconds: float, *argv: str) -> bool:
    try:
        return subprocess.run(argv, capture_output=True, check=False, timeout=seconds).returncode == 0
    except subprocess.TimeoutExpired:
        return False


@contextlib.contextmanager
def kafka() -> Generator[str]:
    """A broker; gives its host:port."""
    address = f"127.0.0.1:{(port := free_port())}"
    settings = {
        "KAFKA_HEAP_OPTS": "-Xmx256m",
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_LISTENERS": "PLAINTEXT://:9092,CONTROLLER://localhost:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://{address}",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "4",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
    }
    with _container(KAFKA, 9092, port, "Kafka Server started", settings, volumes={_KAFKA_LOG: "/mnt/shared/config"}):
        yield address


@contextlib.contextmanager
def postgres(**settings: str) -> Generator[str]:
    """A database server with the given settings; gives its address."""
    command = ["postgres", *(part for name, value in settings.items() for part in ("-c", f"{name}={value}"))]
    environment = {"POSTGRES_USER": "test", "POSTGRES_PASSWORD": _PASSWORD, "POSTGRES_DB": "test"}
    port = free_port()
    # It is started once to set itself up, without TCP, and then to stay.
    with _container(POSTGRES, 5432, port, r'listening on IPv4 address "0\.0\.0\.0"', environment, command):
        yield f"postgresql://test:{_PASSWORD}@127.0.0.1:{port}/test"


@contextlib.contextmanager
def s3(access_key: str, secret_key: str) -> Generator[str]:
    """An S3 server that takes this key; gives its address."""
    environment = {"ROOT_ACCESS_KEY": access_key, "ROOT_SECRET_KEY": secret_key}
    port = free_port()
    command = ["--health", "/health", "--quiet", "posix", "/tmp"]
    with _container(S3, 7070, port, "single account mode", environment, command):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def _container(
    image: str,
    inside: int,
    outside: int,
    ready: str,
    environment: dict[str, str],
    command: list[str] | None = None,
    volumes: dict[Path, str] | None = None,
) -> Generator[None]:
    """A container that has said that it is ready, published at a port of loopback."""
    # Imported here: it looks for an engine. Its reaper is an image of its own; we stop what we start.
    os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    container = DockerContainer(image).with_envs(**environment)
    container.ports = {f"{inside}/tcp": ("127.0.0.1", outside)}
    if command:
        container.with_command(command)
    for host, path in (volumes or {}).items():
        container.with_volume_mapping(host, path)
    container.waiting_for(LogMessageWaitStrategy(ready).with_startup_timeout(START_SECONDS))
    with container:
        yield
