"""The world that is shaken: broker, database, store, providers, gateway and stages, each a process of its own."""

import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import httpx

from keyframe.embedded.folder import DataFolder, default_cache
from keyframe.embedded.ports import LOOPBACK, free_port
from runtime.kafka import Connection, ensure_topics
from runtime.s3_objects import S3Objects, s3_client
from schemas.topics import STAGES, TOPICS, ServiceName
from tests.chaos import providers
from tests.chaos.broker import Broker
from tests.chaos.parts import Database, Disk, Store, disk, object_store, through
from tests.chaos.providers import Till
from tests.chaos.proxy import Proxy, door, kafka_work
from tests.chaos.replicas import Replica, kept
from tests.parts import s3

REPLICAS: Mapping[ServiceName, int] = {
    ServiceName.SCRIPT: 1,
    ServiceName.IMAGES: 2,
    ServiceName.VOICE: 2,
    ServiceName.ASSEMBLER: 1,
    ServiceName.STORAGE: 1,
}
AT_ONCE: Mapping[ServiceName, int] = {ServiceName.SCRIPT: 1, ServiceName.IMAGES: 1, ServiceName.VOICE: 2}
"""Paid calls of a replica under way: a script; a picture; sound and marks of a scene."""

BUCKETS = ("private", "public")
TOKEN = "t0ken-of-the-gateways-api"
READY_SECONDS = 180.0
SCRATCH_MEGABYTES = 96


class Part(Protocol):
    """A server that can be killed and comes back."""

    @property
    def group(self) -> int: ...
    async def kill(self) -> None: ...
    async def come_back(self) -> None: ...


@dataclass
class World:
    """Everything that runs."""

    folder: Path
    broker: Broker
    database: Database
    store: Store
    store_disk: Disk
    scratch_disk: Disk
    database_door: Proxy
    gateway: Replica
    stages: Sequence[Replica]
    till: Till
    api: httpx.AsyncClient
    objects: Mapping[str, S3Objects]
    """The buckets, past every door."""

    @property
    def replicas(self) -> list[Replica]:
        return [self.gateway, *self.stages]

    def of(self, stage: ServiceName) -> list[Replica]:
        return [replica for replica in self.stages if replica.service == stage]

    def part(self, target: str) -> tuple[Part, Sequence[Proxy]]:
        """A server, and all doors before it."""
        doors = [replica.doors for replica in self.replicas]
        match target:
            case "broker":
                return self.broker, [broker for broker, *_ in doors]
            case "database":
                return self.database, [self.database_door]
            case _:
                return self.store, [store for _, store, *_ in doors]

    def secrets(self) -> list[str]:
        """What must stand in no log."""
        password = self.database.dsn.partition("://")[2].rpartition("@")[0].partition(":")[2]
        return [TOKEN, password, s3.ACCESS_KEY, s3.SECRET_KEY, *providers.SECRETS]


@asynccontextmanager
async def world(
    folder: Path, till: Till, jobs: int, fake_assembler: bool, say: Callable[[str], None]
) -> AsyncIterator[World]:
    """The world, once every replica is ready. Raises `NoStore` and `NoDisk`."""
    names = {name: stage for stage in STAGES for name in _names(stage)}
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        store_disk = stack.enter_context(disk(folder / "store", 192 + 3 * jobs))
        scratch_disk = stack.enter_context(disk(folder / "scratch", SCRATCH_MEGABYTES))
        data = DataFolder(folder / "data")
        stack.enter_context(data.held())
        listeners = {name: free_port() for name in ("gateway", *names)}
        kafka_doors = {name: await enter(door(port, kafka_work)) for name, port in listeners.items()}
        doors = [(listeners[name], one.port) for name, one in kafka_doors.items()]
        broker = await enter(Broker(data, default_cache(), doors))
        say(f"Kafka at {broker.address}")
        database = await enter(Database(data))
        store = await enter(object_store(store_disk.folder, folder / "data" / "logs" / "store.log"))
        store_doors = {name: await enter(door(store.port)) for name in listeners}
        database_door = await enter(door(database.port))
        await ensure_topics(Connection(broker.address), TOPICS)
        objects = _buckets(store)
        client = await enter(httpx.AsyncClient(timeout=5.0))
        headers = {"Authorization": f"Bearer {TOKEN}"}
        gateway_port = free_port()
        api = await enter(
            httpx.AsyncClient(base_url=f"http://{LOOPBACK}:{gateway_port}", headers=headers, timeout=20.0)
        )

        def replica(name: str, service: str, more: Mapping[str, str], *more_doors: Proxy) -> Replica:
            kafka, objects = kafka_doors[name], store_doors[name]
            health = free_port()
            environment = {
                **_COMMON,
                **providers.SETTINGS,
                "KEYFRAME_KAFKA_BOOTSTRAP": f"{LOOPBACK}:{kafka.port}",
                "S3_ENDPOINT_URL": f"http://{LOOPBACK}:{objects.port}",
                "KEYFRAME_HEALTH_PORT": str(health),
                "KEYFRAME_ASSEMBLER_SCRATCH": str(scratch_disk.folder),
                **more,
            }
            pretends = fake_assembler and service == ServiceName.ASSEMBLER
            return Replica(
                name,
                service,
                "tests.chaos.fake_assembler" if pretends else f"services.{service}",
                environment,
                (kafka, objects, *more_doors),
                f"http://{LOOPBACK}:{health}",
                data.logs / f"{name}.log",
                AT_ONCE.get(ServiceName(service), 0),
                client,
            )

        stages = [
            replica(name, stage, await enter(providers.providers(stage, name, till))) for name, stage in names.items()
        ]
        dsn = {
            "KEYFRAME_POSTGRES_DSN": through(database.dsn, database_door.port),
            "KEYFRAME_GATEWAY_PORT": str(gateway_port),
        }
        gateway = replica("gateway", ServiceName.GATEWAY, dsn, database_door)
        await enter(kept([gateway, *stages], READY_SECONDS))
        yield World(
            folder,
            broker,
            database,
            store,
            store_disk,
            scratch_disk,
            database_door,
            gateway,
            stages,
            till,
            api,
            objects,
        )


_COMMON: Mapping[str, str] = {
    "KEYFRAME_ENV_FILE": "/dev/null",
    "KEYFRAME_API_TOKEN": TOKEN,
    "KEYFRAME_STORAGE_PROVIDER": "s3",
    "S3_ACCESS_KEY_ID": s3.ACCESS_KEY,
    "S3_SECRET_ACCESS_KEY": s3.SECRET_KEY,
    "S3_REGION": "us-east-1",
    "S3_BUCKET": BUCKETS[0],
    "S3_PUBLIC_BUCKET": BUCKETS[1],
    "KEYFRAME_ASSEMBLER_SHORT_SIDE": "240",
    "KEYFRAME_ASSEMBLER_THREADS": "1",
    "KEYFRAME_IMAGES_PARALLEL": "1",
}


def _names(stage: ServiceName) -> list[str]:
    return [f"{stage}-{number}" for number in range(1, REPLICAS[stage] + 1)]


def _buckets(store: Store) -> Mapping[str, S3Objects]:
    client = s3_client(
        endpoint_url=store.endpoint, region="us-east-1", access_key=s3.ACCESS_KEY, secret_key=s3.SECRET_KEY
    )
    for bucket in BUCKETS:
        client.create_bucket(Bucket=bucket)
    return {bucket: S3Objects(client, bucket) for bucket in BUCKETS}


def new_seed() -> int:
    return secrets.randbelow(1_000_000)
