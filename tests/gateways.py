"""The gateway as tests run it: the real app and the real view, over a log that is in memory."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from pydantic import SecretStr

from runtime.errors import StageError, Unavailable
from runtime.folder_objects import FolderObjects
from runtime.kafka import Lag, Location, Offsets, Subscription
from runtime.moderation import Moderator
from runtime.objects import ObjectStore
from runtime.records import Record
from schemas.base import Contract
from schemas.envelope import Envelope
from schemas.topics import Topic
from services.gateway.app import GatewaySettings, create_app
from services.gateway.projection import Fact
from services.gateway.status_view import PostgresView
from tests.builders import record
from tests.fakes import FakeBus

BODY = {"prompt": "Why coral reefs matter", "style": "Educational"}


@dataclass
class FakeLog(FakeBus):
    """A log in memory. Its records come to the gateway when a test says so."""

    handle: Callable[[Sequence[Record]], Awaitable[None]] | None = None
    subscription: Subscription | None = None
    kept: dict[str, list[Record]] = field(default_factory=dict[str, list[Record]])
    """What lies on each topic, all of it on partition 0."""
    written: list[Record] = field(default_factory=list[Record])
    """What was put there as it is."""
    behind: int = 1
    expired: int = 0
    """So many records of each topic, the first, are there no more."""
    partitions: int = 12
    seconds_since_poll: float | None = 0.1
    unjoined: str | None = None

    async def publish(self, topic: Topic, envelope: Envelope) -> None:
        await super().publish(topic, envelope)
        self._keep(record(envelope, topic=topic.name))

    async def publish_bytes(self, topic: Topic, *, key: bytes | None, value: bytes, headers: Mapping[str, str]) -> None:
        await super().publish_bytes(topic, key=key, value=value, headers=headers)
        self._keep(self.parked[-1])

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator["FakeReading"]:
        self._look()
        yield FakeReading(self.kept, self.expired)

    @asynccontextmanager
    async def writing(self) -> AsyncGenerator["FakeLog"]:
        self._look()
        yield self

    async def put(self, record: Record) -> None:
        """Writes a record as it is; it comes to nobody but `written` and the topic."""
        self._look()
        self.written.append(self._keep(record))

    async def lags(self, groups: Mapping[str, Iterable[Topic]]) -> list[Lag]:
        """Every group has settled all but the newest records of each topic, as many as it is `behind`."""
        self._look()
        ends = {(topic.name, group): len(self.kept.get(topic.name, ())) for group in groups for topic in groups[group]}
        return [Lag(group, topic, 0, max(0, end - self.behind), 0, end) for (topic, group), end in ends.items()]

    async def retention(self, topics: Iterable[str]) -> Mapping[str, Mapping[str, str]]:
        self._look()
        return {topic: {"retention.ms": "-1", "cleanup.policy": "delete"} for topic in topics}

    def keep(self, *events: Contract | Envelope | Record) -> list[Record]:
        """Puts events on the log without bringing them to the gateway; the records as they lie there."""
        return [self._keep(event if isinstance(event, Record) else record(event)) for event in events]

    def _keep(self, new: Record) -> Record:
        lying = self.kept.setdefault(new.topic, [])
        lying.append(replace(new, partition=0, offset=len(lying)))
        return lying[-1]

    def follow(self, subscription: Subscription, handle: Callable[[Sequence[Record]], Awaitable[None]]) -> "FakeLog":
        self.subscription, self.handle = subscription, handle
        return self

    async def reachable(self) -> bool:
        return not self.away

    async def deliver(self, *events: Contract | Envelope | Record) -> None:
        """Brings a batch to the gateway, as Kafka would."""
        assert self.handle is not None
        await self.handle([event if isinstance(event, Record) else record(event) for event in events])


@dataclass
class FakeReading:
    """Reads what lies on a `FakeLog`."""

    kept: Mapping[str, Sequence[Record]]
    expired: int = 0

    async def starts(self, topics: Sequence[Topic]) -> Offsets:
        return {place: min(self.expired, end) for place, end in (await self.ends(topics)).items()}

    async def ends(self, topics: Sequence[Topic]) -> Offsets:
        return {(topic.name, 0): len(self.kept.get(topic.name, ())) for topic in topics}

    async def at(self, topics: Sequence[Topic], time: datetime) -> Offsets:
        since = time.timestamp() * 1000
        return {
            (topic.name, 0): sum(each.timestamp < since for each in self.kept.get(topic.name, ())) for topic in topics
        }

    async def read(self, start: Offsets, end: Offsets) -> AsyncGenerator[list[Record]]:
        for (topic, partition), offset in start.items():
            if records := list(self.kept.get(topic, ())[offset : end[topic, partition]]):
                yield records

    async def record(self, at: Location) -> Record | None:
        lying = self.kept.get(at.topic, ())
        return lying[at.offset] if at.partition == 0 and 0 <= at.offset < len(lying) else None


class FlakyView(PostgresView):
    """A view that cannot be folded into (`broken`), or not be reached at all (`away`), while a test says so."""

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn)
        self.broken = self.away = False
        self.applied: list[Fact] = []

    async def apply(self, facts: Sequence[Fact]) -> int:
        if self.broken:
            raise RuntimeError("the disk is full")
        refused = await super().apply(facts)
        self.applied += facts
        return refused

    def _connection(self) -> AbstractAsyncContextManager[Any]:
        if self.away:
            raise Unavailable("the database is away", on="postgres")
        return super()._connection()


@dataclass
class FakeModerator:
    """Answers every text that has one of these words with its error."""

    errors: dict[str, StageError]
    reviewed: list[str] = field(default_factory=list[str])
    refusal: Unavailable | None = None

    async def preflight(self) -> None:
        if self.refusal is not None:
            raise self.refusal

    async def review(self, texts: Sequence[str]) -> None:
        self.reviewed += texts
        for word, error in self.errors.items():
            if any(word in text for text in texts):
                raise error


@dataclass
class GatewayUnderTest:
    """A gateway that serves, and what it stands on."""

    app: FastAPI
    client: httpx.AsyncClient
    log: FakeLog
    view: FlakyView
    store: FolderObjects

    async def submit(self, key: str | None = None, **fields: Any) -> httpx.Response:
        """A POST of a valid body, changed by `fields`."""
        headers = {"Idempotency-Key": key} if key is not None else {}
        return await self.client.post("/api/v1/generate", json=BODY | fields, headers=headers)

    async def status(self, job_id: str) -> dict[str, Any]:
        """The job's status, which must be there."""
        answer = await self.client.get(f"/api/v1/status/{job_id}")
        assert answer.status_code == 200, answer.text
        return answer.json()


@asynccontextmanager
async def running(
    dsn: str,
    folder: Path,
    *,
    log: FakeLog | None = None,
    published: ObjectStore | None = None,
    reviewer: Moderator | None = None,
    **settings: Any,
) -> AsyncGenerator[GatewayUnderTest]:
    """A gateway on this database and this folder of objects."""
    log, view, store = log or FakeLog(), FlakyView(dsn), FolderObjects(folder)
    chosen = GatewaySettings.model_construct(**settings)  # the defaults, whatever the environment says
    app = create_app(chosen, log, view, store, published=published, reviewer=reviewer)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://gateway") as client,
    ):
        yield GatewayUnderTest(app, client, log, view, store)


TOKEN = SecretStr("a token of some length")


def problem(answer: httpx.Response, status: int, *fields: str) -> dict[str, Any]:
    """The answer as a problem of this status, whose errors name these fields."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    details = answer.json()
    assert details["status"] == status
    assert details["title"]
    named = [error.get("pointer") or error.get("parameter") for error in details["errors"]]
    assert named == list(fields)
    return details
