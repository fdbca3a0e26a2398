"""Finding and running ffmpeg, with programs that stand in for it."""

import asyncio
from pathlib import Path

import pytest

from runtime.errors import Transient, Unavailable
from services.assembler.ffmpeg import Ffmpeg, failure, find_ffmpeg, scratch_errors
from tests.unit.assembler_material import HANGING, gone, pids, program


def test_the_configured_ffmpeg_comes_before_the_projects(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    own, project = program(tmp_path / "own", ""), program(tmp_path / "bin" / "ffmpeg", "")
    assert find_ffmpeg(own, tmp_path) == own
    assert find_ffmpeg(None, tmp_path) == project
    assert find_ffmpeg("", tmp_path) == project


def test_the_packaged_ffmpeg_comes_before_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_path = program(tmp_path / "ffmpeg", "")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "imageio_ffmpeg" in find_ffmpeg(None, tmp_path / "elsewhere")
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "gone"))  # the package finds none
    assert find_ffmpeg(None, tmp_path / "elsewhere") == on_path
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with pytest.raises(Unavailable) as refusal:
        find_ffmpeg(None, tmp_path / "elsewhere")
    assert refusal.value.on == "ffmpeg"


def test_a_configured_ffmpeg_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="FFMPEG_PATH") as refusal:
        find_ffmpeg(str(tmp_path / "gone"), tmp_path)
    assert str(tmp_path) not in str(refusal.value)


async def test_a_run_gives_its_output_and_messages(tmp_path: Path) -> None:
    fake = program(tmp_path / "fake", "import sys; print(sys.argv[1]); print('note', file=sys.stderr)")
    finished = await Ffmpeg(fake).run(["hello"], tmp_path)
    assert finished.output == b"hello\n"
    assert finished.messages == "note\n"


async def test_much_output_on_both_streams_blocks_nothing(tmp_path: Path) -> None:
    fake = program(
        tmp_path / "fake", "import sys; sys.stderr.write('e' * 3_000_000); sys.stdout.write('o' * 3_000_000)"
    )
    finished = await Ffmpeg(fake).run([], tmp_path)
    assert len(finished.output) == 3_000_000
    assert 0 < len(finished.messages) < 100_000


async def test_a_failure_says_the_last_line_and_no_path(tmp_path: Path) -> None:
    fake = program(tmp_path / "fake", f"import sys; sys.exit('first\\n{tmp_path}/in.wav: Invalid data found')")
    with pytest.raises(Transient, match="Invalid data found") as failed:
        await Ffmpeg(fake).run([], tmp_path)
    assert str(tmp_path) not in str(failed.value)


@pytest.mark.parametrize(
    ("status", "messages", "on"),
    [
        (1, "av_interleaved_write_frame(): No space left on device\nConversion failed!", "scratch disk"),
        (1, "[AVFilterGraph] No such filter: 'ass'\nError opening output files: Filter not found", "ffmpeg"),
        (1, "Unknown encoder 'libx264'", "ffmpeg"),
        (127, "ffmpeg: error while loading shared libraries: libx.so.1", "ffmpeg"),
    ],
)
def test_what_the_next_record_would_meet_too_is_unavailable(status: int, messages: str, on: str) -> None:
    refusal = failure(status, messages)
    assert isinstance(refusal, Unavailable)
    assert refusal.on == on


@pytest.mark.parametrize("status", [1, -9])
def test_anything_else_is_transient(status: int) -> None:
    assert isinstance(failure(status, ""), Transient)


def test_a_full_disk_under_our_own_files_is_unavailable() -> None:
    with pytest.raises(Unavailable) as refusal, scratch_errors():
        Path("/dev/full").write_text("x")
    assert refusal.value.on == "scratch disk"


async def test_a_program_that_cannot_start_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as refusal:
        await Ffmpeg(str(tmp_path / "gone")).run([], tmp_path)
    assert refusal.value.on == "ffmpeg"


async def test_a_run_over_its_cap_is_killed_with_its_children(tmp_path: Path) -> None:
    fake = program(tmp_path / "fake", HANGING)
    with pytest.raises(Transient, match="stopped after"):
        await Ffmpeg(fake, cap=1.0).run([], tmp_path)
    assert await asyncio.to_thread(gone, pids(tmp_path))


async def test_a_cancelled_run_is_killed_with_its_children(tmp_path: Path) -> None:
    run = asyncio.create_task(Ffmpeg(program(tmp_path / "fake", HANGING)).run([], tmp_path))
    started = await asyncio.to_thread(pids, tmp_path)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert await asyncio.to_thread(gone, started)
