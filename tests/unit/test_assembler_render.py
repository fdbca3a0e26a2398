"""The pipe from drawn frames to ffmpeg, with programs that stand in for ffmpeg."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runtime.errors import Transient
from services.assembler.ffmpeg import Ffmpeg
from services.assembler.planes import Plane
from services.assembler.render import BUFFERS, UNFINISHED, VIDEO, Encoding, render, render_argv
from services.assembler.timeline import Timeline, cut
from tests.unit.assembler_material import HANGING, gone, pids, program

SIZE = (320, 180)
FRAME = 320 * 180 * 3 // 2
TIMELINE = cut([0.5, 0.5, 0.5])
ENCODING = Encoding(SIZE)

TAKES_ALL = f"""
import sys
if "pipe:0" in sys.argv:
    taken = len(sys.stdin.buffer.read())
    open("{UNFINISHED}", "w").write(str(taken))
elif "copy" in sys.argv:
    print("frame=" + str(int(open("{UNFINISHED}").read()) // {FRAME}))
else:
    print("out_time_us={round(TIMELINE.duration * 1e6)}")
"""


def drawing(timeline: Timeline, drawn: list[int]) -> Callable[[Callable[[], Plane]], Iterator[Plane]]:
    def draw(take: Callable[[], Plane]) -> Iterator[Plane]:
        for frame in range(timeline.frames):
            buffer = take()
            buffer[:] = frame % 256
            drawn.append(frame)
            yield buffer

    return draw


async def ignore(_: float) -> None: ...


def rendering_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("render")]


def test_the_arguments_for_a_landscape_video() -> None:
    assert render_argv(cut([1.0, 1.0]), Encoding((1920, 1080), "fast", 2)) == [
        *("-y", "-v", "error", "-nostdin"),
        *("-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", "1920x1080", "-r", "30", "-i", "pipe:0"),
        *("-i", "narration.m4a", "-map", "0:v:0", "-map", "1:a:0"),
        "-vf",
        "setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv,ass=captions.ass",
        *("-c:v", "libx264", "-preset", "superfast", "-x264-params", "mbtree=1:rc-lookahead=10"),
        *("-crf", "20", "-pix_fmt", "yuv420p", "-threads", "2", "-force_key_frames", "0.0000,1.3917"),
        *("-frames:v", "126", "-c:a", "copy", "-movflags", "+faststart", "-f", "mp4", "video.part"),
    ]


def test_the_small_preset_is_veryfast() -> None:
    argv = render_argv(TIMELINE, Encoding(SIZE, "small"))
    assert argv[argv.index("-preset") + 1] == "veryfast"
    assert "-x264-params" not in argv


async def test_every_frame_arrives_once_and_the_video_gets_its_name(tmp_path: Path) -> None:
    drawn: list[int] = []
    told: list[float] = []

    async def report(part: float) -> None:
        told.append(part)

    await render(
        Ffmpeg(program(tmp_path / "fake", TAKES_ALL)), tmp_path, TIMELINE, drawing(TIMELINE, drawn), ENCODING, report
    )
    assert (tmp_path / VIDEO).read_text() == str(TIMELINE.frames * FRAME)
    assert drawn == list(range(TIMELINE.frames))
    assert told == sorted(told)
    assert told[-1] == 1.0


async def test_an_ffmpeg_that_stops_early_and_says_well_done_leaves_no_video(tmp_path: Path) -> None:
    fake = program(tmp_path / "fake", f"import sys; sys.stdin.buffer.read({5 * FRAME}); open('{UNFINISHED}', 'w')")
    drawn: list[int] = []
    with pytest.raises(Transient, match=f"of {TIMELINE.frames} frames"):
        await render(Ffmpeg(fake), tmp_path, TIMELINE, drawing(TIMELINE, drawn), ENCODING, ignore)
    assert not (tmp_path / VIDEO).exists()
    assert len(drawn) < TIMELINE.frames
    assert rendering_threads() == []


@pytest.mark.parametrize(("counted", "heard"), [(TIMELINE.frames - 1, TIMELINE.duration), (TIMELINE.frames, 1.0)])
async def test_a_video_that_is_not_what_was_rendered_gets_no_name(tmp_path: Path, counted: int, heard: float) -> None:
    code = f"""
import sys
sys.stdin.buffer.read()
print("frame={counted}" if "copy" in sys.argv else "out_time_us={round(heard * 1e6)}")
"""
    fake = program(tmp_path / "fake", code)
    (tmp_path / UNFINISHED).touch()
    with pytest.raises(Transient, match="the video has"):
        await render(Ffmpeg(fake), tmp_path, TIMELINE, drawing(TIMELINE, []), ENCODING, ignore)
    assert not (tmp_path / VIDEO).exists()


async def test_a_failing_ffmpeg_says_why(tmp_path: Path) -> None:
    fake = program(tmp_path / "fake", "import sys; sys.stdin.buffer.read(1000); sys.exit('captions.ass: broken')")
    with pytest.raises(Transient, match=r"captions\.ass: broken"):
        await render(Ffmpeg(fake), tmp_path, TIMELINE, drawing(TIMELINE, []), ENCODING, ignore)
    assert rendering_threads() == []


async def test_a_hanging_ffmpeg_is_killed_with_its_children(tmp_path: Path) -> None:
    fake = Ffmpeg(program(tmp_path / "fake", HANGING), stall=1.5)
    drawn: list[int] = []
    with pytest.raises(Transient, match="hung"):
        await render(fake, tmp_path, TIMELINE, drawing(TIMELINE, drawn), ENCODING, ignore)
    assert await asyncio.to_thread(gone, pids(tmp_path))
    assert len(drawn) < TIMELINE.frames
    assert rendering_threads() == []


async def test_a_cancelled_render_leaves_nothing_running(tmp_path: Path) -> None:
    fake = Ffmpeg(program(tmp_path / "fake", HANGING))
    task = asyncio.create_task(render(fake, tmp_path, TIMELINE, drawing(TIMELINE, []), ENCODING, ignore))
    started = await asyncio.to_thread(pids, tmp_path)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(gone, started)
    assert rendering_threads() == []
    assert not (tmp_path / VIDEO).exists()


async def test_a_picture_that_does_not_decode_ends_the_render(tmp_path: Path) -> None:
    def draw(take: Callable[[], Plane]) -> Iterator[Plane]:
        for _ in range(BUFFERS + 2):
            yield take()
        raise Transient("a keyframe is damaged")

    with pytest.raises(Transient, match="damaged"):
        await render(Ffmpeg(program(tmp_path / "fake", TAKES_ALL)), tmp_path, TIMELINE, draw, ENCODING, ignore)
    assert not (tmp_path / VIDEO).exists()
    assert rendering_threads() == []
