"""Replicas that are killed, restarted one after another and joined by others: real processes on a real broker.

Each handler waits for the test, so what is in hand is known at every moment.
"""

import asyncio
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from keyframe.embedded.folder import DataFolder
from keyframe.embedded.ports import LOOPBACK, free_port
from runtime.kafka import Connection, ensure_topics
from runtime.process import EXIT_HUNG
from schemas.topics import SCRIPT_WRITTEN, TOPICS, Topic
from tests import builders
from tests.chaos.broker import Broker
from tests.chaos.proxy import Proxy, door
from tests.waiting import until

PARTITIONS = 4
PATIENCE = 90.0
"""Seconds for anything to happen on a busy machine."""


@dataclass
class Replica:
    process: asyncio.subprocess.Process
    health: str
    log: Path

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def ended(self) -> int:
        return await asyncio.wait_for(self.process.wait(), PATIENCE)

    async def answers(self, path: str) -> bool:
        return (await self._get(path)).is_success

    async def has_given_back(self) -> bool:
        """Whether a record has come to no outcome here."""
        return re.search(r'outcome="given_back".*\} [1-9]', (await self._get("/metrics")).text) is not None

    async def _get(self, path: str) -> httpx.Response:
        async with httpx.AsyncClient() as client:
            try:
                return await client.get(f"{self.health}{path}")
            except httpx.TransportError:
                return httpx.Response(503)


@dataclass
class Shop:
    """A stage's replicas, its two topics, and its handlers' strings."""

    bootstrap: str
    folder: Path
    stage: str
    reads: Topic
    writes: Topic
    replicas: list[Replica] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)

    async def replica(self, ready: bool = True, door: Proxy | None = None) -> Replica:
        """Starts another one; it comes to the broker by the door where there is one."""
        port = free_port()
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("KEYFRAME_")},
            "KEYFRAME_ENV_FILE": os.devnull,
            "KEYFRAME_KAFKA_BOOTSTRAP": f"{LOOPBACK}:{door.port}" if door else self.bootstrap,
            "KEYFRAME_STORAGE_FOLDER": str(self.folder / "objects"),
            "KEYFRAME_HEALTH_PORT": str(port),
            "KEYFRAME_LOG_LEVEL": "warning",
        }
        argv = (str(self.folder), self.stage, self.reads.name, self.writes.name)
        log = self.folder / f"{port}.log"
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.chaos.slow_process", *argv, env=environment, stderr=output
            )
        replica = Replica(process, f"http://{LOOPBACK}:{port}", log)
        self.replicas.append(replica)
        await _until(lambda: replica.answers("/readyz" if ready else "/livez"))
        return replica

    async def publish(self, jobs: int, held: bool = False) -> list[str]:
        """So many records, one a partition in turn."""
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap)
        await producer.start()
        ids = [str(uuid4()) for _ in range(jobs)]
        try:
            for number, job in enumerate(ids):
                if held:
                    (self.folder / "held" / job).touch()
                event = builders.script_written(scenes=1).model_copy(update={"job_id": job})
                envelope = builders.envelope(event, type=self.reads.name)
                headers = [(name, text.encode()) for name, text in envelope.headers().items()]
                where = (len(self.jobs) + number) % PARTITIONS
                await producer.send_and_wait(self.reads.name, envelope.data, job.encode(), where, headers=headers)
        finally:
            await producer.stop()
        self.jobs += ids
        return ids

    def began(self) -> list[tuple[str, int]]:
        """Job and process of every start of a handler."""
        return self._ledger("began")

    def paid(self) -> Counter[str]:
        """How often each job was paid for."""
        return Counter(job for job, _ in self._ledger("paid"))

    def _ledger(self, name: str) -> list[tuple[str, int]]:
        ledger = self.folder / name
        lines = ledger.read_text().splitlines() if ledger.exists() else []
        return [(line.split()[0], int(line.split()[1])) for line in lines]

    def held(self, *replicas: Replica) -> list[str]:
        """What these have in hand, and the test has not let go."""
        pids = {replica.process.pid for replica in replicas}
        return [job for job, pid in self.began() if pid in pids and not (self.folder / "go" / job).exists()]

    def in_hand_of(self, replica: Replica) -> list[str]:
        return [job for job, pid in self.began() if pid == replica.process.pid]

    def let_go(self, *jobs: str) -> None:
        for job in jobs or self.jobs:
            (self.folder / "go" / job).touch()

    def let_go_of(self, job: str, replica: Replica) -> None:
        """There alone."""
        (self.folder / "go" / f"{job}.{replica.process.pid}").touch()

    async def works_until_ready(self, replica: Replica) -> None:
        """Lets go of what is in hand, for as long as the replica has no partition."""

        async def ready() -> bool:
            self.let_go(*(job for job, _ in self.began()))
            return await replica.answers("/readyz")

        await _until(ready)

    async def rebalancing(self) -> None:
        """Returns once the group waits for its members."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            await _until(lambda: self._rebalances(admin))
        finally:
            await admin.close()

    async def _rebalances(self, admin: AIOKafkaAdminClient) -> bool:
        [answer] = await admin.describe_consumer_groups([f"keyframe.{self.stage}"])
        return answer.groups[0][2] == "PreparingRebalance"

    async def answered(self) -> Counter[str]:
        """How often each job was answered, once all have been and every offset is committed."""
        group = f"keyframe.{self.stage}"
        reader = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, group_id=group, enable_auto_commit=False)
        await reader.start()
        read = [TopicPartition(self.reads.name, number) for number in range(PARTITIONS)]
        written = [TopicPartition(self.writes.name, number) for number in range(PARTITIONS)]
        answered: Counter[str] = Counter()
        try:
            reader.assign(written)
            await reader.seek_to_beginning()
            async with asyncio.timeout(PATIENCE):
                while set(answered) != set(self.jobs):
                    for records in (await reader.getmany(timeout_ms=200)).values():
                        answered.update(record.key.decode() for record in records)
                ends = await reader.end_offsets(read)
                while {each: await reader.committed(each) or 0 for each in read} != ends:  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
        finally:
            await reader.stop()
        return answered


async def _until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await holds():  # noqa: ASYNC110 - what is waited for is in another process
            await asyncio.sleep(0.1)


@pytest.fixture(scope="module")
async def broker_door() -> AsyncIterator[Proxy]:
    """A way to the broker of one's own."""
    async with door(free_port()) as proxy:
        yield proxy


