"""A video's files in the object store, found again by what they were made from.

They lie under scratch until they are published. An index of their sizes is written last, so a set
that an interrupted upload left is not taken for a whole one.
"""

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from runtime.concurrency import each
from runtime.objects import ObjectMissing, ObjectStore
from schemas.media import File, Files, Seconds
from services.assembler.ports import Rendered

INDEX = "index.json"
PARALLEL = 4
"""Files looked for, or uploaded, at once."""


class Finished(BaseModel):
    """The files of a video, and how long it is."""

    model_config = ConfigDict(frozen=True)

    duration: Seconds
    files: Files


async def find(store: ObjectStore, prefix: str) -> Finished | None:
    """The files under a prefix, if every one is there with the size that it was uploaded with."""
    try:
        finished = Finished.model_validate_json(await store.get(prefix + INDEX))
    except (ObjectMissing, ValidationError):
        return None

    async def whole(file: File) -> bool:
        info = await store.head(file.key)
        return info is not None and info.size == file.size

    files = finished.files
    named = (files.video, files.thumbnail, files.captions_vtt, files.captions_srt)
    return finished if all(await each(named, whole, limit=PARALLEL)) else None


async def upload(store: ObjectStore, prefix: str, rendered: Rendered) -> Finished:
    """Uploads a rendered video's files, and last what `find` looks for. Raises `Unavailable`."""

    async def uploaded(entry: tuple[Path, str]) -> File:
        path, content_type = entry
        key = prefix + path.name
        await store.upload(key, path, content_type=content_type)
        return File(key=key, content_type=content_type, size=path.stat().st_size)

    content_types: Mapping[Path, str] = {
        rendered.video: "video/mp4",
        rendered.thumbnail: "image/jpeg",
        rendered.captions_vtt: "text/vtt",
        rendered.captions_srt: "application/x-subrip",
    }
    video, thumbnail, vtt, srt = await each(content_types.items(), uploaded, limit=PARALLEL)
    files = Files(video=video, thumbnail=thumbnail, captions_vtt=vtt, captions_srt=srt)
    finished = Finished(duration=rendered.duration, files=files)
    await store.put(prefix + INDEX, finished.model_dump_json().encode(), content_type="application/json")
    return finished
