"""One trace shows a job from its request to its video: what a collector receives of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from runtime.artefacts import Made
from runtime.bill import Bill
from runtime.brake import Brake
from runtime.cancellations import Cancellations
from runtime.errors import Permanent, Unavailable
from runtime.folder_objects import FolderObjects
from runtime.hand import Hand
from runtime.kafka import Connection, KafkaLog, Subscription, ensure_topics
from runtime.outcome import Emitted, GivenBack, Outcome, Parked, Repeated
from runtime.process import attach
from runtime.records import Record
from runtime.settings import StageSettings
from runtime.stage import Job, Stage
from runtime.tracing import TraceSettings, exporting, publishing, requested
from runtime.worker import Worker
from schemas.base import Contract
from schemas.costs import Charge
from schemas.events import ImagesRendered, ScriptWritten, VideoAssembled, VideoPublished, VoiceRecorded
from schemas.jobs import JobCancelled
from schemas.topics import CHAIN, IMAGES_RENDERED, SCRIPT_WRITTEN, STAGES, TOPICS, VIDEO_PUBLISHED, ServiceName
from tests import builders
from tests.gateways import BODY, FakeLog, running
from tests.otlp_server import ROOT, Collector, Seen, collecting
from tests.unit.test_worker import Restless, no_jitter
from tests.waiting import until

CLIENT_TRACE, CLIENT_SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SECRET = "sk-live-1234567890"


async def work(event: Any, job: Job) -> Contract:
    """What each stage makes of its event; the painter pays for a picture."""
    match event:
        case VideoAssembled():
            return event.grown(VideoPublished, published=builders.video_published().published)
        case VoiceRecorded():
            return event.grown(VideoAssembled, duration=8.0, files=builders.files(f"scratch/{job.id}/made/"))
        case ImagesRendered():
            return event.grown(VoiceRecorded, scenes=builders.voice_recorded().scenes)
        case ScriptWritten():
            await job.artefacts.obtain({"prompt": event.prompt}, paint, lambda made: None)
            return event.grown(ImagesRendered, scenes=builders.images_rendered().scenes)
        case _:
            written = builders.script_written()
            fields = {name: getattr(written, name) for name in ("title", "description", "writer", "look", "scenes")}
            return event.grown(ScriptWritten, **fields)


async def paint(bill: Bill) -> Made:
    bill.charge(Charge(provider="vendor", model="flux", units={"images": 1}, usd=0.25, seconds=2.0))
    return Made(b"a picture", "image/png")


Run = Callable[[Any, Job], Awaitable[Contract]]


@dataclass
class Chain:
    """The gateway's log, and a worker a stage that takes what the one before has put there."""

    log: FakeLog
    store: FolderObjects
    ticks: Any = field(default_factory=count)

    def now(self) -> datetime:
        return builders.NOON + next(self.ticks) * timedelta(seconds=1)

    def record(self, stage: ServiceName) -> Record:
        """The newest record that the stage takes."""
        return builders.record(self.log.of(CHAIN[STAGES.index(stage)])[-1])

    async def settle(self, stage: ServiceName, record: Record | None = None, *, run: Run = work) -> Outcome:
        """The outcome of a record, by a process that has just started."""
        at = STAGES.index(stage)
        declared = Stage(stage, CHAIN[at], CHAIN[at + 1], run, lambda job: job, StageSettings())
        worker = Worker(declared, self.log, self.store, Restless(), Brake(12), no_jitter, clock=self.now)
        while isinstance(outcome := await worker.settle(record or self.record(stage)), GivenBack):
            pass
        return outcome

    def span_id(self, position: int) -> str:
        """What the `traceparent` of the newest event at this position of the chain calls its parent."""
        return self.log.of(CHAIN[position])[-1].traceparent.split("-")[2]


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    async with collecting() as collector:
        yield collector


async def ask(database: str, folder: Path, chain: FakeLog, **headers: str) -> str:
    """A request to a gateway; the id of its job."""
    async with running(database, folder, log=chain) as gateway:
        answer = await gateway.client.post("/api/v1/generate", json=BODY, headers=headers)
        assert answer.status_code == 202, answer.text
        return answer.json()["jobId"]


def tree(spans: list[Seen]) -> Seen:
    """The root of the one tree that these spans are; fails where they are none."""
    assert len({each.trace for each in spans}) == 1
    ids = [each.id for each in spans]
    assert len(ids) == len(set(ids)), "two spans share an id"
    assert not [each.name for each in spans if each.parent != ROOT and each.parent not in ids], "orphans"
    [root] = [each for each in spans if each.parent == ROOT]
    return root