@pytest.fixture(scope="module")
async def broker(
    tmp_path_factory: pytest.TempPathFactory, parts_cache: Path, broker_door: Proxy
) -> AsyncIterator[Broker]:
    folder = DataFolder(tmp_path_factory.mktemp("rolling"))
    with folder.held():
        async with Broker(folder, parts_cache, [(broker_door.behind, broker_door.port)]) as broker:
            yield broker


@pytest.fixture
async def shop(broker: Broker, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Shop]:
    name = uuid4().hex
    topics = [Topic(f"{side}.{name}.v1", "", SCRIPT_WRITTEN.event, (), (), PARTITIONS) for side in ("reads", "answers")]
    await ensure_topics(Connection(broker.address), [*TOPICS, *topics])
    for folder in ("go", "held"):
        (tmp_path / folder).mkdir()
    shop = Shop(broker.address, tmp_path, getattr(request, "param", "images"), *topics)
    yield shop
    for replica in shop.replicas:
        if replica.process.returncode is None:
            replica.signal(signal.SIGKILL)
        await replica.process.wait()


async def both_busy(shop: Shop, door: Proxy | None = None) -> tuple[Replica, Replica]:
    """Two replicas, each with a record in hand and another one waiting; the first comes by the door."""
    one, other = await asyncio.gather(shop.replica(door=door), shop.replica())
    await _until(lambda: _ready(one, other))  # the second one's joining took partitions from the first
    await shop.publish(PARTITIONS)
    await until(lambda: {pid for _, pid in shop.began()} == {one.process.pid, other.process.pid}, PATIENCE)
    return one, other


async def _ready(*replicas: Replica) -> bool:
    return all([await replica.answers("/readyz") for replica in replicas])


