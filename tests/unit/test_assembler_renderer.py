"""Real, short, small renders, decoded again and counted."""

import re
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from runtime.errors import Transient
from schemas.media import FRAMES_PER_SECOND, AspectRatio
from services.assembler.ffmpeg import Ffmpeg, find_ffmpeg
from services.assembler.ffmpeg_renderer import FfmpegRenderer
from services.assembler.loudness import MASTER, RATE, TRUE_PEAK, measure_argv, parse_loudness
from services.assembler.ports import Film, Rendered
from services.assembler.timeline import Timeline, cut
from tests.unit.assembler_material import film

FFMPEG = Ffmpeg(find_ffmpeg(None, Path.cwd()))
RENDERER = FfmpegRenderer(lambda: FFMPEG, short_side=240)
SIZE = (426, 240)
SECONDS = 1.1
LIT = (255, 213, 74)
"""The colour of the spoken word: red, green, blue."""
TEXTS = ["Reefs are a city.", "Animals built it.", "Protect the reefs!"]


@dataclass
class Render:
    """A film, and what became of it."""

    film: Film
    rendered: Rendered
    folder: Path
    timeline: Timeline
    told: list[float]

    async def decoded(self, *arguments: str) -> bytes:
        argv = ["-v", "error", "-nostdin", "-i", self.rendered.video.name, *arguments, "-"]
        return (await FFMPEG.run(argv, self.folder)).output

    async def frames(self) -> NDArray[np.uint8]:
        """Every frame as RGB, by the file's own colour tags."""
        raw = await self.decoded("-f", "rawvideo", "-pix_fmt", "rgb24")
        return np.frombuffer(raw, np.uint8).reshape(-1, SIZE[1], SIZE[0], 3)


async def rendered(folder: Path, texts: list[str], seconds: float = SECONDS) -> Render:
    told: list[float] = []

    async def report(part: float) -> None:
        told.append(part)

    made = film(folder / "material", texts, seconds)
    (folder / "work").mkdir()
    files = await RENDERER.render(made, folder / "work", report)
    return Render(made, files, folder / "work", cut([seconds] * len(texts)), told)


@pytest.fixture(scope="module")
async def render(tmp_path_factory: pytest.TempPathFactory) -> Render:
    return await rendered(tmp_path_factory.mktemp("render"), TEXTS)


async def test_frames_and_samples_are_counted_exactly(render: Render) -> None:
    assert len(await render.frames()) == render.timeline.frames
    samples = len(await render.decoded("-f", "s16le", "-ac", "1")) / 2
    assert abs(samples / RATE - render.timeline.duration) < 1 / FRAMES_PER_SECOND
    assert render.rendered.duration == render.timeline.duration
    assert render.told[-1] == 1.0


async def test_speech_is_heard_where_the_timeline_has_it(render: Render) -> None:
    raw = await render.decoded("-f", "s16le", "-ac", "1")
    level = np.abs(np.frombuffer(raw, "<i2").astype(float))
    for shot in render.timeline.shots:
        spoken = level[round(shot.speech_start * RATE) : round(shot.speech_end * RATE)]
        assert spoken.mean() > 500
    for before, after in zip(render.timeline.shots, render.timeline.shots[1:], strict=False):
        pause = level[round((before.speech_end + 0.1) * RATE) : round((after.speech_start - 0.05) * RATE)]
        assert pause.max() < 500


async def test_it_plays_from_the_web_in_the_right_colours(render: Render) -> None:
    head = render.rendered.video.read_bytes()[:4096]
    assert head.index(b"moov") < 64  # +faststart: the index stands before the data
    about = (
        await FFMPEG.run(
            ["-hide_banner", "-nostdin", "-i", render.rendered.video.name, "-f", "null", "-"], render.folder
        )
    ).messages
    assert re.search(r"Video: h264 \(High\).*yuv420p\(tv, bt709.*426x240.*30 fps", about)
    assert re.search(r"Audio: aac \(LC\).*48000 Hz, stereo", about)


async def test_every_scene_starts_with_a_key_frame(render: Render) -> None:
    argv = [
        "-nostdin",
        "-skip_frame",
        "nokey",
        "-i",
        render.rendered.video.name,
        "-vf",
        "showinfo",
        "-fps_mode",
        "passthrough",
        "-f",
        "null",
        "-",
    ]
    times = re.findall(r"pts_time:([\d.]+)", (await FFMPEG.run(argv, render.folder)).messages)
    keys = {round(float(time) * FRAMES_PER_SECOND) for time in times}
    assert {shot.first for shot in render.timeline.shots} <= keys


