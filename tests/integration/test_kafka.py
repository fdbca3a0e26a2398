"""The log on a real broker: what is consumed, committed, given back and drained."""

import asyncio
import gc
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import GroupLoadInProgressError

from runtime.folder_objects import FolderObjects
from runtime.hand import Hand
from runtime.health import Health, Vitals
from runtime.kafka import Connection, KafkaLog, Subscription, ensure_topics
from runtime.process import attach, run_on_log
from runtime.records import Record
from runtime.settings import StageSettings
from runtime.stage import Job, Stage
from schemas.events import ImagesRendered, ScriptWritten
from schemas.topics import IMAGES_RENDERED, SCRIPT_WRITTEN, TOPICS, ServiceName, Topic
from tests import builders
from tests.waiting import until


@pytest.fixture
async def topic(kafka_bootstrap: str) -> Topic:
    """A topic of the test's own, with three partitions."""
    fresh = replace(SCRIPT_WRITTEN, name=f"test.{uuid4().hex}.v1", partitions=3)
    await ensure_topics(Connection(kafka_bootstrap), [*TOPICS, fresh])
    return fresh


@pytest.fixture
async def producer(kafka_bootstrap: str) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap)
    await producer.start()
    yield producer
    await producer.stop()


def subscription(topic: Topic) -> Subscription:
    return Subscription(group=f"{topic.name}.group", topics=(topic,), drain=20, longest=60)


async def committed(bootstrap: str, topic: Topic) -> int:
    """How many records of the topic its group has done with."""
    reader = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=f"{topic.name}.group", enable_auto_commit=False)
    await reader.start()
    try:
        offsets = [await reader.committed(partition) for partition in await partitions(reader, topic)]
        return sum(offset or 0 for offset in offsets)
    finally:
        await reader.stop()


async def partitions(reader: AIOKafkaConsumer, topic: Topic) -> list[object]:
    from aiokafka import TopicPartition

    return [TopicPartition(topic.name, number) for number in range(topic.partitions)]


class Settled:
    """A settle function that records what it saw and answers as it is told."""

    def __init__(self, *answers: bool) -> None:
        self.answers = list(answers)
        self.records: list[Record] = []

    async def __call__(self, record: Record) -> bool:
        self.records.append(record)
        return self.answers.pop(0) if self.answers else True


async def test_a_record_that_is_given_back_comes_again_and_is_committed_once(
    kafka_bootstrap: str, topic: Topic, producer: AIOKafkaProducer
) -> None:
    settle = Settled(False, False, True)
    kafka = KafkaLog(Connection(kafka_bootstrap), "test")
    kafka.consume(subscription(topic), Hand(), settle, lambda partitions: None)
    await kafka.start()
    await producer.send_and_wait(topic.name, b"{}", key=b"k", partition=0)

    await until(lambda: len(settle.records) == 3)
    await kafka.stop()

    assert {record.offset for record in settle.records} == {0}
    assert await committed(kafka_bootstrap, topic) == 1


async def test_null_headers_and_values_reach_the_worker(
    kafka_bootstrap: str, topic: Topic, producer: AIOKafkaProducer
) -> None:
    settle = Settled()
    kafka = KafkaLog(Connection(kafka_bootstrap), "test")
    kafka.consume(subscription(topic), Hand(), settle, lambda partitions: None)
    await kafka.start()
    await producer.send_and_wait(topic.name, None, key=b"k", headers=[("a", None), ("b", b"\xff\xfe")])  # type: ignore[list-item]

    await until(lambda: settle.records)
    await kafka.stop()

    assert settle.records[0].headers == (("a", None), ("b", b"\xff\xfe"))
    assert settle.records[0].value is None


async def test_a_stop_waits_for_the_record_in_hand_and_commits_it(
    kafka_bootstrap: str, topic: Topic, producer: AIOKafkaProducer
) -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def settle(record: Record) -> bool:
        begun.set()
        await may_end.wait()
        return True

    kafka = KafkaLog(Connection(kafka_bootstrap), "test")
    kafka.consume(subscription(topic), Hand(), settle, lambda partitions: None)
    await kafka.start()
    await producer.send_and_wait(topic.name, b"{}")
    await begun.wait()
    stopping = asyncio.create_task(kafka.stop())
    await asyncio.sleep(0.2)
    assert not stopping.done()
    may_end.set()
    await asyncio.wait_for(stopping, 20)

    assert await committed(kafka_bootstrap, topic) == 1


