"""A stage's hand-off against raw aiokafka, one record at a time.

    python -m tests.bench.hand_off --records 300 --rounds 5

The stage consumes, recalls, tells that it has begun, runs an instant function, remembers in a folder, emits and
commits each record. The other side consumes the same records, produces ones of the same size (acks=all, idempotent)
and commits each. Both take turns on one broker; a round counts the records after the first of them.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from runtime.brake import Brake
from runtime.folder_objects import FolderObjects
from runtime.hand import Hand
from runtime.kafka import Connection, KafkaLog, Subscription, ensure_topics
from runtime.outcome import GivenBack
from runtime.records import Record
from runtime.worker import Worker
from schemas.events import ImagesRendered, ScriptWritten
from schemas.topics import TOPICS, Topic
from tests.bench.instant import instant_stages, sample
from tests.bench.own_parts import own_parts
from tests.builders import envelope, job_id

IMAGES = 1
"""The stage that is measured: its place in the chain."""

SHM = Path("/dev/shm")


@dataclass
class Laps:
    """When the first and the last of so many records passed."""

    records: int
    passed: int = 0
    began: float = 0.0
    done: asyncio.Event = field(default_factory=asyncio.Event)
    per_second: float = 0.0

    def lap(self) -> None:
        self.passed += 1
        if self.passed == 1:
            self.began = time.perf_counter()
        elif self.passed == self.records:
            self.per_second = (self.records - 1) / (time.perf_counter() - self.began)
            self.done.set()


@dataclass
class Round:
    """A pair of topics that nobody has used."""

    bootstrap: str
    reads: Topic
    writes: Topic
    records: int

    @classmethod
    async def new(cls, bootstrap: str, name: str, records: int) -> "Round":
        stage = instant_stages()[IMAGES]
        made = cls(
            bootstrap,
            replace(stage.consumes, name=f"bench.{name}.in"),
            replace(stage.emits, name=f"bench.{name}.out"),
            records,
        )
        await ensure_topics(Connection(bootstrap), [made.reads, made.writes])
        async with AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=5) as producer:
            script = sample(ScriptWritten)
            for number in range(records):
                told = envelope(script.model_copy(update={"job_id": job_id(number + 1)}), cause=name)
                told = replace(told, type=made.reads.name)
                headers = [(key, text.encode()) for key, text in told.headers().items()]
                await producer.send(made.reads.name, told.data, key=told.subject.encode(), headers=headers)
            await producer.flush()
        return made

    async def handed_off(self, store: FolderObjects) -> float:
        """Records a second of the stage."""
        laps = Laps(self.records)
        stage = replace(instant_stages()[IMAGES], consumes=self.reads, emits=self.writes)
        log = KafkaLog(Connection(self.bootstrap), "bench")
        worker = Worker(stage, log, store, Hand(), Brake(9), lambda most: 0.0)

        async def settle(record: Record) -> bool:
            laps.lap()
            return not isinstance(await worker.settle(record), GivenBack)

        subscription = Subscription(f"bench.{self.reads.name}", (self.reads,), drain=20, longest=60)
        log.consume(subscription, worker.hand, settle, worker.assigned)
        await log.start()
        await asyncio.wait_for(laps.done.wait(), 300)
        await log.stop()
        return laps.per_second

    async def raw(self) -> float:
        """Records a second of aiokafka alone."""
        laps = Laps(self.records)
        answer = envelope(sample(ImagesRendered))
        headers = [(key, text.encode()) for key, text in answer.headers().items()]
        consumer: Any = AIOKafkaConsumer(
            self.reads.name,
            bootstrap_servers=self.bootstrap,
            group_id=f"bench.{self.reads.name}",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
        )
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, acks="all", enable_idempotence=True)
        async with consumer, producer:
            while not laps.done.is_set():
                record = await consumer.getone()
                laps.lap()
                await producer.send_and_wait(self.writes.name, answer.data, key=record.key, headers=headers)
                await consumer.commit()
        return laps.per_second


def folders() -> Iterator[tuple[str, Path]]:
    """Where answers are remembered: on the disk, and where there is one, in a folder of memory."""
    yield "folder", Path(tempfile.gettempdir())
    if SHM.is_dir():
        yield "memory", SHM


async def measure(records: int = 300, rounds: int = 5) -> dict[str, float]:
    """Medians over the rounds: records a second of each side, and how often faster the raw side is."""
    told: dict[str, list[float]] = {}
    async with own_parts() as parts:
        await ensure_topics(Connection(parts.bootstrap), TOPICS)
        for number in range(rounds):
            raw = await (await Round.new(parts.bootstrap, f"raw.{number}", records)).raw()
            told.setdefault("raw_per_second", []).append(raw)
            for name, parent in folders():
                with tempfile.TemporaryDirectory(dir=parent) as folder:
                    one = await Round.new(parts.bootstrap, f"{name}.{number}", records)
                    ours = await one.handed_off(FolderObjects(Path(folder)))
                told.setdefault(f"{name}_per_second", []).append(ours)
                told.setdefault(f"raw_over_{name}", []).append(raw / ours)
    return {name: statistics.median(values) for name, values in told.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    for name, value in asyncio.run(measure(asked.records, asked.rounds)).items():
        print(f"{name}: {value:,.2f}")


if __name__ == "__main__":
    main()
