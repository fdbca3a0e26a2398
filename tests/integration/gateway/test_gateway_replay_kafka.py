"""Half a topic is replayed on a real broker, while stages work and new jobs come, and the one who asked is cut off."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr

from runtime.artefacts import Made
from runtime.bill import Bill
from runtime.folder_objects import FolderObjects
from runtime.kafka import Connection, KafkaLog, ensure_topics
from runtime.process import attach, run_on_log
from runtime.settings import StageSettings
from runtime.stage import Job, Stage
from schemas import keys
from schemas.base import Contract
from schemas.events import ImagesRendered, VideoAssembled, VideoPublished, VoiceRecorded
from schemas.topics import (
    IMAGES_RENDERED,
    TOPICS,
    VIDEO_ASSEMBLED,
    VIDEO_PUBLISHED,
    VOICE_RECORDED,
    ServiceName,
    topic_of,
)
from services.gateway.app import GatewaySettings
from services.gateway.server import running_gateway
from tests import builders
from tests.waiting import until

HALF = 70
Turn = tuple[str, str, int]
"""A stage, a job and a revision."""


@dataclass
class Fakes:
    """Voice, assembler and storage: they make what they must, and count it."""

    store: FolderObjects
    turns: Counter[Turn] = field(default_factory=Counter[Turn])
    recorded: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    """By job and voice."""
    published: dict[tuple[str, int], VideoPublished] = field(default_factory=dict[tuple[str, int], VideoPublished])

    async def voice(self, images: ImagesRendered, job: Job) -> VoiceRecorded:
        self._turn("voice", images)

        async def make(bill: Bill) -> Made:
            self.recorded[images.job_id, images.voice] += 1
            return Made(b"speech", "audio/wav")

        made = await job.artefacts.obtain({"voice": images.voice}, make, lambda made: None)
        scenes = [
            scene.model_copy(update={"speech": scene.speech.model_copy(update={"key": made.key})})
            for scene in builders.voice_recorded().scenes
        ]
        return images.grown(VoiceRecorded, scenes=scenes)

    async def assembler(self, voice: VoiceRecorded, job: Job) -> VideoAssembled:
        self._turn("assembler", voice)
        files = builders.files(f"{keys.scratch_prefix(voice.job_id)}{voice.revision}/made/")
        return voice.grown(VideoAssembled, duration=8.0, files=files)

    async def storage(self, video: VideoAssembled, job: Job) -> VideoPublished:
        self._turn("storage", video)
        made = video.grown(VideoPublished, published=builders.video_published().published)
        self.published[video.job_id, video.revision] = made
        return made

    def _turn(self, stage: str, event: Any) -> None:
        self.turns[stage, event.job_id, event.revision] += 1


@asynccontextmanager
async def working(kafka: str, fakes: Fakes) -> AsyncGenerator[None]:
    """The three stages, as a process of theirs runs them."""
    log, stopping = KafkaLog(Connection(kafka), "test-stages"), asyncio.Event()

    def stage(name: str, consumes: Any, emits: Any, run: Any) -> None:
        attach(Stage(ServiceName(name), consumes, emits, run, lambda job: job, StageSettings()), log, fakes.store)

    stage("voice", IMAGES_RENDERED, VOICE_RECORDED, fakes.voice)
    stage("assembler", VOICE_RECORDED, VIDEO_ASSEMBLED, fakes.assembler)
    stage("storage", VIDEO_ASSEMBLED, VIDEO_PUBLISHED, fakes.storage)
    running = asyncio.create_task(run_on_log(log, stopping))
    try:
        yield
    finally:
        stopping.set()
        await running


@pytest.fixture
async def outside(kafka_bootstrap: str) -> AsyncIterator[KafkaLog]:
    """What speaks for the stages before voice."""
    await ensure_topics(Connection(kafka_bootstrap), TOPICS)
    log = KafkaLog(Connection(kafka_bootstrap), "outside")
    await log.start()
    yield log
    await log.stop()


async def paint(log: KafkaLog, count: int) -> list[str]:
    """New jobs whose pictures are painted."""
    jobs = [str(uuid4()) for _ in range(count)]

    async def says(event: Contract) -> None:
        await log.publish(topic_of(event), builders.envelope(event, time=datetime.now(UTC)))

    await asyncio.gather(*(says(builders.video_requested(job_id=job)) for job in jobs))
    await asyncio.gather(*(says(builders.images_rendered(job_id=job)) for job in jobs))
    return jobs


async def replay(client: httpx.AsyncClient, body: dict[str, Any]) -> AsyncGenerator[dict[str, Any]]:
    async with client.stream("POST", "/api/v1/replays", json=body, timeout=120) as answer:
        assert answer.status_code == 200
        async for line in answer.aiter_lines():
            yield json.loads(line)


async def resume(client: httpx.AsyncClient, replay_id: str) -> list[dict[str, Any]]:
    """Goes on with a replay; it is let go of some time after who asked for it has hung up."""
    async with asyncio.timeout(60):
        while True:
            answer = await client.post("/api/v1/replays", json={"id": replay_id}, timeout=120)
            if answer.status_code == 200:
                return [json.loads(line) for line in answer.text.splitlines()]
            assert answer.status_code == 409, answer.text
            await asyncio.sleep(0.1)


async def test_half_a_topic_is_told_again_by_another_voice(
    kafka_bootstrap: str, outside: KafkaLog, tables: str, tmp_path: Path
) -> None:
    fakes = Fakes(FolderObjects(tmp_path))
    for scene in builders.images_rendered().scenes:
        await fakes.store.put(scene.picture.key, b"picture", content_type="image/png")
    settings = GatewaySettings.model_construct(postgres_dsn=SecretStr(tables), gateway_port=0)
    async with (
        working(kafka_bootstrap, fakes),
        running_gateway(settings, Connection(kafka_bootstrap), fakes.store, None) as address,
        httpx.AsyncClient(base_url=address) as client,
    ):
        first = await paint(outside, HALF)
        await until(lambda: all((job, 1) in fakes.published for job in first), 120)
        middle = datetime.now(UTC)
        second = await paint(outside, HALF)
        await until(lambda: all((job, 1) in fakes.published for job in second), 120)
        flowing = asyncio.Event()

        async def flow() -> list[str]:
            coming = list[str]()
            while not flowing.is_set():
                coming += await paint(outside, 1)
                await asyncio.sleep(0.05)
            return coming

        new_jobs = asyncio.create_task(flow())
        replay_id = str(uuid4())
        body = {"from": "voice", "since": middle.isoformat(), "set": {"voice": "emma"}, "id": replay_id}
        planned: dict[str, Any] = {}
        lines = replay(client, body)
        async for line in lines:
            planned = line if line["event"] == "planned" else planned
            if line["event"] == "replayed":
                break
        await lines.aclose()
        rest = await resume(client, replay_id)
        flowing.set()
        coming = await new_jobs

        assert rest[-1]["event"] == "done", rest[-1]
        replayed = {line["job"]: line["revision"] for line in rest if line["event"] == "replayed"}
        totals = rest[-1]["totals"]
        assert totals["before"] >= 1
        assert totals["before"] + totals["replayed"] == len(replayed) == planned["jobs"]
        assert set(second) <= set(replayed) <= {*second, *coming}
        assert set(replayed.values()) == {2}
        await until(lambda: all((job, 2) in fakes.published for job in replayed), 120)
        await until(lambda: all((job, 1) in fakes.published for job in coming), 120)

    own = {*first, *second, *coming}
    turns = {turn: times for turn, times in fakes.turns.items() if turn[1] in own}
    again = {(stage, job, 2) for stage in ("voice", "assembler", "storage") for job in replayed}
    once = {(stage, job, 1) for stage in ("voice", "assembler", "storage") for job in own}
    assert turns == dict.fromkeys(again | once, 1)
    voices = {job: {fakes.published[job, number].voice for number in (1, 2)} for job in replayed}
    assert voices == {job: {"aria", "emma"} for job in replayed}
    recorded = {(job, voice): times for (job, voice), times in fakes.recorded.items() if job in own}
    assert recorded == {
        **dict.fromkeys(((job, "aria") for job in own), 1),
        **dict.fromkeys(((job, "emma") for job in replayed), 1),
    }
    for job in replayed:
        pictures = [[scene.picture for scene in fakes.published[job, number].scenes] for number in (1, 2)]
        assert pictures[0] == pictures[1]
