"""Rendering: drawn frames through a pipe into one ffmpeg that burns captions in and encodes."""

import asyncio
import contextlib
import fcntl
import os
import queue
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Literal

import numpy as np

from runtime.errors import Transient
from schemas.media import FRAMES_PER_SECOND
from services.assembler.ffmpeg import Ffmpeg, Running
from services.assembler.loudness import MASTER
from services.assembler.planes import Plane, frame_bytes
from services.assembler.ports import Report
from services.assembler.timeline import Timeline

CAPTIONS = "captions.ass"
FONTS = "fonts.conf"
VIDEO = "video.mp4"
UNFINISHED = "video.part"

Preset = Literal["fast", "small"]
PRESETS: dict[Preset, tuple[str, ...]] = {
    # Two thirds of veryfast's work at the same quality; files are some 15 % larger.
    "fast": ("-preset", "superfast", "-x264-params", "mbtree=1:rc-lookahead=10"),
    "small": ("-preset", "veryfast"),
}
QUALITY = 20
"""x264's constant rate factor."""

BUFFERS = 4
PIPE_BYTES = 1 << 20
"""The size of the pipe: the kernel's default of 64 KiB costs twice the switches."""

TICK = 0.25
"""Seconds between two looks at a render."""

Draw = Callable[[Callable[[], Plane]], Iterator[Plane]]
"""Draws all frames, each into a buffer that it takes when it needs it."""


@dataclass(frozen=True)
class Encoding:
    """How frames become a video."""

    size: tuple[int, int]
    """(width, height) in pixels, both even."""
    preset: Preset = "fast"
    threads: int = 0
    """x264's threads; 0 lets it choose."""


class Ended(Exception):
    """ffmpeg takes no more frames."""


class FramePipe:
    """Carries frames from the thread that draws to the one that writes, in buffers that go round."""

    def __init__(self, frame_size: int) -> None:
        self.written = 0
        """Frames that ffmpeg has taken."""
        self._free: queue.SimpleQueue[Plane | None] = queue.SimpleQueue()
        self._drawn: queue.SimpleQueue[Plane | None] = queue.SimpleQueue()
        for _ in range(BUFFERS):
            self._free.put(np.empty(frame_size, np.uint8))

    def take(self) -> Plane:
        """A buffer to draw into. Raises `Ended`."""
        buffer = self._free.get()
        if buffer is None:
            raise Ended
        return buffer

    def draw(self, draw: Draw) -> None:
        """Draws all frames; runs in a thread of its own."""
        try:
            for buffer in draw(self.take):
                self._drawn.put(buffer)
        except Ended:
            pass  # ffmpeg says why
        finally:
            self._drawn.put(None)

    def write(self, pipe: FileIO) -> None:
        """Writes what is drawn until the last frame, then closes the pipe; runs in a thread of its own."""
        try:
            with pipe:
                while (buffer := self._drawn.get()) is not None:
                    rest = buffer.data
                    while rest:
                        rest = rest[pipe.write(rest) :]
                    self.written += 1
                    self._free.put(buffer)
        except BrokenPipeError:
            pass  # ffmpeg says why
        finally:
            self._free.put(None)


async def render(
    ffmpeg: Ffmpeg, folder: Path, timeline: Timeline, draw: Draw, encoding: Encoding, report: Report
) -> None:
    """Renders `VIDEO` in a folder that holds `MASTER`, `CAPTIONS` and `FONTS`; it is there whole or not at all.

    Raises:
        Transient: ffmpeg failed or hung, a picture does not decode, or the video is not what it should be.
        Unavailable: there is no ffmpeg, or no room.
    """
    frames = FramePipe(frame_bytes(*encoding.size))
    environment = {"FONTCONFIG_FILE": str(folder / FONTS)}
    loop = asyncio.get_running_loop()
    pool = ThreadPoolExecutor(2, thread_name_prefix="render")
    work: list[asyncio.Future[None]] = []
    reader, writer = _pipe()
    with reader, writer:
        try:
            async with ffmpeg.started(render_argv(timeline, encoding), folder, reader.fileno(), environment) as running:
                reader.close()  # held open here too, a dead ffmpeg would not break the pipe
                work += [
                    loop.run_in_executor(pool, frames.draw, draw),
                    loop.run_in_executor(pool, frames.write, writer),
                ]
                await _watch(ffmpeg, running, work, frames, timeline.frames, report)
        finally:
            # ffmpeg is gone by now, and with it whatever the threads could wait for.
            await asyncio.shield(asyncio.gather(*work, return_exceptions=True))
            pool.shutdown()
    if frames.written != timeline.frames:
        raise Transient(f"ffmpeg took {frames.written} of {timeline.frames} frames")
    await _verify(ffmpeg, folder, timeline.frames)
    (folder / UNFINISHED).rename(folder / VIDEO)


