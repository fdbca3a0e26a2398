"""The embedded stack on its real parts: it keeps its data, is alone on its folder and leaves nothing running."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from itertools import chain, count
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from keyframe.embedded.errors import FolderInUse, PartFailed
from keyframe.embedded.folder import DataFolder
from keyframe.embedded.kafka import Kafka
from keyframe.embedded.ports import LOOPBACK, free_port
from keyframe.embedded.postgres import Postgres
from keyframe.embedded.record import start_of
from keyframe.embedded.report import Downloading, Progress, silent
from keyframe.embedded.settings import StackSettings
from keyframe.embedded.stack import Parts, embedded_parts
from runtime.kafka import Connection, KafkaLog, ensure_topics
from schemas.topics import IMAGES_RENDERED

TOPIC = "kept"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, parts_cache: Path) -> StackSettings:
    """A data folder that the tests of this file use one after the other, as a user does."""
    return StackSettings(
        data=tmp_path_factory.mktemp("stack"), cache=parts_cache, kafka_bootstrap=None, postgres_dsn=None
    )


async def test_a_cancel_at_any_point_of_the_first_start_leaves_nothing_running(settings: StackSettings) -> None:
    for point in count(1):
        started = await _start_cancelled_at(point, settings)
        assert _running_in(settings.data) == []
        assert list((settings.data / "run").iterdir()) == []
        if started:
            break
    assert point > 4  # two parts that each prepare and start


async def test_data_outlive_a_restart(settings: StackSettings) -> None:
    async with embedded_parts(settings, silent) as parts:
        await _create(parts)
        await _write(parts, "before")
    async with embedded_parts(settings, silent) as parts:
        assert await _read(parts) == (["before"], ["before"])
        assert parts.objects == settings.data / "objects"


async def test_a_folder_in_use_is_refused_and_a_kill_leaves_nothing_that_the_next_start_minds(
    settings: StackSettings,
) -> None:
    holder = await _hold(settings)
    addresses = await _said(holder, "kafka")
    with pytest.raises(FolderInUse, match=f"in use by process {holder.pid}"):
        async with embedded_parts(settings, silent):
            pass
    left = _noted(settings.data)
    await _write(
        Parts(Connection(addresses["kafka"]), addresses["postgres"], settings.data, settings.data, ()), "killed"
    )
    holder.kill()
    await holder.wait()
    async with embedded_parts(settings, silent) as parts:  # at once: they still run
        assert all(start_of(pid) is None for pid in left)
        assert await _read(parts) == (["before", "killed"], ["before", "killed"])


async def test_an_interrupt_during_the_start_ends_all(settings: StackSettings) -> None:
    holder = await _hold(settings)
    await _said(holder, "progress")
    holder.send_signal(signal.SIGINT)
    await holder.wait()
    assert _running_in(settings.data) == []


async def test_a_port_that_is_taken_meanwhile_is_changed(settings: StackSettings, taken: int) -> None:
    fresh = iter(free_port, None)
    for_kafka = chain([next(fresh), taken], fresh)  # its controller's, which it binds first
    for_postgres = chain([taken], fresh)
    folder = DataFolder(settings.data)
    with folder.held():
        async with (
            Kafka(folder, settings.cache, silent, choose_port=for_kafka.__next__) as kafka,
            Postgres(folder, silent, choose_port=for_postgres.__next__) as postgres,
        ):
            assert next(for_kafka) != taken != next(for_postgres)
            await _read(Parts(Connection(kafka.address), postgres.dsn, folder.objects, folder.logs, ()))


async def test_a_part_that_dies_is_named(settings: StackSettings) -> None:
    async with embedded_parts(settings, silent) as parts:
        kafka, _ = _noted(settings.data)
        os.kill(kafka, signal.SIGKILL)
        with pytest.raises(PartFailed, match=r"Kafka ended by itself with status -9.*kafka\.log"):
            await asyncio.wait_for(parts.ended(), 30)


async def test_a_log_whose_broker_has_died_can_be_left(settings: StackSettings) -> None:
    async with embedded_parts(settings, silent) as parts:
        await ensure_topics(parts.kafka, [IMAGES_RENDERED])
        log = KafkaLog(parts.kafka, "test")
        await log.start()
        await log.publish_bytes(IMAGES_RENDERED, key=None, value=b"before", headers={})
        kafka, _ = _noted(settings.data)
        os.kill(kafka, signal.SIGKILL)
        publishing = asyncio.create_task(log.publish_bytes(IMAGES_RENDERED, key=None, value=b"after", headers={}))
        with pytest.raises(PartFailed):
            await asyncio.wait_for(parts.ended(), 30)
        publishing.cancel()

        await asyncio.wait_for(log.stop(), 30)
        await asyncio.gather(publishing, return_exceptions=True)


async def test_parts_that_are_given_are_not_started(tmp_path: Path) -> None:
    given = StackSettings(data=tmp_path, kafka_bootstrap="kafka:9092", postgres_dsn="postgresql://db/keyframe")
    async with embedded_parts(given, silent) as parts:
        assert (parts.kafka.bootstrap, parts.postgres_dsn) == ("kafka:9092", "postgresql://db/keyframe")
        assert _running_in(tmp_path) == []
        await parts.ended()


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that another program listens on."""
    with socket.socket() as other:
        other.bind((LOOPBACK, 0))
        other.listen()
        yield other.getsockname()[1]


