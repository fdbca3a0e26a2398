"""A process of one stage that dies at a seam.

    python -m tests.chaos.stage_process BOOTSTRAP FOLDER TOPIC ANSWERS SEAM

It paints with a painter that takes money (a line in FOLDER/paid for each call) and exits hard, as a
kill -9 would, when it has just done what SEAM names: pay, put, remember, emit, park or commit.
SEAM `none` lives.
"""

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from runtime.artefacts import Made
from runtime.bill import Bill
from runtime.brake import Brake
from runtime.concurrency import each
from runtime.errors import Permanent
from runtime.folder_objects import FolderObjects
from runtime.hand import Doing, Hand
from runtime.kafka import Connection, KafkaLog, Subscription
from runtime.outcome import GivenBack
from runtime.records import Record
from runtime.settings import StageSettings
from runtime.stage import Job, Stage
from runtime.worker import Worker
from schemas import keys
from schemas.envelope import Envelope
from schemas.events import ImagesRendered, ScriptWritten
from schemas.media import PaintedScene, Picture, Scene
from schemas.topics import IMAGES_RENDERED, SCRIPT_WRITTEN, ServiceName, Topic

KILLED = 137
REFUSED = "refuse this"
"""The prompt of a scene that is refused, so that the record is parked."""


@dataclass
class Seam:
    """Where the process dies."""

    name: str

    def passed(self, name: str) -> None:
        if name == self.name:
            os._exit(KILLED)


class Store(FolderObjects):
    def __init__(self, folder: Path, seam: Seam) -> None:
        super().__init__(folder)
        self._seam = seam

    async def put(self, key: str, data: bytes, *, content_type: str) -> None:
        await super().put(key, data, content_type=content_type)
        if key.startswith(keys.ARTEFACTS) and not key.endswith(".json"):
            self._seam.passed("put")

    async def create(self, key: str, data: bytes, *, content_type: str) -> bool:
        created = await super().create(key, data, content_type=content_type)
        self._seam.passed("remember")
        return created


class Log(KafkaLog):
    def __init__(self, bootstrap: str, seam: Seam, answers: Topic) -> None:
        super().__init__(Connection(bootstrap), "chaos")
        self._seam = seam
        self._answers = answers

    async def publish(self, topic: Topic, envelope: Envelope) -> None:
        await super().publish(topic, envelope)
        if topic == self._answers:
            self._seam.passed("emit")

    async def publish_bytes(self, topic: Topic, *, key: bytes | None, value: bytes, headers: Mapping[str, str]) -> None:
        await super().publish_bytes(topic, key=key, value=value, headers=headers)
        if ".dlq." in topic.name:
            self._seam.passed("park")


class DyingHand(Hand):
    def __init__(self, seam: Seam) -> None:
        super().__init__()
        self._seam = seam

    def turn(self, doing: Doing) -> None:
        committed = self.doing is Doing.COMMIT
        super().turn(doing)
        if committed:
            self._seam.passed("commit")


@dataclass(frozen=True)
class Painter:
    """Takes money for every picture."""

    ledger: Path
    seam: Seam

    async def paint(self, scene: Scene) -> Made:
        if scene.image_prompt == REFUSED:
            raise Permanent("the prompt was refused")
        with self.ledger.open("a") as ledger:
            ledger.write(f"{scene.index}\n")
        self.seam.passed("pay")
        await asyncio.sleep(0.01)
        return Made(f"picture of {scene.image_prompt}".encode(), "image/png")

    async def render(self, script: ScriptWritten, job: Job) -> ImagesRendered:
        async def painted(scene: Scene) -> PaintedScene:
            async def make(bill: Bill) -> Made:
                return await self.paint(scene)

            artefact = await job.artefacts.obtain({"scene": scene.index}, make, lambda made: None)
            picture = Picture(key=artefact.key, width=1, height=1, content_type="image/png", provider="chaos")
            return scene.grown(PaintedScene, picture=picture)

        return script.grown(ImagesRendered, scenes=await each(script.scenes, painted, limit=2))


async def main(bootstrap: str, folder: Path, topic: str, answers: str, seam: Seam) -> None:
    reads, writes = replace(SCRIPT_WRITTEN, name=topic), replace(IMAGES_RENDERED, name=answers)
    painter = Painter(folder / "paid", seam)
    stage = Stage(ServiceName.IMAGES, reads, writes, painter.render, lambda job: job, StageSettings())
    log = Log(bootstrap, seam, writes)
    worker = Worker(stage, log, Store(folder / "objects", seam), DyingHand(seam), Brake(9), lambda most: 0.0)

    async def settle(record: Record) -> bool:
        return not isinstance(await worker.settle(record), GivenBack)

    # A static member, so that the next process takes over at once instead of when the session has run out.
    subscription = Subscription(f"{topic}.group", (reads,), drain=10, longest=60, static_id="chaos")
    log.consume(subscription, worker.hand, settle, worker.assigned)
    await log.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], sys.argv[4], Seam(sys.argv[5])))