async def test_a_job_is_one_tree_from_its_request_to_its_video(
    collector: Collector, database: str, tmp_path: Path
) -> None:
    chain = Chain(FakeLog(), FolderObjects(tmp_path))
    refusals = [Unavailable(f"the key {SECRET} has no quota left", on="nebius", retry_after=60)]

    async def waits(event: Any, job: Job) -> Contract:
        if refusals:
            raise refusals.pop()
        return await work(event, job)

    async with exporting("keyframe-test", collector.settings):
        job_id = await ask(database, tmp_path, chain.log, traceparent=f"00-{CLIENT_TRACE}-{CLIENT_SPAN}-01")
        for stage in STAGES:
            outcome = await chain.settle(stage, run=waits if stage is ServiceName.IMAGES else work)
            assert isinstance(outcome, Emitted)

    root = tree(collector.spans)
    assert (root.name, root.trace) == ("POST /api/v1/generate", job_id.replace("-", ""))
    [link] = root.span.links
    assert (link.trace_id.hex(), link.span_id.hex()) == (CLIENT_TRACE, CLIENT_SPAN)
    parent = root
    for position, topic in enumerate(CHAIN):
        [publish] = collector.named(f"publish {topic.name}")
        assert publish.parent == parent.id
        assert publish.id == chain.span_id(position)
        if topic is not VIDEO_PUBLISHED:
            [parent] = collector.children(publish)
            assert parent.name == STAGES[position]
            assert parent.attributes["keyframe.outcome"] == "emitted"
    [images] = collector.named("images")
    assert {each.name for each in collector.children(images)} == {"wait", "make", f"publish {IMAGES_RENDERED.name}"}
    assert [event.name for event in images.span.events] == ["try failed"]
    [wait], [make] = collector.named("wait"), collector.named("make")
    assert wait.attributes["keyframe.on"] == "nebius"
    assert [event.name for event in make.span.events] == ["paid"]
    assert {each.service for each in collector.spans} == {"keyframe-test"}
    told = b"".join(collector.bodies)
    assert BODY["prompt"].encode() not in told
    assert SECRET.encode() not in told


async def test_a_redelivery_and_a_redrive_hang_in_the_same_tree(
    collector: Collector, database: str, tmp_path: Path
) -> None:
    chain = Chain(FakeLog(), FolderObjects(tmp_path))

    async def refuses(event: Any, job: Job) -> Contract:
        raise Permanent(f"{event.prompt}: refused by policy")

    async with exporting("keyframe-test", collector.settings):
        await ask(database, tmp_path, chain.log)
        await chain.settle(ServiceName.SCRIPT)
        record = chain.record(ServiceName.IMAGES)
        outcomes = [
            await chain.settle(ServiceName.IMAGES, record, run=refuses),
            await chain.settle(ServiceName.IMAGES, record),
            await chain.settle(ServiceName.IMAGES, record),
            await chain.settle(ServiceName.VOICE),
        ]

    assert [type(outcome) for outcome in outcomes] == [Parked, Emitted, Repeated, Emitted]
    tree(collector.spans)
    [published] = collector.named(f"publish {SCRIPT_WRITTEN.name}")
    parked, emitted, repeated = collector.named("images")
    assert {each.parent for each in (parked, emitted, repeated)} == {published.id}
    assert [each.failure for each in (parked, emitted, repeated)] == ["permanent", None, None]
    assert len(collector.named(f"publish {IMAGES_RENDERED.name}")) == 2
    [voice] = collector.named("voice")
    [first] = [each for each in collector.children(emitted) if each.name.startswith("publish")]
    assert voice.parent == first.id
    assert BODY["prompt"].encode() not in b"".join(collector.bodies)


@dataclass
class Interrupted:
    """A hand and the cancels of jobs, and what happens to one of them in the middle of the work."""

    how: str
    hand: Hand = field(default_factory=Hand)
    cancels: Cancellations = field(default_factory=Cancellations)

    def happens(self, job_id: str) -> None:
        if self.how == "Stopped":
            self.cancels.note(builders.record(JobCancelled(job_id=job_id, revision=1)))
        else:
            self.hand.close()
            self.hand.struck_off = lambda: True


