"""Cancels across a broker that is killed: nobody hears of them meanwhile, and they come when it is back."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from keyframe.embedded.folder import DataFolder
from runtime.kafka import Connection, KafkaLog, ensure_topics
from runtime.process import Cancels, follow_cancels
from schemas.jobs import JobCancelled
from schemas.topics import JOB_CANCELLED, TOPICS
from tests.builders import envelope
from tests.chaos.broker import Broker
from tests.waiting import until


@pytest.fixture
async def broker(tmp_path_factory: pytest.TempPathFactory, parts_cache: Path) -> AsyncIterator[Broker]:
    folder = DataFolder(tmp_path_factory.mktemp("broker"))
    with folder.held():
        async with Broker(folder, parts_cache) as broker:
            yield broker


async def cancelled(broker: Broker, cancels: Cancels) -> None:
    """Cancels a job from outside, and waits until that is heard."""
    job = str(uuid4())
    outside = KafkaLog(Connection(broker.address), "outside")
    await outside.start()
    await outside.publish(JOB_CANCELLED, envelope(JobCancelled(job_id=job)))
    await outside.stop()
    await until(lambda: cancels.cancelled.cover(job, 1), 60)


async def test_a_broker_that_is_killed_and_comes_back_is_heard_again(broker: Broker) -> None:
    await ensure_topics(Connection(broker.address), TOPICS)
    kafka = KafkaLog(Connection(broker.address), "test")
    cancels = follow_cancels(kafka)
    await kafka.start()
    await cancelled(broker, cancels)

    await broker.kill()
    await until(lambda: cancels.tail.silent > 3, 60)
    await broker.come_back()

    await cancelled(broker, cancels)
    await until(lambda: cancels.tail.silent < 3, 60)
    await kafka.stop()
