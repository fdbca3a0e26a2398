"""The narration on the timeline."""

from pathlib import Path

import numpy as np
import pytest

from runtime.errors import Transient
from schemas.media import FRAMES_PER_SECOND
from services.assembler.sound import RAMP, Sound, narration, read_wav, resampled, write_wav
from services.assembler.timeline import cut
from tests.unit.assembler_material import save_speech, voice


def flat(seconds: float, rate: int = 24_000) -> Sound:
    return Sound(np.full(round(seconds * rate), 0.5, np.float32), rate)


def test_speech_lies_where_the_timeline_has_it_and_nothing_elsewhere() -> None:
    speeches = [flat(1.0), flat(0.73)]
    timeline = cut([speech.duration for speech in speeches])
    track = narration(timeline, speeches)
    assert len(track.samples) * FRAMES_PER_SECOND == timeline.frames * track.rate
    time = np.arange(len(track.samples)) / track.rate
    spoken = np.zeros(len(time), bool)
    for shot in timeline.shots:
        spoken |= (time >= shot.speech_start) & (time < shot.speech_end)
        inside = (time > shot.speech_start + RAMP) & (time < shot.speech_end - RAMP)
        assert track.samples[inside] == pytest.approx(0.5)
    assert not track.samples[~spoken].any()


def test_speech_begins_and_ends_without_a_click() -> None:
    track = narration(cut([0.5]), [flat(0.5)])
    assert np.abs(np.diff(track.samples)).max() < 0.01


def test_speech_of_several_rates_is_brought_to_the_highest() -> None:
    track = narration(cut([1.0, 1.0]), [flat(1.0, 16_000), flat(1.0, 24_000)])
    assert track.rate == 24_000


def test_resampling_keeps_the_tone() -> None:
    time = np.arange(16_000) / 16_000
    tone = Sound(np.sin(2 * np.pi * 440 * time).astype(np.float32), 16_000)
    raised = resampled(tone, 24_000)
    expected = np.sin(2 * np.pi * 440 * np.arange(24_000) / 24_000)
    assert np.abs(raised.samples - expected).max() < 1e-4


def test_a_wav_is_written_and_read(tmp_path: Path) -> None:
    sound = Sound(voice(0.3), 24_000)
    write_wav(tmp_path / "a.wav", sound)
    read = read_wav(tmp_path / "a.wav")
    assert read.rate == 24_000
    assert np.abs(read.samples - sound.samples).max() < 1 / 32_000
    assert read.duration == pytest.approx(0.3)


@pytest.mark.parametrize("content", [b"", b"RIFF", b"ID3 not a wav at all", None])
def test_what_is_no_speech_is_transient(tmp_path: Path, content: bytes | None) -> None:
    path = save_speech(tmp_path / "a.wav", voice(0.1))
    path.write_bytes(path.read_bytes()[:30] if content is None else content)
    with pytest.raises(Transient):
        read_wav(path)


def test_stereo_is_refused(tmp_path: Path) -> None:
    path = save_speech(tmp_path / "a.wav", voice(0.1))
    data = bytearray(path.read_bytes())
    data[22] = 2  # the channel count in the fmt chunk
    path.write_bytes(data)
    with pytest.raises(Transient, match="mono"):
        read_wav(path)
