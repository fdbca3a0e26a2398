"""The stage: its events, its objects and its progress, with a renderer that only pretends."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from runtime.errors import Permanent, Transient, Unavailable
from runtime.folder_objects import FolderObjects
from runtime.objects import ObjectMissing
from schemas.events import VoiceRecorded
from schemas.media import AspectRatio
from services.assembler import materials
from services.assembler.finished import INDEX
from services.assembler.ports import Film, Rendered, Report
from services.assembler.service import STEPS, Ports, assemble_video
from tests.builders import voice_recorded

NAMES = ("video.mp4", "thumbnail.jpg", "captions.vtt", "captions.srt")


@dataclass
class FakeRenderer:
    """Writes the four files, and keeps what it was asked for."""

    recipe: str = "fake-1"
    films: list[Film] = field(default_factory=list)
    contents: list[bytes] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    failure: Exception | None = None

    async def render(self, film: Film, folder: Path, report: Report) -> Rendered:
        self.films.append(film)
        self.folders.append(folder)
        self.contents += [scene.picture.read_bytes() + scene.speech.read_bytes() for scene in film.scenes]
        if self.failure is not None:
            raise self.failure
        for part in (0.05, 0.5, 0.51, 0.99, 1.0):
            await report(part)
        paths = [folder / name for name in NAMES]
        for path in paths:
            path.write_bytes(path.name.encode() * len(self.films))
        return Rendered(*paths, duration=8.5)


@dataclass
class Bench:
    """A store with a job's material, and the stage's ports on it."""

    store: FolderObjects
    scratch: Path
    renderer: FakeRenderer
    told: list[tuple[int, int]] = field(default_factory=list)

    def ports(self) -> Ports:
        async def progress(step: int, steps: int, label: str, artefact: str | None = None) -> None:
            assert label
            self.told.append((step, steps))

        return Ports(self.renderer, self.store, progress, self.scratch)

    async def keys(self) -> list[str]:
        return [entry.key async for entry in self.store.list("scratch/")]


@pytest.fixture
async def bench(tmp_path: Path) -> Bench:
    store = FolderObjects(tmp_path / "objects")
    for scene in voice_recorded().scenes:
        await store.put(scene.picture.key, b"picture %d" % scene.index, content_type="image/png")
        await store.put(scene.speech.key, b"speech %d" % scene.index, content_type="audio/wav")
    return Bench(store, tmp_path / "scratch", FakeRenderer())


async def test_the_answer_names_four_files_that_are_there(bench: Bench) -> None:
    voice = voice_recorded()
    video = await assemble_video(voice, bench.ports())
    files = (video.files.video, video.files.thumbnail, video.files.captions_vtt, video.files.captions_srt)
    assert video.duration == 8.5
    assert [file.key.rpartition("/")[2] for file in files] == list(NAMES)
    assert [file.content_type for file in files] == ["video/mp4", "image/jpeg", "text/vtt", "application/x-subrip"]
    for file in files:
        assert file.key.startswith(f"scratch/{voice.job_id}/")
        info = await bench.store.head(file.key)
        assert info is not None
        assert (info.size, info.content_type) == (file.size, file.content_type)
    assert video.scenes == voice.scenes


async def test_the_renderer_gets_the_scenes_in_order(bench: Bench) -> None:
    voice = voice_recorded(aspect_ratio=AspectRatio.PORTRAIT)
    await assemble_video(voice, bench.ports())
    assert bench.renderer.contents == [b"picture %dspeech %d" % (index, index) for index in range(3)]
    (film,) = bench.renderer.films
    assert film.aspect is AspectRatio.PORTRAIT
    assert [scene.words for scene in film.scenes] == [scene.speech.words for scene in voice.scenes]


async def test_progress_is_told_in_tenths_each_once(bench: Bench) -> None:
    await assemble_video(voice_recorded(), bench.ports())
    assert bench.told == [(5, STEPS), (9, STEPS), (10, STEPS)]


async def test_what_is_finished_is_not_rendered_again(bench: Bench) -> None:
    first = await assemble_video(voice_recorded(), bench.ports())
    second = await assemble_video(voice_recorded(), bench.ports())
    assert second == first
    assert len(bench.renderer.films) == 1


async def test_another_revision_has_files_of_its_own_since_publishing_clears_them(bench: Bench) -> None:
    first = await assemble_video(voice_recorded(), bench.ports())
    second = await assemble_video(voice_recorded(revision=2), bench.ports())
    assert second.files.video.key != first.files.video.key
    assert second.revision == 2


@pytest.mark.parametrize("name", [*NAMES, INDEX])
async def test_a_set_that_lacks_a_file_is_made_again(bench: Bench, name: str) -> None:
    first = await assemble_video(voice_recorded(), bench.ports())
    await bench.store.delete(first.files.video.key.replace("video.mp4", name))
    again = await assemble_video(voice_recorded(), bench.ports())
    assert len(bench.renderer.films) == 2
    assert again.files.video.size == 2 * first.files.video.size


@pytest.mark.parametrize("name", [*NAMES, INDEX])
async def test_a_set_with_a_damaged_file_is_made_again(bench: Bench, name: str) -> None:
    first = await assemble_video(voice_recorded(), bench.ports())
    await bench.store.put(first.files.video.key.replace("video.mp4", name), b"{", content_type="text/plain")
    await assemble_video(voice_recorded(), bench.ports())
    assert len(bench.renderer.films) == 2


def recaptioned(voice: VoiceRecorded) -> VoiceRecorded:
    scenes = [scene.model_copy(update={"caption": "Another."}) for scene in voice.scenes]
    return voice.model_copy(update={"scenes": tuple(scenes)})


async def test_another_video_has_other_keys(bench: Bench) -> None:
    await assemble_video(voice_recorded(), bench.ports())
    await assemble_video(voice_recorded(aspect_ratio=AspectRatio.SQUARE), bench.ports())
    await assemble_video(recaptioned(voice_recorded()), bench.ports())
    bench.renderer.recipe = "fake-2"
    await assemble_video(voice_recorded(), bench.ports())
    assert len(bench.renderer.films) == 4
    assert len({key.rsplit("/", 1)[0] for key in await bench.keys()}) == 4


async def test_a_missing_picture_is_transient_and_nothing_is_rendered(bench: Bench) -> None:
    await bench.store.delete(voice_recorded().scenes[1].picture.key)
    with pytest.raises(ObjectMissing):
        await assemble_video(voice_recorded(), bench.ports())
    assert bench.renderer.films == []


async def test_a_far_too_large_file_is_not_fetched(bench: Bench) -> None:
    large = b"\0" * (materials.MAX_SPEECH_BYTES + 1)
    await bench.store.put(voice_recorded().scenes[0].speech.key, large, content_type="audio/wav")
    with pytest.raises(Permanent, match="larger than 50 MB"):
        await assemble_video(voice_recorded(), bench.ports())


@pytest.mark.parametrize(
    "failure", [Transient("ffmpeg failed"), Unavailable("full", on="scratch disk"), ValueError("a bug")]
)
async def test_a_failed_render_leaves_neither_files_nor_folders(bench: Bench, failure: Exception) -> None:
    bench.renderer.failure = failure
    with pytest.raises(type(failure)):
        await assemble_video(voice_recorded(), bench.ports())
    assert await bench.keys() == []
    assert list(bench.scratch.iterdir()) == []


async def test_the_folder_of_a_render_is_removed(bench: Bench) -> None:
    await assemble_video(voice_recorded(), bench.ports())
    assert not bench.renderer.folders[0].exists()
    assert list(bench.scratch.iterdir()) == []
