"""A renderer on OpenCV, libass and one ffmpeg."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from schemas.media import AspectRatio, Word
from services.assembler.captions import BURNED_IN, SUBTITLES, captions
from services.assembler.ffmpeg import Ffmpeg, scratch_errors
from services.assembler.fontconfig import fonts_conf
from services.assembler.frames import draw_frames
from services.assembler.kernel import draw
from services.assembler.loudness import NARRATION, master
from services.assembler.motion import Move, moves, rectangle
from services.assembler.planes import frame_bytes, frame_planes, read_still, to_rgb
from services.assembler.ports import Film, FilmScene, Rendered, Report
from services.assembler.render import CAPTIONS, FONTS, VIDEO, Encoding, Preset, render
from services.assembler.sound import Sound, narration, read_wav, write_wav
from services.assembler.subtitles import ass, subrip, webvtt
from services.assembler.timeline import Shot, Timeline, cut, evenly_timed, placed

VERSION = 1
"""Raised whenever the same film would be rendered to something else."""

THUMBNAIL, VTT, SRT = "thumbnail.jpg", "captions.vtt", "captions.srt"
THUMBNAIL_QUALITY = 88
FULL_SHORT_SIDE = 1080
"""The shorter side of `AspectRatio.frame_size`."""


@dataclass(frozen=True)
class FfmpegRenderer:
    """Renders with one ffmpeg a film."""

    find: Callable[[], Ffmpeg]
    """Finds ffmpeg for a render. Raises `Unavailable`."""
    preset: Preset = "fast"
    threads: int = 0
    short_side: int = FULL_SHORT_SIDE
    """The shorter side of the video in pixels."""

    @property
    def recipe(self) -> str:
        """The version of this code, and what it was told."""
        return f"keyframe-{VERSION} {self.preset} {self.short_side}"

    async def render(self, film: Film, folder: Path, report: Report) -> Rendered:
        """The files of a film, made in a folder that is its own.

        Raises:
            Transient: a picture or speech does not decode, or ffmpeg failed.
            Unavailable: there is no ffmpeg, or no room.
        """
        ffmpeg = self.find()
        size = self.size(film.aspect)
        with scratch_errors():
            timeline = await asyncio.to_thread(_prepare, film, folder, size)
            await master(ffmpeg, folder, timeline.frames)
            pictures, path = [scene.picture for scene in film.scenes], moves(len(film.scenes), film.seed)
            await asyncio.to_thread(_write_thumbnail, pictures[0], path[0], timeline.shots[0], size, folder)
            drawing = partial(draw_frames, timeline, pictures, path, size)
            await render(ffmpeg, folder, timeline, drawing, Encoding(size, self.preset, self.threads), report)
        return Rendered(folder / VIDEO, folder / THUMBNAIL, folder / VTT, folder / SRT, timeline.duration)

    def size(self, aspect: AspectRatio) -> tuple[int, int]:
        """(width, height) of the video in pixels, both even."""
        width, height = aspect.frame_size
        return _even(width * self.short_side / FULL_SHORT_SIDE), _even(height * self.short_side / FULL_SHORT_SIDE)


def _prepare(film: Film, folder: Path, size: tuple[int, int]) -> Timeline:
    """Writes what ffmpeg reads beside the frames, and the captions for players."""
    speeches = [read_wav(scene.speech) for scene in film.scenes]
    # Counted samples say how long speech is; what the event says of it is a rounding.
    timeline = cut([speech.duration for speech in speeches])
    words = [
        placed(_words(scene, speech), shot)
        for scene, speech, shot in zip(film.scenes, speeches, timeline.shots, strict=True)
    ]
    write_wav(folder / NARRATION, narration(timeline, speeches))
    _write_captions(film.aspect, words, folder, size)
    (folder / FONTS).write_text(fonts_conf(), encoding="utf-8")
    return timeline


def _words(scene: FilmScene, speech: Sound) -> Sequence[Word]:
    return scene.words or evenly_timed(scene.caption, speech.duration)


def _write_captions(aspect: AspectRatio, words: Sequence[Sequence[Word]], folder: Path, size: tuple[int, int]) -> None:
    burned_in = captions(words, BURNED_IN[aspect], emoji=False)
    subtitles = captions(words, SUBTITLES, emoji=True)
    (folder / CAPTIONS).write_text(ass(burned_in, size, aspect), encoding="utf-8")
    (folder / VTT).write_text(webvtt(subtitles), encoding="utf-8")
    (folder / SRT).write_text(subrip(subtitles), encoding="utf-8")


def _write_thumbnail(picture: Path, move: Move, shot: Shot, size: tuple[int, int], folder: Path) -> None:
    """The frame in the middle of a shot, without captions."""
    still = read_still(picture, size)
    frame = frame_planes(np.empty(frame_bytes(*size), np.uint8), *size)
    draw(still, rectangle(move, shot.progress((shot.first + shot.end) // 2), still.size, size), frame)
    Image.fromarray(to_rgb(frame)).save(folder / THUMBNAIL, quality=THUMBNAIL_QUALITY, optimize=True)


def _even(length: float) -> int:
    return round(length / 2) * 2