async def test_a_commit_that_fails_once_it_was_given_up_is_told_of_as_no_bug(
    kafka_bootstrap: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(error: Exception) -> None:
        raise error

    kafka = KafkaLog(Connection(kafka_bootstrap), "test")
    await kafka.start()
    for error in (GroupLoadInProgressError(), ValueError("a bug")):
        await asyncio.wait({asyncio.create_task(fail(error))})
    gc.collect()
    await kafka.stop()
    assert [repr(each.exc_info[1]) for each in caplog.records if each.exc_info] == ["ValueError('a bug')"]


async def test_a_replica_that_joins_does_not_start_what_another_has_in_hand(
    kafka_bootstrap: str, topic: Topic, producer: AIOKafkaProducer
) -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()
    seen: list[tuple[int, int]] = []

    async def settle(record: Record) -> bool:
        seen.append((record.partition, record.offset))
        begun.set()
        await may_end.wait()
        return True

    first, second = KafkaLog(Connection(kafka_bootstrap), "first"), KafkaLog(Connection(kafka_bootstrap), "second")
    held = first.consume(subscription(topic), Hand(), settle, lambda partitions: None)
    joining = second.consume(subscription(topic), Hand(), settle, lambda partitions: None)
    await first.start()
    for partition in range(topic.partitions):
        await producer.send_and_wait(topic.name, b"{}", partition=partition)
    await begun.wait()
    starting = asyncio.create_task(second.start())
    await until(lambda: held.hand.wanted)
    assert len(seen) == 1
    may_end.set()
    await starting
    await until(lambda: held.partitions + joining.partitions == topic.partitions and joining.partitions)
    await until(lambda: len(seen) == topic.partitions)
    await asyncio.gather(first.stop(), second.stop())

    assert len(set(seen)) == len(seen)
    assert await committed(kafka_bootstrap, topic) == topic.partitions


async def test_a_batch_that_fails_comes_again_whole(
    kafka_bootstrap: str, topic: Topic, producer: AIOKafkaProducer
) -> None:
    batches: list[list[int]] = []

    async def handle(records: Sequence[Record]) -> None:
        batches.append([record.offset for record in records])
        if len(batches) == 1:
            raise OSError("the database is away")

    for _ in range(5):
        await producer.send_and_wait(topic.name, b"{}", partition=1, headers=[("x", None)])  # type: ignore[list-item]
    kafka = KafkaLog(Connection(kafka_bootstrap), "test")
    kafka.follow(subscription(topic), handle)
    await kafka.start()

    await until(lambda: {offset for batch in batches[1:] for offset in batch} == set(range(5)))
    await kafka.stop()

    assert batches[0][0] == 0
    assert await committed(kafka_bootstrap, topic) == 5


async def test_a_stage_answers_on_the_log_and_says_that_it_is_ready(
    kafka_bootstrap: str, topic: Topic, tmp_path: Path
) -> None:
    answers = replace(IMAGES_RENDERED, name=topic.name.replace("test.", "answer."))
    await ensure_topics(Connection(kafka_bootstrap), [answers])

    async def paints(script: ScriptWritten, job: Job) -> ImagesRendered:
        return script.grown(ImagesRendered, scenes=builders.images_rendered().scenes)

    stage = Stage(ServiceName.IMAGES, topic, answers, paints, lambda job: job, StageSettings())
    seen = Settled()
    kafka = KafkaLog(Connection(kafka_bootstrap), "test")
    health = Health(attach(stage, kafka, FolderObjects(tmp_path)).vitals)
    kafka.consume(subscription(answers), Hand(), seen, lambda partitions: None)
    assert health.problems() == ["images: no partition is assigned yet"]
    await kafka.start()
    for number in range(3):
        await kafka.publish(topic, replace(builders.envelope(builders.script_written(number)), type=topic.name))

    await until(lambda: len(seen.records) == 3)
    await until(lambda: health.problems() == [])
    assert health.problems(Vitals.not_live) == []
    await kafka.stop()

    assert {record.key for record in seen.records} == {builders.job_id(number).encode() for number in range(3)}
    for record in seen.records:
        assert record.value is not None
        ImagesRendered.model_validate_json(record.value)


async def test_a_chore_that_dies_ends_the_process(kafka_bootstrap: str) -> None:
    async def dies() -> None:
        raise ZeroDivisionError

    kafka = KafkaLog(Connection(kafka_bootstrap), "test")
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(run_on_log(kafka, asyncio.Event(), chores=[dies]), 60)