async def _start_cancelled_at(point: int, settings: StackSettings) -> bool:
    """Cancels a start when it tells of its `point`th step; whether it was through before."""
    steps = count(1)

    def cancel(progress: Progress) -> None:
        if not isinstance(progress, Downloading) and next(steps) == point:
            starting.cancel()

    async def start_and_stop() -> None:
        async with embedded_parts(settings, cancel):
            pass

    starting = asyncio.create_task(start_and_stop())
    await asyncio.wait([starting])
    return not starting.cancelled() and starting.result() is None


async def _hold(settings: StackSettings) -> asyncio.subprocess.Process:
    """Another process that holds the parts."""
    argv = (sys.executable, "-m", "tests.parts.holder", str(settings.data), str(settings.cache))
    pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    return await asyncio.create_subprocess_exec(*argv, stdout=pipe, stderr=null)


async def _said(holder: asyncio.subprocess.Process, what: str) -> dict[str, str]:
    """The first line that tells of `what`."""
    assert holder.stdout is not None
    async for line in holder.stdout:
        if what in (said := json.loads(line)):
            return said
    raise AssertionError(f"the holder ended with status {await holder.wait()}")


async def _create(parts: Parts) -> None:
    """A table and a topic."""
    database = await asyncpg.connect(parts.postgres_dsn)
    await database.execute("CREATE TABLE kept (word text)")
    await database.close()
    admin = AIOKafkaAdminClient(bootstrap_servers=parts.kafka.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(TOPIC, 1, 1)])
    await admin.close()


async def _write(parts: Parts, word: str) -> None:
    """One more row and record."""
    database = await asyncpg.connect(parts.postgres_dsn)
    await database.execute("INSERT INTO kept VALUES ($1)", word)
    await database.close()
    async with AIOKafkaProducer(bootstrap_servers=parts.kafka.bootstrap, acks="all") as producer:
        await producer.send_and_wait(TOPIC, word.encode())


async def _read(parts: Parts) -> tuple[list[str], list[str]]:
    """What was written to the table, and as much of the topic."""
    database = await asyncpg.connect(parts.postgres_dsn)
    rows = [row["word"] for row in await database.fetch("SELECT word FROM kept")]
    await database.close()
    async with AIOKafkaConsumer(
        TOPIC, bootstrap_servers=parts.kafka.bootstrap, auto_offset_reset="earliest"
    ) as consumer:
        records = [(await asyncio.wait_for(consumer.getone(), 30)).value.decode() for _ in rows]
    return rows, records


def _noted(data: Path) -> list[int]:
    """The processes on record: Kafka's, then Postgres'."""
    return [json.loads(file.read_text())["pid"] for file in sorted((data / "run").iterdir())]


def _running_in(data: Path) -> list[int]:
    """The processes whose working directory lies in `data`; on Linux alone, elsewhere none are found."""
    found: list[int] = []
    for cwd in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if cwd.readlink().is_relative_to(data):
                found.append(int(cwd.parent.name))
        except OSError:
            continue  # it ended, or is another user's
    return found
