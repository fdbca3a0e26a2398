"""The images stage over a fake painter and a real folder."""

import asyncio
import io
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image

from runtime.artefacts import Artefacts
from runtime.errors import Transient
from runtime.fallback import Fallback
from runtime.folder_objects import FolderObjects
from schemas.events import ScriptWritten
from schemas.media import AspectRatio
from services.images.service import Ports, render_images
from tests.builders import script_written
from tests.pictures import FakePainter

PARALLEL = 3
Step = tuple[int, int, str | None]


@dataclass
class Stage:
    """The stage's ports, and what they saw."""

    folder: Path
    painter: FakePainter = field(default_factory=FakePainter)
    steps: list[Step] = field(default_factory=list[Step])

    async def progress(self, step: int, steps: int, label: str, artefact: str | None = None) -> None:
        self.steps.append((step, steps, artefact))

    def ports(self, job: str, *, fresh: int | None = None) -> Ports:
        return Ports(
            Fallback([self.painter], timedelta(0)).chain(),
            Artefacts(FolderObjects(self.folder), job, fresh=fresh),
            self.progress,
            PARALLEL,
        )


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


@pytest.fixture
def script() -> ScriptWritten:
    return script_written(scenes=8)


async def test_every_scene_gets_its_keyframe_in_order(stage: Stage, script: ScriptWritten) -> None:
    rendered = await render_images(script, stage.ports(script.job_id))
    assert [scene.narration for scene in rendered.scenes] == [scene.narration for scene in script.scenes]
    assert len({scene.picture.key for scene in rendered.scenes}) == 8
    for scene in rendered.scenes:
        data = await FolderObjects(stage.folder).get(scene.picture.key)
        assert Image.open(io.BytesIO(data)).size == (scene.picture.width, scene.picture.height) == (1344, 768)
        assert (scene.picture.content_type, scene.picture.provider) == ("image/jpeg", "offline")


@pytest.mark.parametrize("aspect_ratio", list(AspectRatio))
async def test_the_painter_is_asked_for_the_shape_and_the_look(stage: Stage, aspect_ratio: AspectRatio) -> None:
    script = script_written(look="glow", aspect_ratio=aspect_ratio)
    await render_images(script, stage.ports(script.job_id))
    asked = {(request.width, request.height, request.look) for request in stage.painter.asked}
    assert asked == {(*aspect_ratio.keyframe_size, "glow")}


async def test_as_many_are_painted_at_once_as_the_bound_allows(stage: Stage) -> None:
    script = script_written(scenes=2 * PARALLEL)
    stage.painter.together = asyncio.Barrier(PARALLEL)
    await render_images(script, stage.ports(script.job_id))
    assert stage.painter.most_at_work == PARALLEL


async def test_scenes_have_seeds_of_their_own_that_last(stage: Stage, script: ScriptWritten) -> None:
    await render_images(script, stage.ports(script.job_id))
    other = script_written(2, scenes=8)
    await render_images(other, stage.ports(other.job_id))
    seeds = [request.seed for request in stage.painter.asked]
    assert len(set(seeds)) == 16


async def test_each_image_is_told_as_progress(stage: Stage, script: ScriptWritten) -> None:
    rendered = await render_images(script, stage.ports(script.job_id))
    assert sorted(stage.steps) == [(scene.index + 1, 8, scene.picture.key) for scene in rendered.scenes]


async def test_nothing_is_painted_twice(stage: Stage, script: ScriptWritten) -> None:
    first = await render_images(script, stage.ports(script.job_id))
    assert await render_images(script, stage.ports(script.job_id)) == first
    assert len(stage.painter.asked) == 8


async def test_what_is_asked_for_fresh_is_another_picture_once(stage: Stage, script: ScriptWritten) -> None:
    first = await render_images(script, stage.ports(script.job_id))
    fresh = script.model_copy(update={"revision": 2, "fresh": 2})
    second = await render_images(fresh, stage.ports(script.job_id, fresh=2))
    later = await render_images(fresh.model_copy(update={"revision": 3}), stage.ports(script.job_id, fresh=2))

    assert not {scene.picture.key for scene in first.scenes} & {scene.picture.key for scene in second.scenes}
    assert len({request.seed for request in stage.painter.asked}) == len(stage.painter.asked) == 16
    assert [scene.picture for scene in later.scenes] == [scene.picture for scene in second.scenes]


async def test_a_failing_scene_lets_those_under_way_finish_and_only_the_missing_are_painted_next(
    stage: Stage, script: ScriptWritten
) -> None:
    stage.painter.failing = frozenset({script.scenes[1].image_prompt})
    with pytest.raises(Transient, match="dropped its brush"):
        await render_images(script, stage.ports(script.job_id))
    finished = {step for step, _, _ in stage.steps}
    assert {1, 3} <= finished
    assert 2 not in finished
    before = len(stage.painter.asked)
    stage.painter.failing = frozenset()
    await render_images(script, stage.ports(script.job_id))
    again = {request.prompt for request in stage.painter.asked[before:]}
    assert again == {scene.image_prompt for scene in script.scenes if scene.index + 1 not in finished}


async def test_a_damaged_keyframe_is_painted_again(stage: Stage, script: ScriptWritten) -> None:
    first = await render_images(script, stage.ports(script.job_id))
    store, key = FolderObjects(stage.folder), first.scenes[2].picture.key
    whole = await store.get(key)
    await store.put(key, whole[: len(whole) // 2], content_type="image/jpeg")
    await render_images(script, stage.ports(script.job_id))
    assert [request.prompt for request in stage.painter.asked[8:]] == [script.scenes[2].image_prompt]
    assert await store.get(key) == whole
