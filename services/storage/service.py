"""The storage stage: the finished files are published, and what they were assembled in is cleared."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath

from runtime.errors import Permanent
from runtime.objects import Delivery, ObjectStore
from runtime.stage import Progress
from schemas import keys
from schemas.events import VideoAssembled, VideoPublished
from schemas.media import File, Files, PublishedFiles
from services.storage.checked import publish_checked
from services.storage.manifest import FilePublished, manifest_of
from services.storage.ports import Publisher

NAMES = {
    "video": "video.mp4",
    "thumbnail": "thumbnail.jpg",
    "captions_vtt": "captions.vtt",
    "captions_srt": "captions.srt",
}
"""What each of the assembled files is published as."""

MANIFEST = "manifest.json"

FOREVER = "public, max-age=31536000, immutable"
"""A published key is written once: a new revision has keys of its own."""


@dataclass(frozen=True)
class Ports:
    """What `publish_video` works with."""

    scratch: ObjectStore
    published: ObjectStore
    publisher: Publisher
    progress: Progress
    keyframe_version: str


async def publish_video(video: VideoAssembled, ports: Ports) -> VideoPublished:
    """Publishes every file, the manifest last, and only then clears the scratch files.

    So a try that finds no scratch files finds all of them published.
    """
    assembled = _assembled(video)
    targets: dict[str, File] = {}
    checked: dict[str, FilePublished] = {}
    steps = len(assembled) + 1
    for step, (field, file) in enumerate(assembled.items(), start=1):
        name = NAMES[field]
        targets[field] = _target(video, name, file.content_type, file.size)
        delivery = Delivery(FOREVER, f"{video.title}{PurePath(name).suffix}")
        checked[name] = await publish_checked(file, targets[field], delivery, ports.publisher, ports.published)
        await ports.progress(step, steps, f"{name} published")
    manifest = manifest_of(video, checked, ports.keyframe_version)
    target = _target(video, MANIFEST, "application/json", len(manifest))
    await ports.published.put(target.key, manifest, content_type=target.content_type)
    await ports.progress(steps, steps, f"{MANIFEST} published")
    await _clear(assembled.values(), ports.scratch)
    return video.grown(VideoPublished, published=PublishedFiles(**targets, manifest=target))


def _assembled(video: VideoAssembled) -> dict[str, File]:
    """The assembled files by field. Raises `Permanent` where one does not lie in the job's scratch."""
    files: dict[str, File] = {field: getattr(video.files, field) for field in Files.model_fields}
    if not all(file.key.startswith(keys.scratch_prefix(video.job_id)) for file in files.values()):
        raise Permanent("the assembled files are not in the job's scratch")
    return files


def _target(video: VideoAssembled, name: str, content_type: str, size: int) -> File:
    return File(key=keys.published_key(video.job_id, video.revision, name), content_type=content_type, size=size)


async def _clear(files: Iterable[File], scratch: ObjectStore) -> None:
    """Clears the folders that the files lay in; another revision may be at work in those beside."""
    for folder in sorted({file.key.rpartition("/")[0] for file in files}):
        async for entry in scratch.list(f"{folder}/"):
            await scratch.delete(entry.key)