@pytest.mark.parametrize("shop", ["script"], indirect=True)  # what the dead leave in a group is nobody else's
async def test_a_record_whose_replica_is_killed_goes_to_another(shop: Shop) -> None:
    killed, other = await both_busy(shop)
    [lost] = shop.in_hand_of(killed)

    killed.signal(signal.SIGKILL)
    await killed.ended()
    shop.let_go(*(job for job in shop.jobs if job != lost))
    await until(lambda: lost in shop.in_hand_of(other), PATIENCE)
    shop.let_go()

    assert set((await shop.answered()).values()) == {1}
    starts = Counter(job for job, _ in shop.began())
    assert starts == Counter({**dict.fromkeys(shop.jobs, 1), lost: 2})


@pytest.mark.parametrize(("shop", "stopped"), [("voice", True), ("assembler", False)], indirect=["shop"])
async def test_a_replica_that_was_out_of_touch_for_its_session_pays_for_nothing_more(
    shop: Shop, broker_door: Proxy, stopped: bool
) -> None:
    alone, other = await both_busy(shop, broker_door)
    [lost] = shop.in_hand_of(alone)

    if stopped:
        alone.signal(signal.SIGSTOP)
    else:
        broker_door.shut("test", "silent")
    shop.let_go(*(job for job in shop.jobs if job != lost))
    await until(lambda: lost in shop.in_hand_of(other), PATIENCE)
    if stopped:  # and it wakes where nobody can tell it
        broker_door.shut("test", "silent")
        alone.signal(signal.SIGCONT)
    shop.let_go_of(lost, alone)
    await _until(alone.has_given_back)
    assert lost not in shop.paid()

    broker_door.reopen("test")
    await until(lambda: "member_id was not recognized" in alone.log.read_text(), PATIENCE)
    shop.let_go()
    assert set(await shop.answered()) == set(shop.jobs)
    await _until(lambda: alone.answers("/readyz"))  # it works on
    assert shop.paid() == Counter(shop.jobs)


async def test_a_rolling_restart_starts_nothing_twice(shop: Shop) -> None:
    one, other = await both_busy(shop)
    await restarted(shop, one)
    await restarted(shop, other)
    shop.let_go()

    assert set((await shop.answered()).values()) == {1}
    assert Counter(job for job, _ in shop.began()) == shop.paid() == Counter(shop.jobs)


async def restarted(shop: Shop, leaving: Replica) -> None:
    """Stops a replica that has a record in hand, and starts another, while the others are busy too."""
    await shop.publish(PARTITIONS)
    await until(lambda: shop.held(leaving), PATIENCE)
    leaving.signal(signal.SIGTERM)
    coming = await shop.replica(ready=False)
    await shop.rebalancing()
    assert leaving.process.returncode is None
    await shop.works_until_ready(coming)
    assert await leaving.ended() == 0


async def test_a_replica_that_joins_two_busy_ones_starts_nothing_twice(shop: Shop) -> None:
    await both_busy(shop)
    third = await shop.replica(ready=False)
    await shop.rebalancing()
    await shop.works_until_ready(third)
    shop.let_go()

    assert set((await shop.answered()).values()) == {1}
    assert Counter(job for job, _ in shop.began()) == shop.paid() == Counter(shop.jobs)


async def test_a_stop_gives_a_hold_back_and_the_record_waits_for_the_next_replica(shop: Shop) -> None:
    holding = await shop.replica()
    [job] = await shop.publish(1, held=True)
    await until(lambda: shop.in_hand_of(holding) == [job], PATIENCE)

    holding.signal(signal.SIGTERM)
    # Neither the hold's 3000 seconds, nor the 120 of its slice, nor a drain that hung.
    async with asyncio.timeout(60):
        assert await holding.process.wait() not in (None, EXIT_HUNG)

    (shop.folder / "held" / job).unlink()
    shop.let_go()
    await shop.replica()
    assert await shop.answered() == Counter({job: 1})


async def test_a_broker_that_is_killed_and_comes_back_costs_nothing(shop: Shop, broker: Broker) -> None:
    one, other = await both_busy(shop)
    in_hand = [job for job, _ in shop.began()]

    await broker.kill()
    shop.let_go(*in_hand)  # what they answer meets nobody
    await broker.come_back()
    shop.let_go()

    assert set(await shop.answered()) == set(shop.jobs)
    assert Counter(job for job, _ in shop.began()) == shop.paid() == Counter(shop.jobs)
    assert (one.process.returncode, other.process.returncode) == (None, None)