async def test_the_speech_is_as_loud_as_published_and_does_not_clip(render: Render) -> None:
    loudness = parse_loudness((await FFMPEG.run(measure_argv(MASTER), render.folder)).messages)
    assert any(abs(loudness.integrated - target) <= 0.6 for target in (-14.0, -16.0))
    assert loudness.true_peak <= TRUE_PEAK


async def test_the_spoken_word_is_lit_within_the_picture(render: Render) -> None:
    frames = await render.frames()
    for shot, scene in zip(render.timeline.shots, render.film.scenes, strict=True):
        places: list[float] = []
        for word in (scene.words[0], scene.words[-1]):
            middle = frames[round((shot.speech_start + (word.start + word.end) / 2) * FRAMES_PER_SECOND)]
            rows, columns = np.nonzero(np.abs(middle.astype(int) - LIT).max(axis=2) < 70)
            assert len(rows) >= 5
            assert 0.75 * SIZE[1] < np.median(rows) < 0.95 * SIZE[1]
            places.append(float(np.median(columns)))
        assert places[0] < SIZE[0] / 2 < places[1]


async def test_the_thumbnail_is_a_frame_without_captions(render: Render) -> None:
    thumbnail = np.asarray(Image.open(render.rendered.thumbnail).convert("RGB")).astype(float)
    shot = render.timeline.shots[0]
    frame = (await render.frames())[(shot.first + shot.end) // 2].astype(float)
    assert thumbnail.shape == frame.shape
    top = slice(0, round(0.7 * SIZE[1]))
    assert np.abs(thumbnail[top] - frame[top]).mean() < 4


async def test_the_captions_for_players_are_there(render: Render) -> None:
    assert render.rendered.captions_vtt.read_text().startswith("WEBVTT\n\n00:00:00.400 --> ")
    assert render.rendered.captions_srt.read_text().startswith("1\n00:00:00,400 --> ")
    assert TEXTS[0] in render.rendered.captions_srt.read_text()


async def test_hostile_text_neither_breaks_the_render_nor_draws(tmp_path: Path) -> None:
    hostile = [
        "{\\p1\\an7}m 0 0 l 9999 0 9999 9999{\\p0}",
        "مرحبا بالعالم 日本語です 😀",
        "a\nDialogue: 0,0:00:00.00,9:00:00.00,Caption,,0,0,0,,{\\fs900}X",
    ]
    shown = await rendered(tmp_path, hostile, seconds=0.4)
    frames = await shown.frames()
    assert len(frames) == shown.timeline.frames
    for shot in shown.timeline.shots:  # what is drawn stays at the foot
        middle = frames[shot.speech + 4]
        white = (middle[: round(0.6 * SIZE[1])].astype(int).min(axis=2) > 250).mean()
        assert white < 0.02


async def test_silence_is_rendered_too(tmp_path: Path) -> None:
    made = film(tmp_path / "material", ["Hush."], 0.3)
    silent = made.scenes[0].speech
    data = bytearray(silent.read_bytes())
    data[44:] = bytes(len(data) - 44)
    silent.write_bytes(data)

    async def report(_: float) -> None: ...

    (tmp_path / "work").mkdir()
    files = await RENDERER.render(made, tmp_path / "work", report)
    assert files.video.stat().st_size > 1000


async def test_a_truncated_picture_ends_the_render_and_leaves_no_video(tmp_path: Path) -> None:
    made = film(tmp_path / "material", TEXTS, 0.4)
    last = made.scenes[-1].picture
    last.write_bytes(last.read_bytes()[:5000])

    async def report(_: float) -> None: ...

    (tmp_path / "work").mkdir()
    with pytest.raises(Transient, match="damaged"):
        await RENDERER.render(made, tmp_path / "work", report)
    assert not (tmp_path / "work" / "video.mp4").exists()


@pytest.mark.parametrize(
    ("aspect", "size"),
    [(AspectRatio.LANDSCAPE, (1280, 720)), (AspectRatio.PORTRAIT, (720, 1280)), (AspectRatio.SQUARE, (720, 720))],
)
def test_the_shorter_side_says_the_size(aspect: AspectRatio, size: tuple[int, int]) -> None:
    assert FfmpegRenderer(lambda: FFMPEG, short_side=720).size(aspect) == size
    assert FfmpegRenderer(lambda: FFMPEG).size(aspect) == aspect.frame_size


def test_all_that_changes_the_video_is_in_the_recipe() -> None:
    recipes = {
        FfmpegRenderer(lambda: FFMPEG, preset, 0, side).recipe for preset in ("fast", "small") for side in (720, 1080)
    }
    assert len(recipes) == 4
    assert FfmpegRenderer(lambda: FFMPEG, threads=1).recipe == FfmpegRenderer(lambda: FFMPEG, threads=2).recipe
    assert cv2.getNumThreads() == 1
