"""What is asked for fresh: found by nobody, made anew, and found by those who ask the same way."""

from dataclasses import dataclass, field
from pathlib import Path

from runtime.artefacts import Made
from runtime.bill import Bill
from runtime.brake import Brake
from runtime.folder_objects import FolderObjects
from runtime.hand import Hand
from runtime.outcome import Emitted
from runtime.settings import StageSettings
from runtime.stage import Job, Stage
from runtime.worker import Worker
from schemas.events import ImagesRendered, ScriptWritten
from schemas.topics import IMAGES_RENDERED, SCRIPT_WRITTEN, ServiceName
from tests import builders
from tests.fakes import FakeBus


@dataclass
class Painter:
    """A stage that makes one artefact of the same recipe, whatever the job's revision."""

    made: list[int] = field(default_factory=list[int])

    async def __call__(self, script: ScriptWritten, job: Job) -> ImagesRendered:
        async def make(bill: Bill) -> Made:
            self.made.append(script.revision)
            return Made(b"picture", "image/png")

        await job.artefacts.obtain({"kind": "picture"}, make, lambda made: None)
        return script.grown(ImagesRendered, scenes=builders.images_rendered().scenes)


async def test_a_revision_that_is_asked_for_fresh_finds_nothing_of_those_before(tmp_path: Path) -> None:
    painter = Painter()
    stage = Stage(ServiceName.IMAGES, SCRIPT_WRITTEN, IMAGES_RENDERED, painter, lambda job: job, StageSettings())
    worker = Worker(stage, FakeBus(), FolderObjects(tmp_path), Hand(), Brake(5), lambda most: 0.0)

    for revision, fresh in ((1, None), (2, None), (3, 3), (4, 3), (5, None)):
        event = builders.script_written(revision=revision, fresh=fresh)
        record = builders.record(builders.envelope(event, cause=str(revision)))
        assert isinstance(await worker.settle(record), Emitted)

    assert painter.made == [1, 3]
