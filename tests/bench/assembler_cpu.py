"""What the picture path costs in CPU against the encoder's floor: x264 alone on the same frames, already drawn.

    python -m tests.bench.assembler_cpu --seconds 24 --short-side 720 --preset small

Both are run in turn, so that a machine that others use treats both alike. The frames of the floor
lie in a file without captions: a second of 1080p takes 93 MB.
"""

import argparse
import asyncio
import resource
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple, get_args

import numpy as np

from schemas.media import AspectRatio
from services.assembler.ffmpeg import Ffmpeg, find_ffmpeg
from services.assembler.ffmpeg_renderer import FfmpegRenderer
from services.assembler.frames import draw_frames
from services.assembler.motion import moves
from services.assembler.planes import frame_bytes
from services.assembler.ports import Film
from services.assembler.render import Encoding, Preset, render, render_argv
from services.assembler.sound import read_wav
from services.assembler.timeline import Timeline, cut
from tests.unit.assembler_material import film

SCENES = 4
FRAMES = "frames.yuv"
TEXT = "Every word of this line is lit while it is spoken, one after the other, as captions are."


class Cost(NamedTuple):
    """Seconds of CPU, ours and our children's, and of the clock."""

    cpu: float
    wall: float


async def report(_: float) -> None:
    """Nobody listens."""


async def cost(work: Callable[[], Awaitable[object]]) -> Cost:
    started, before = time.perf_counter(), _cpu()
    await work()
    return Cost(_cpu() - before, time.perf_counter() - started)


def _cpu() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def floor_argv(timeline: Timeline, encoding: Encoding) -> list[str]:
    """The render's own arguments, but from a file of frames, and with neither captions nor sound."""
    swapped = {"pipe:0": FRAMES, "-c:a": "-an"}
    argv = [swapped.get(argument, argument) for argument in render_argv(timeline, encoding)]
    for unwanted in (["-i", "narration.m4a"], ["-map", "1:a:0"], ["copy"]):
        at = next(i for i in range(len(argv)) if argv[i : i + len(unwanted)] == unwanted)
        del argv[at : at + len(unwanted)]
    return [argument.removesuffix(",ass=captions.ass") for argument in argv]


async def measure(made: Film, folder: Path, preset: Preset, short_side: int, rounds: int) -> None:
    ffmpeg = Ffmpeg(find_ffmpeg(None, Path.cwd()))
    renderer = FfmpegRenderer(lambda: ffmpeg, preset, 0, short_side)
    await renderer.render(made, folder, report)  # lays the sound, the captions and the fonts out
    size = renderer.size(made.aspect)
    encoding = Encoding(size, preset)
    timeline = cut([read_wav(scene.speech).duration for scene in made.scenes])
    draw = partial(
        draw_frames, timeline, [scene.picture for scene in made.scenes], moves(len(made.scenes), made.seed), size
    )
    with (folder / FRAMES).open("wb") as file:
        for frame in draw(lambda: np.empty(frame_bytes(*size), np.uint8)):
            file.write(frame.data)
    ours: list[Cost] = []
    floor: list[Cost] = []
    for _ in range(rounds):
        floor.append(await cost(lambda: ffmpeg.run(floor_argv(timeline, encoding), folder)))
        ours.append(await cost(lambda: render(ffmpeg, folder, timeline, draw, encoding, report)))
    _print(f"{size[0]}x{size[1]} {preset}, {timeline.duration:.1f} s", ours, floor)


def _print(what: str, ours: Sequence[Cost], floor: Sequence[Cost]) -> None:
    ratios = sorted(one.cpu / other.cpu for one, other in zip(ours, floor, strict=True))
    for name, costs in (("floor", floor), ("render", ours)):
        cpu, wall = (statistics.median(cost[field] for cost in costs) for field in (0, 1))
        print(f"{what}: {name:6} {cpu:6.2f} CPU-s, {wall:6.2f} s")
    print(f"{what}: CPU / floor {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=24.0)
    parser.add_argument("--short-side", type=int, default=1080)
    parser.add_argument("--preset", choices=get_args(Preset), default="small")
    parser.add_argument("--aspect", choices=list(AspectRatio), default=AspectRatio.LANDSCAPE, type=AspectRatio)
    parser.add_argument("--pictures", nargs="*", type=Path, default=[], help="stills, instead of painted circles")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent)
        made = film(folder / "material", [TEXT] * SCENES, asked.seconds / SCENES - 1, asked.aspect)
        if asked.pictures:
            scenes = [
                replace(scene, picture=asked.pictures[at % len(asked.pictures)]) for at, scene in enumerate(made.scenes)
            ]
            made = replace(made, scenes=tuple(scenes))
        asyncio.run(measure(made, folder, asked.preset, asked.short_side, asked.rounds))


if __name__ == "__main__":
    main()
