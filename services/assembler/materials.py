"""A film's material: keyframes and speech, brought from the object store to this machine's disk."""

from pathlib import Path

from runtime.concurrency import each
from runtime.errors import Permanent
from runtime.objects import ObjectMissing, ObjectStore
from schemas.events import VoiceRecorded
from schemas.keys import digest
from schemas.media import SpokenScene
from services.assembler.ffmpeg import scratch_errors
from services.assembler.ports import Film, FilmScene

MAX_PICTURE_BYTES = 50_000_000
MAX_SPEECH_BYTES = 50_000_000
"""Half a megabyte is usual for a keyframe, a megabyte for a scene's speech."""

PARALLEL = 4
"""Scenes fetched at once."""


async def fetch(voice: VoiceRecorded, store: ObjectStore, folder: Path) -> Film:
    """The film of a recorded script, its files laid into a folder.

    Raises:
        ObjectMissing: a keyframe or a scene's speech is gone.
        Permanent: one is far larger than such a file can be.
        Unavailable: the store is away, or there is no room.
    """

    async def fetched(scene: SpokenScene) -> FilmScene:
        picture, speech = folder / f"{scene.index}.picture", folder / f"{scene.index}.wav"
        await _download(store, scene.picture.key, picture, MAX_PICTURE_BYTES)
        await _download(store, scene.speech.key, speech, MAX_SPEECH_BYTES)
        return FilmScene(picture, speech, scene.speech.words, scene.caption)

    scenes = await each(voice.scenes, fetched, limit=PARALLEL)
    return Film(voice.aspect_ratio, tuple(scenes), seed=int(digest({"job": voice.job_id})[:8], 16))


async def _download(store: ObjectStore, key: str, target: Path, limit: int) -> None:
    info = await store.head(key)
    if info is None:
        raise ObjectMissing("a keyframe or a scene's speech is missing")
    if info.size > limit:
        raise Permanent(f"a keyframe or a scene's speech is larger than {limit // 1_000_000} MB")
    with scratch_errors():
        await store.download(key, target)
