"""Cancels on a real broker: what a stage hears, and when."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions

from runtime.errors import Unavailable
from runtime.folder_objects import FolderObjects
from runtime.hand import Doing
from runtime.health import Health
from runtime.kafka import Connection, KafkaLog, ensure_topics, tail
from runtime.process import attach, follow_cancels, run_on_log
from runtime.records import Record
from runtime.settings import StageSettings
from runtime.stage import Job, Stage
from schemas.events import ImagesRendered, ScriptWritten
from schemas.jobs import JobCancelled
from schemas.topics import IMAGES_RENDERED, JOB_CANCELLED, SCRIPT_WRITTEN, TOPICS, ServiceName, Topic
from tests import builders
from tests.waiting import until


@dataclass
class Away:
    """A stage whose provider is away for an hour."""

    jobs: list[str] = field(default_factory=list[str])

    async def __call__(self, script: ScriptWritten, job: Job) -> ImagesRendered:
        self.jobs.append(script.job_id)
        raise Unavailable("the painter is away", on="painter", retry_after=3600)


@pytest.fixture
async def topic(kafka_bootstrap: str) -> Topic:
    """A topic of the test's own, with one partition."""
    fresh = replace(SCRIPT_WRITTEN, name=f"test.{uuid4().hex}.v1", partitions=1)
    await ensure_topics(Connection(kafka_bootstrap), [*TOPICS, fresh])
    return fresh


@pytest.fixture
async def outside(kafka_bootstrap: str) -> AsyncIterator[KafkaLog]:
    """Whoever publishes."""
    log = KafkaLog(Connection(kafka_bootstrap), "outside")
    await log.start()
    yield log
    await log.stop()


def script(job: str) -> ScriptWritten:
    return builders.script_written().model_copy(update={"job_id": job})


async def ask(log: KafkaLog, topic: Topic, job: str) -> None:
    await log.publish(topic, replace(builders.envelope(script(job)), type=topic.name))


async def cancel(log: KafkaLog, job: str) -> None:
    await log.publish(JOB_CANCELLED, builders.envelope(JobCancelled(job_id=job)))


def stage(topic: Topic, run: Away) -> Stage[ScriptWritten, ImagesRendered, Job]:
    return Stage(ServiceName.IMAGES, topic, IMAGES_RENDERED, run, lambda job: job, StageSettings())


async def done(log: KafkaLog, topic: Topic) -> int:
    """How many records of the topic the stage has done with."""
    return sum(lag.committed or 0 for lag in await log.lags({"keyframe.images": [topic]}))


async def test_what_was_cancelled_before_the_start_is_known_before_the_first_record(
    kafka_bootstrap: str, topic: Topic, outside: KafkaLog, tmp_path: Path
) -> None:
    cancelled, wanted = str(uuid4()), str(uuid4())
    await ask(outside, topic, cancelled)
    await ask(outside, topic, wanted)
    await asyncio.gather(*(cancel(outside, str(uuid4())) for _ in range(500)), cancel(outside, cancelled))
    run, kafka, stopping = Away(), KafkaLog(Connection(kafka_bootstrap), "test"), asyncio.Event()
    attached = attach(stage(topic, run), kafka, FolderObjects(tmp_path))
    assert not attached.vitals[0].not_live()
    running = asyncio.create_task(run_on_log(kafka, stopping))

    await until(lambda: run.jobs)
    assert run.jobs == [wanted]
    stopping.set()
    await running

    assert await done(outside, topic) == 1


async def test_a_cancel_ends_a_hold_and_the_next_record_comes(
    kafka_bootstrap: str, topic: Topic, outside: KafkaLog, tmp_path: Path
) -> None:
    first, second = str(uuid4()), str(uuid4())
    run, kafka, stopping = Away(), KafkaLog(Connection(kafka_bootstrap), "test"), asyncio.Event()
    cancels = follow_cancels(kafka)
    attached = attach(stage(topic, run), kafka, FolderObjects(tmp_path), cancels)
    running = asyncio.create_task(run_on_log(kafka, stopping))
    await ask(outside, topic, first)
    await ask(outside, topic, second)
    member = attached.vitals[0].member
    await until(lambda: run.jobs == [first] and member.hand.doing is Doing.WAIT)

    await cancel(outside, first)

    await until(lambda: run.jobs == [first, second])
    assert await done(outside, topic) == 1
    assert cancels.tail.silent < 30
    assert Health(attached.vitals).problems() == []
    stopping.set()
    await running


async def test_a_tail_that_has_broken_begins_again_and_goes_on(
    kafka_bootstrap: str, topic: Topic, outside: KafkaLog
) -> None:
    heard = list[bytes]()

    def hear(record: Record) -> None:
        assert record.key is not None
        heard.append(record.key)
        if len(heard) in (2, 4):  # while it reads on, and while it begins again
            raise ZeroDivisionError

    kafka = KafkaLog(Connection(kafka_bootstrap), "test")
    kafka.tail(topic, hear)
    await outside.publish_bytes(topic, key=b"1", value=b"", headers={})
    await kafka.start()
    assert heard == [b"1"]
    for key in (b"2", b"3"):
        await outside.publish_bytes(topic, key=key, value=b"", headers={})

    await until(lambda: heard == [b"1", b"2"] * 3 + [b"3"])
    await outside.publish_bytes(topic, key=b"4", value=b"", headers={})
    await until(lambda: heard[-1] == b"4")
    await kafka.stop()


async def test_a_partition_that_was_added_is_heard_too(
    kafka_bootstrap: str, topic: Topic, outside: KafkaLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "METADATA_MS", 200)
    heard = list[bytes | None]()
    kafka = KafkaLog(Connection(kafka_bootstrap), "test")
    kafka.tail(topic, lambda record: heard.append(record.key))
    await outside.publish_bytes(topic, key=b"old", value=b"", headers={})
    await kafka.start()
    assert heard == [b"old"]

    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    await admin.create_partitions({topic.name: NewPartitions(2)})
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap) as producer:
        await producer.send_and_wait(topic.name, b"", b"new", partition=1)

    await until(lambda: sorted(key or b"" for key in heard) == [b"new", b"old", b"old"])
    await kafka.stop()


async def test_silence_shows(kafka_bootstrap: str, tmp_path: Path) -> None:
    class Deaf:
        silent = 45.0

    kafka = KafkaLog(Connection(kafka_bootstrap), "test")
    [vitals] = attach(stage(SCRIPT_WRITTEN, Away()), kafka, FolderObjects(tmp_path)).vitals

    class Member:
        hand, partitions, seconds_since_poll = vitals.member.hand, 1, 0.1

    assert replace(vitals, member=Member()).not_ready() is None
    assert replace(vitals, member=Member(), cancels=Deaf()).not_ready() == (
        "images: cancels of jobs have not been heard for 45 s"
    )
