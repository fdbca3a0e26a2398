"""kill -9 at each seam of a record's way: the job goes on, and nothing that was finished is made again."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer

from runtime.kafka import Connection, KafkaLog, ensure_topics
from schemas.envelope import Envelope
from schemas.events import ImagesRendered, ScriptWritten
from schemas.topics import IMAGES_RENDERED, JOB_FAILED, SCRIPT_WRITTEN, TOPICS, ServiceName, Topic, dead_letters
from tests import builders
from tests.chaos.stage_process import KILLED, REFUSED

SCENES, AT_ONCE = 6, 2


@dataclass(frozen=True)
class House:
    bootstrap: str
    folder: Path
    reads: Topic
    writes: Topic

    @asynccontextmanager
    async def process(self, seam: str) -> AsyncIterator[asyncio.subprocess.Process]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.chaos.stage_process", self.bootstrap, str(self.folder)),
            *(self.reads.name, self.writes.name, seam),
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def publish(self, script: ScriptWritten) -> None:
        log = KafkaLog(Connection(self.bootstrap), "test")
        await log.start()
        await log.publish(self.reads, replace(builders.envelope(script), type=self.reads.name))
        await log.stop()

    async def first(self, topic: Topic, job_id: str) -> Envelope:
        """The first event of the job on a topic."""
        reader = AIOKafkaConsumer(topic.name, bootstrap_servers=self.bootstrap, auto_offset_reset="earliest")
        await reader.start()
        try:
            async with asyncio.timeout(60):
                async for record in reader:
                    if record.key == job_id.encode():
                        return Envelope.from_kafka(record.headers, record.value)
        finally:
            await reader.stop()
        raise AssertionError

    async def all(self, topic: Topic, job_id: str) -> list[tuple[str, bytes | None]]:
        """Id and value of everything that is known of the job on a topic by now."""
        reader = AIOKafkaConsumer(bootstrap_servers=self.bootstrap)
        await reader.start()
        try:
            partitions = reader.assign([*await _partitions(reader, topic)]) or list(reader.assignment())
            await reader.seek_to_beginning()
            ends = await reader.end_offsets(partitions)
            found: list[tuple[str, bytes | None]] = []
            while any([await reader.position(each) < ends[each] for each in partitions]):
                for records in (await reader.getmany(timeout_ms=500)).values():
                    found += [
                        (dict(record.headers)["ce_id"].decode(), record.value)
                        for record in records
                        if record.key == job_id.encode()
                    ]
            return found
        finally:
            await reader.stop()

    def paid(self) -> list[int]:
        ledger = self.folder / "paid"
        return [int(line) for line in ledger.read_text().split()] if ledger.exists() else []


async def _partitions(reader: AIOKafkaConsumer, topic: Topic) -> list[object]:
    from aiokafka import TopicPartition

    return [TopicPartition(topic.name, number) for number in range(topic.partitions)]


@pytest.fixture
async def house(kafka_bootstrap: str, tmp_path: Path) -> House:
    name = uuid4().hex
    reads = replace(SCRIPT_WRITTEN, name=f"test.{name}.v1", partitions=1)
    writes = replace(IMAGES_RENDERED, name=f"answer.{name}.v1", partitions=1)
    await ensure_topics(Connection(kafka_bootstrap), [*TOPICS, reads, writes])
    return House(kafka_bootstrap, tmp_path, reads, writes)


@pytest.mark.parametrize(
    ("seam", "in_flight"), [("pay", AT_ONCE), ("put", AT_ONCE), ("remember", 0), ("emit", 0), ("commit", 0)]
)
async def test_a_kill_costs_the_calls_in_flight_at_most(house: House, seam: str, in_flight: int) -> None:
    script = builders.script_written(int(uuid4()), scenes=SCENES)
    await house.publish(script)
    async with house.process(seam) as dying:
        assert await asyncio.wait_for(dying.wait(), 60) == KILLED
    paid_before = len(house.paid())

    async with house.process("none"):
        answer = await house.first(house.writes, script.job_id)
        # The record behind it shows that the partition goes on.
        after = builders.script_written(int(uuid4()), scenes=1)
        await house.publish(after)
        await house.first(house.writes, after.job_id)

    answers = await house.all(house.writes, script.job_id)
    assert len(ImagesRendered.model_validate_json(answer.data).scenes) == SCENES
    assert len(set(answers)) == 1
    assert SCENES <= len(house.paid()) - 1 <= SCENES + in_flight
    if not in_flight:
        assert len(house.paid()) - 1 == paid_before


async def test_a_kill_after_the_park_fails_the_job_once(house: House) -> None:
    refused = builders.scene(0).model_copy(update={"image_prompt": REFUSED})
    script = builders.script_written(int(uuid4()), scenes=1).model_copy(update={"scenes": (refused,)})
    await house.publish(script)
    async with house.process("park") as dying:
        assert await asyncio.wait_for(dying.wait(), 60) == KILLED

    async with house.process("none"):
        await house.first(JOB_FAILED, script.job_id)
        after = builders.script_written(int(uuid4()), scenes=1)
        await house.publish(after)
        await house.first(house.writes, after.job_id)

    parked = await house.all(dead_letters(ServiceName.IMAGES), script.job_id)
    failures = await house.all(JOB_FAILED, script.job_id)
    assert len(set(parked)) == 1
    assert len({event_id for event_id, _ in failures}) == 1
    assert await house.all(house.writes, script.job_id) == []
