"""What is published of an assembled video, and that a crash at any point changes nothing of it."""

import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from runtime.errors import Permanent, Transient
from runtime.folder_objects import FolderObjects
from runtime.objects import Delivery, ObjectEntry, ObjectStore
from schemas import keys
from schemas.costs import StageCost
from schemas.events import VideoAssembled, VideoPublished
from schemas.media import Degraded, File, Files
from services.storage.publishers import CarryAcross, CopyWithin
from services.storage.service import Ports, publish_video
from tests.builders import job_id, video_assembled

SCRATCH = f"{keys.scratch_prefix(job_id())}made/"
CONTENT = {
    "video.mp4": ("video/mp4", b"moving pictures" * 50_000),
    "thumbnail.jpg": ("image/jpeg", b"a picture"),
    "captions.vtt": ("text/vtt", b"WEBVTT"),
    "captions.srt": ("application/x-subrip", b"1"),
}
PUBLISHED = ["captions.srt", "captions.vtt", "manifest.json", "thumbnail.jpg", "video.mp4"]


class Crash(Exception):
    """The process was killed."""


@dataclass
class Crashing:
    """A store whose process is killed after so many writes and deletes."""

    store: ObjectStore
    left: int

    async def put(self, key: str, data: bytes, *, content_type: str) -> None:
        await self.store.put(key, data, content_type=content_type)
        self._count()

    async def copy(self, source: str, target: str, *, delivery: Delivery | None = None) -> None:
        await self.store.copy(source, target, delivery=delivery)
        self._count()

    async def upload(self, key: str, source: Path, *, content_type: str, delivery: Delivery | None = None) -> None:
        await self.store.upload(key, source, content_type=content_type, delivery=delivery)
        self._count()

    async def delete(self, key: str) -> None:
        await self.store.delete(key)
        self._count()

    async def download(self, key: str, target: Path) -> None:
        await self.store.download(key, target)

    def stream(self, key: str) -> AsyncIterator[bytes]:
        return self.store.stream(key)

    def list(self, prefix: str) -> AsyncIterator[ObjectEntry]:
        return self.store.list(prefix)

    def _count(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise Crash


@dataclass
class Told:
    """Progress that is kept."""

    steps: list[tuple[int, int, str]] = field(default_factory=list)

    async def __call__(self, step: int, steps: int, label: str, artefact: str | None = None) -> None:
        self.steps.append((step, steps, label))


@dataclass
class House:
    """A video that is assembled, and where it is to be published."""

    scratch: FolderObjects
    published: FolderObjects

    async def assembled(self) -> VideoAssembled:
        for name, (content_type, data) in CONTENT.items():
            await self.scratch.put(f"{SCRATCH}{name}", data, content_type=content_type)
        await self.scratch.put(f"{SCRATCH}index.json", b"{}", content_type="application/json")
        files = {
            name.replace("captions.", "captions_").split(".")[0]: File(
                key=f"{SCRATCH}{name}", content_type=content_type, size=len(data)
            )
            for name, (content_type, data) in CONTENT.items()
        }
        return video_assembled(files=Files(**files))

    async def publish(self, video: VideoAssembled, *, crash_after: int = 0) -> tuple[VideoPublished, Told]:
        """Publishes, and is killed after so many writes and deletes; 0 is never."""
        told, within = Told(), self.scratch is self.published
        scratch = Crashing(self.scratch, crash_after)
        published = scratch if within else Crashing(self.published, crash_after)
        publisher = CopyWithin(scratch) if within else CarryAcross(scratch, published)
        return await publish_video(video, Ports(scratch, published, publisher, told, "1.2.3")), told

    async def found(self) -> dict[str, bytes]:
        prefix = keys.published_prefix(job_id())
        return {entry.key: await self.published.get(entry.key) async for entry in self.published.list(prefix)}

    async def scratch_keys(self) -> list[str]:
        return [entry.key async for entry in self.scratch.list("scratch/")]


@pytest.fixture(params=["one store", "two stores"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> House:
    return new_house(tmp_path, within=request.param == "one store")


def new_house(folder: Path, *, within: bool) -> House:
    scratch = FolderObjects(folder / "objects")
    return House(scratch, scratch if within else FolderObjects(folder / "public"))


async def test_every_file_is_published_and_scratch_is_cleared(house: House) -> None:
    video = await house.assembled()
    event, told = await house.publish(video)
    assert event.duration == video.duration
    for name, file in (
        ("video.mp4", event.published.video),
        ("thumbnail.jpg", event.published.thumbnail),
        ("captions.vtt", event.published.captions_vtt),
        ("captions.srt", event.published.captions_srt),
    ):
        content_type, data = CONTENT[name]
        assert file == File(key=keys.published_key(job_id(), 1, name), content_type=content_type, size=len(data))
        assert await house.published.get(file.key) == data
        info = await house.published.head(file.key)
        assert info is not None
        assert info.content_type == content_type
    assert list(await house.found()) == [keys.published_key(job_id(), 1, name) for name in PUBLISHED]
    assert await house.scratch_keys() == []
    assert [step for step, _, _ in told.steps] == [1, 2, 3, 4, 5]


async def test_the_manifest_says_how_the_video_was_made(house: House) -> None:
    video = await house.assembled()
    event, _ = await house.publish(video)
    data = await house.published.get(event.published.manifest.key)
    assert event.published.manifest.size == len(data)
    manifest = json.loads(data)
    assert manifest["keyframe_version"] == "1.2.3"
    for name in ("job_id", "revision", "prompt", "style", "title", "description", "writer", "look", "voice"):
        assert manifest[name] == getattr(video, name)
    assert (manifest["language"], manifest["aspect_ratio"], manifest["duration"]) == ("en", "16:9", video.duration)
    assert len(manifest["scenes"]) == len(video.scenes)
    scene, made = manifest["scenes"][1], video.scenes[1]
    assert (scene["narration"], scene["image_prompt"]) == (made.narration, made.image_prompt)
    assert (scene["picture"]["key"], scene["picture"]["provider"]) == (made.picture.key, made.picture.provider)
    assert (scene["speech"]["provider"], scene["speech"]["duration"]) == ("offline", 2.0)
    assert manifest["files"] == {
        name: {"content_type": content_type, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, (content_type, data) in CONTENT.items()
    }


async def test_the_manifest_says_what_it_cost_and_what_a_stand_in_made(house: House) -> None:
    plain = await house.assembled()
    whole = {"calls": 1, "seconds": 2.0, "units": {"images": 1.0}}
    costs = (
        StageCost(stage="script", provider="openai", model="gpt-4o-mini", usd=0.1, **whole),
        StageCost(stage="images", provider="nebius", model="flux", usd=0.2, **whole),
        StageCost(stage="images", provider="nebius", model="new", usd=None, **whole),
    )
    degraded = (Degraded(stage="images", scene=1, reason="Nebius is away"), Degraded(stage="voice", reason="Polly is"))
    aligned = plain.scenes[0].speech.model_copy(update={"timings": "aligned"})
    scenes = (plain.scenes[0].model_copy(update={"speech": aligned}), *plain.scenes[1:])
    video = plain.model_copy(
        update={"costs": costs, "degraded": degraded, "target_seconds": 30, "scenes": scenes},
    )
    event, _ = await house.publish(VideoAssembled.model_validate_json(video.model_dump_json()))
    manifest = json.loads(await house.published.get(event.published.manifest.key))
    assert {name: manifest["costs"][name] for name in ("usd", "by_stage", "complete")} == {
        "usd": 0.3,
        "by_stage": {"script": 0.1, "images": 0.2},
        "complete": False,
    }
    assert manifest["costs"]["calls"] == [cost.model_dump(mode="json") for cost in costs]
    assert manifest["degraded"] == [one.model_dump(mode="json") for one in degraded]
    assert manifest["target_seconds"] == 30
    assert [scene["speech"]["timings"] for scene in manifest["scenes"]] == ["aligned", "measured", "measured"]


async def test_a_redelivery_gives_the_same_event_and_bytes(house: House) -> None:
    video = await house.assembled()
    first, _ = await house.publish(video)
    found = await house.found()
    again, _ = await house.publish(video)
    assert again == first
    assert await house.found() == found


@pytest.mark.parametrize("within", [True, False])
async def test_a_crash_at_any_point_is_made_good(within: bool, tmp_path: Path) -> None:
    whole = new_house(tmp_path / "whole", within=within)
    expected, _ = await whole.publish(await whole.assembled())
    crashes = 0
    while True:
        house = new_house(tmp_path / str(crashes), within=within)
        video = await house.assembled()
        try:
            await house.publish(video, crash_after=crashes + 1)
            break
        except Crash:
            crashes += 1
        event, _ = await house.publish(video)
        assert event == expected
        assert await house.found() == await whole.found()
        assert await house.scratch_keys() == []
    assert crashes >= len(PUBLISHED)


async def test_files_that_are_gone_everywhere_are_permanent(house: House) -> None:
    video = await house.assembled()
    for key in await house.scratch_keys():
        await house.scratch.delete(key)
    with pytest.raises(Permanent, match="replay the job from the assembler"):
        await house.publish(video)


async def test_half_a_publication_without_its_source_is_permanent(house: House) -> None:
    video = await house.assembled()
    await house.publish(video)
    await house.published.put(keys.published_key(job_id(), 1, "video.mp4"), b"half", content_type="video/mp4")
    with pytest.raises(Permanent, match="were cleared"):
        await house.publish(video)


async def test_a_file_of_another_size_than_assembled_does_not_count(house: House) -> None:
    video = await house.assembled()
    await house.scratch.put(video.files.video.key, b"cut", content_type="video/mp4")
    with pytest.raises(Transient, match="not as large"):
        await house.publish(video)
    assert keys.published_key(job_id(), 1, "manifest.json") not in await house.found()


@pytest.mark.parametrize("key", [f"scratch/{job_id(2)}/video.mp4", "answers/x/y", f"{SCRATCH}../../../answers/x"])
async def test_only_the_jobs_own_scratch_is_published(house: House, key: str) -> None:
    video = await house.assembled()
    files = video.files.model_copy(update={"video": video.files.video.model_copy(update={"key": key})})
    with pytest.raises(Permanent):
        await house.publish(video.model_copy(update={"files": files}))
    assert await house.found() == {}
    assert len(await house.scratch_keys()) == 5


async def test_what_another_revision_is_assembled_in_stays(house: House) -> None:
    video = await house.assembled()
    beside = f"{keys.scratch_prefix(job_id())}other/video.mp4"
    await house.scratch.put(beside, b"at work", content_type="video/mp4")
    await house.publish(video)
    assert await house.scratch_keys() == [beside]