@pytest.mark.parametrize(("how", "outcome"), [("GivenUp", "given_back"), ("Stopped", "cancelled")])
@pytest.mark.parametrize("where", ["wait", "make"])
async def test_a_record_that_is_given_back_or_cancelled_has_not_failed(
    collector: Collector, tmp_path: Path, how: str, outcome: str, where: str
) -> None:
    interrupted = Interrupted(how)

    async def run(script: ScriptWritten, job: Job) -> ImagesRendered:
        async def pay(bill: Bill) -> Made:
            interrupted.happens(job.id)
            bill.reserve(0.01)
            raise AssertionError("no call may begin")

        if where == "wait":
            asyncio.get_running_loop().call_later(0.01, interrupted.happens, job.id)
            raise Unavailable("the key has no quota left", on="nebius", retry_after=3000)
        await job.artefacts.obtain({"scene": 1}, pay, lambda made: None)
        raise AssertionError("nothing was made")

    declared = Stage(ServiceName.IMAGES, SCRIPT_WRITTEN, IMAGES_RENDERED, run, lambda job: job, StageSettings())
    worker = Worker(
        *(declared, FakeLog(), FolderObjects(tmp_path), interrupted.hand, Brake(12), no_jitter),
        cancelled=interrupted.cancels,
    )
    async with exporting("keyframe-test", collector.settings):
        await worker.settle(builders.record(builders.script_written()))

    assert [each.failure for each in collector.spans] == [None] * len(collector.spans)
    [record], [part] = collector.named("images"), collector.named(where)
    assert record.attributes["keyframe.outcome"] == outcome
    assert part.attributes["keyframe.ended"] == how


async def test_a_request_that_kafka_does_not_take_leaves_its_id_to_the_one_that_it_takes(
    collector: Collector, database: str, tmp_path: Path
) -> None:
    chain, key = Chain(FakeLog(), FolderObjects(tmp_path)), {"Idempotency-Key": uuid4().hex}
    async with exporting("keyframe-test", collector.settings), running(database, tmp_path, log=chain.log) as gateway:
        chain.log.away = True
        refused = await gateway.client.post("/api/v1/generate", json=BODY, headers=key)
        chain.log.away = False
        accepted = await gateway.client.post("/api/v1/generate", json=BODY, headers=key)

    assert (refused.status_code, accepted.status_code) == (503, 202)
    failed, published = collector.named(f"publish {CHAIN[0].name}")
    assert (failed.failure, published.failure) == ("Unavailable", None)
    assert failed.id != published.id == chain.span_id(0)


async def test_what_an_operator_publishes_begins_a_tree_of_the_same_trace(collector: Collector, tmp_path: Path) -> None:
    chain, again = Chain(FakeLog(), FolderObjects(tmp_path)), builders.envelope(builders.images_rendered(revision=2))

    async with exporting("keyframe-test", collector.settings):
        with publishing(again):
            await chain.log.publish(IMAGES_RENDERED, again)
        assert isinstance(await chain.settle(ServiceName.VOICE), Emitted)

    root = tree(collector.spans)
    assert (root.name, root.trace, root.id) == (f"publish {again.type}", again.trace_id, chain.span_id(2))
    assert [each.name for each in collector.children(root)] == ["voice"]


async def test_without_an_endpoint_nothing_is_recorded(collector: Collector, database: str, tmp_path: Path) -> None:
    chain = Chain(FakeLog(), FolderObjects(tmp_path))

    async with exporting("keyframe-test", TraceSettings()):
        await ask(database, tmp_path, chain.log)
        assert isinstance(await chain.settle(ServiceName.SCRIPT), Emitted)

    assert collector.spans == []


async def test_the_trace_goes_on_across_kafka(collector: Collector, kafka_bootstrap: str, tmp_path: Path) -> None:
    topics = [replace(topic, name=f"test.{uuid4().hex}.v1") for topic in CHAIN[:3]]
    await ensure_topics(Connection(kafka_bootstrap), [*TOPICS, *topics])
    kafka, store, ends = KafkaLog(Connection(kafka_bootstrap), "test"), FolderObjects(tmp_path), list[Record]()
    for stage, consumes, emits in zip(STAGES, topics, topics[1:], strict=False):
        attach(Stage(stage, consumes, emits, work, lambda job: job, StageSettings()), kafka, store)

    async def end(records: Sequence[Record]) -> None:
        ends.extend(records)

    kafka.follow(Subscription(f"{topics[2].name}.group", (topics[2],), drain=20, longest=60), end)
    asked = replace(builders.envelope(builders.video_requested()), type=topics[0].name)
    async with exporting("keyframe-test", collector.settings):
        await kafka.start()
        with requested("POST /api/v1/generate", asked.subject, None), publishing(asked):
            await kafka.publish(topics[0], asked)
        await until(lambda: ends, seconds=60)
        await kafka.stop()

    spans, way = {each.id: each for each in collector.spans}, list[str]()
    assert tree(collector.spans).trace == asked.trace_id
    at = dict(ends[0].headers)["traceparent"].decode().split("-")[2]
    while at != ROOT:
        way.append(spans[at].name)
        at = spans[at].parent
    published = [f"publish {topic.name}" for topic in topics]
    assert way[::-1] == ["POST /api/v1/generate", published[0], "script", published[1], "images", published[2]]
