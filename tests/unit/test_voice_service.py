"""The voice stage over a fake speaker and a real folder."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from runtime.artefacts import Artefacts
from runtime.errors import Permanent
from runtime.fallback import Fallback
from runtime.folder_objects import FolderObjects
from schemas.events import ImagesRendered
from services.voice import wav
from services.voice.loudness import TARGET, integrated
from services.voice.service import Ports, record_voice
from tests.builders import images_rendered
from tests.speakers import FakeSpeaker


@dataclass
class Stage:
    """The stage's ports, and what they saw."""

    folder: Path
    speaker: FakeSpeaker = field(default_factory=FakeSpeaker)
    steps: list[tuple[int, int, str | None]] = field(default_factory=list[tuple[int, int, str | None]])

    async def progress(self, step: int, steps: int, label: str, artefact: str | None = None) -> None:
        self.steps.append((step, steps, artefact))

    def ports(self, job: str) -> Ports:
        return Ports(
            Fallback([self.speaker], timedelta(0)).chain(),
            Artefacts(FolderObjects(self.folder), job),
            self.progress,
            parallel=2,
        )


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


@pytest.fixture
def images() -> ImagesRendered:
    return images_rendered(scenes=3)


async def test_every_scene_gets_its_recording_and_its_words(stage: Stage, images: ImagesRendered) -> None:
    recorded = await record_voice(images, stage.ports(images.job_id))
    for scene in recorded.scenes:
        samples, rate = wav.decoded(await FolderObjects(stage.folder).get(scene.speech.key))
        assert len(samples) / rate == pytest.approx(scene.speech.duration)
        assert integrated(samples, rate) == pytest.approx(TARGET, abs=1)
        assert [word.text for word in scene.speech.words] == scene.narration.split()
        assert scene.speech.words[-1].end <= scene.speech.duration
    assert [scene.picture for scene in recorded.scenes] == [scene.picture for scene in images.scenes]
    assert sorted(stage.steps) == [(at + 1, 3, scene.speech.key) for at, scene in enumerate(recorded.scenes)]


async def test_the_speaker_is_asked_for_its_own_name_of_the_voice(stage: Stage, images: ImagesRendered) -> None:
    await record_voice(images, stage.ports(images.job_id))
    assert {request.voice for request in stage.speaker.asked} == {"af_heart"}
    assert sorted(request.text for request in stage.speaker.asked) == [scene.narration for scene in images.scenes]


async def test_nothing_is_spoken_twice(stage: Stage, images: ImagesRendered) -> None:
    first = await record_voice(images, stage.ports(images.job_id))
    again = await record_voice(images, stage.ports(images.job_id))
    assert again == first
    assert len(stage.speaker.asked) == 3


async def test_a_damaged_recording_is_made_again(stage: Stage, images: ImagesRendered) -> None:
    first = await record_voice(images, stage.ports(images.job_id))
    key = first.scenes[1].speech.key
    await FolderObjects(stage.folder).put(key, b"RIFF", content_type="audio/wav")
    await record_voice(images, stage.ports(images.job_id))
    assert [request.text for request in stage.speaker.asked[3:]] == [images.scenes[1].narration]


@pytest.mark.parametrize(("voice", "provider"), [("nobody", "offline"), ("aria", "elsewhere")])
async def test_a_voice_that_cannot_be_had_is_a_permanent_failure(stage: Stage, voice: str, provider: str) -> None:
    stage.speaker.name = provider
    images = images_rendered().model_copy(update={"voice": voice})
    with pytest.raises(Permanent, match=f"the voice {voice} cannot be had from the {provider} provider"):
        await record_voice(images, stage.ports(images.job_id))
    assert not stage.speaker.asked