def render_argv(timeline: Timeline, encoding: Encoding) -> list[str]:
    """ffmpeg's arguments that make `UNFINISHED` out of frames on its standard input."""
    width, height = encoding.size
    # A quarter of a frame early, so that rounding cannot put a key frame one frame late.
    scene_starts = ",".join(f"{max(0.0, (shot.first - 0.25) / FRAMES_PER_SECOND):.4f}" for shot in timeline.shots)
    raw = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{width}x{height}", "-r", str(FRAMES_PER_SECOND)]
    # As input options the tags would make ffmpeg convert; in the chain they only say what the pixels are.
    tags = "setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv"
    return [
        *("-y", "-v", "error", "-nostdin"),
        *(*raw, "-i", "pipe:0", "-i", MASTER, "-map", "0:v:0", "-map", "1:a:0"),
        *("-vf", f"{tags},ass={CAPTIONS}", "-c:v", "libx264", *PRESETS[encoding.preset], "-crf", str(QUALITY)),
        *("-pix_fmt", "yuv420p", "-threads", str(encoding.threads), "-force_key_frames", scene_starts),
        *("-frames:v", str(timeline.frames), "-c:a", "copy", "-movflags", "+faststart", "-f", "mp4", UNFINISHED),
    ]


async def _watch(
    ffmpeg: Ffmpeg,
    running: Running,
    work: Sequence[asyncio.Future[None]],
    frames: FramePipe,
    total: int,
    report: Report,
) -> None:
    """Waits for ffmpeg's end, tells how far it is, and gives it up where it takes no frame for too long."""
    finishing = asyncio.create_task(running.finished())
    loop = asyncio.get_running_loop()
    taken, since = 0, loop.time()
    try:
        async with asyncio.timeout(ffmpeg.cap):
            while not finishing.done():
                await asyncio.wait({finishing}, timeout=TICK)
                if frames.written > taken:
                    taken, since = frames.written, loop.time()
                    await report(taken / total)
                elif loop.time() - since > ffmpeg.stall:
                    raise Transient(f"ffmpeg hung: it took no frame for {ffmpeg.stall:.0f} seconds")
                for thread in work:
                    if thread.done():
                        thread.result()  # a picture that does not decode
            await finishing
    except TimeoutError as error:
        raise Transient(f"ffmpeg was stopped after {ffmpeg.cap:.0f} seconds") from error
    finally:
        finishing.cancel()


async def _verify(ffmpeg: Ffmpeg, folder: Path, frames: int) -> None:
    """Raises `Transient` where the video has not so many frames, or sound of another length."""
    video = await ffmpeg.run(["-v", "error", "-nostdin", *_COUNTED, "-i", UNFINISHED, *_COPIED_VIDEO], folder)
    audio = await ffmpeg.run(["-v", "error", "-nostdin", *_COUNTED, "-i", UNFINISHED, *_DECODED_AUDIO], folder)
    counted, heard = _last(video.output, "frame"), _last(audio.output, "out_time_us") / 1e6 * FRAMES_PER_SECOND
    if counted != frames or abs(heard - frames) > 1:
        raise Transient(f"the video has {counted} frames and sound for {heard:.1f} where {frames} were rendered")


_COUNTED = ("-progress", "pipe:1", "-nostats")
_COPIED_VIDEO = ("-map", "0:v:0", "-c", "copy", "-f", "null", "-")
_DECODED_AUDIO = ("-map", "0:a:0", "-f", "null", "-")


def _last(progress: bytes, name: str) -> int:
    """The last value that ffmpeg's -progress reported, or 0."""
    values = [line.partition(b"=")[2] for line in progress.splitlines() if line.startswith(name.encode() + b"=")]
    return int(values[-1]) if values and values[-1].isdigit() else 0


def _pipe() -> tuple[FileIO, FileIO]:
    """Both ends of a pipe, large where the system allows it."""
    reader, writer = os.pipe()
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with contextlib.suppress(OSError):  # more than an unprivileged user may have
            fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    return FileIO(reader, "rb"), FileIO(writer, "wb")
