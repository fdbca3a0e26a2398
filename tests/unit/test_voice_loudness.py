"""Loudness after BS.1770, against FFmpeg's own measure."""

import re
import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from numpy.typing import NDArray

from services.voice import wav
from services.voice.loudness import CEILING, TARGET, integrated, levelled

RATE = 24_000
Samples = NDArray[np.float32]


def tone(level: float, seconds: float = 3.0, frequency: float = 997.0, rate: int = RATE) -> Samples:
    """A sine of so many dBFS."""
    time = np.arange(round(seconds * rate)) / rate
    return (10 ** (level / 20) * np.sin(2 * np.pi * frequency * time)).astype(np.float32)


def babble(level: float = 0.1, seconds: float = 4.0) -> Samples:
    """Noise that swells and pauses as speech does."""
    noise = np.random.default_rng(1).normal(0, level, round(seconds * RATE))
    swell = np.clip(np.sin(np.arange(len(noise)) / RATE * 6), 0, 1) ** 2
    return np.clip(noise * swell, -1, 1).astype(np.float32)


def measured_by_ffmpeg(samples: Samples, rate: int, folder: Path) -> float:
    file = folder / "sound.wav"
    file.write_bytes(wav.encoded(samples, rate))
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-i", str(file), "-af", "ebur128", "-f", "null", "-"]
    report = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stderr
    return float(re.findall(r"I:\s+(-?[\d.]+) LUFS", report)[-1])


@pytest.mark.parametrize(
    ("samples", "rate"),
    [
        pytest.param(tone(-20), RATE, id="tone"),
        pytest.param(tone(-20, frequency=60), RATE, id="hum"),
        pytest.param(tone(-20, frequency=6000), RATE, id="hiss"),
        pytest.param(tone(-20, rate=16_000), 16_000, id="16 kHz"),
        pytest.param(tone(-20, rate=48_000), 48_000, id="48 kHz"),
        pytest.param(babble(), RATE, id="babble"),
        pytest.param(np.concatenate([tone(-20), np.zeros(2 * RATE, np.float32), tone(-45)]), RATE, id="gated"),
    ],
)
def test_it_measures_what_ffmpeg_measures(samples: Samples, rate: int, tmp_path: Path) -> None:
    assert integrated(samples, rate) == pytest.approx(measured_by_ffmpeg(samples, rate, tmp_path), abs=0.15)


def test_the_standards_own_reference() -> None:
    """A 997 Hz sine at 0 dBFS in one channel is -3.01 LUFS (BS.1770-4, annex 1)."""
    assert integrated(tone(0, rate=48_000), 48_000) == pytest.approx(-3.01, abs=0.02)


def test_silence_has_no_loudness_and_stays_silent() -> None:
    silence = np.zeros(RATE, np.float32)
    assert integrated(silence, RATE) == -np.inf
    assert integrated(silence[:0], RATE) == -np.inf
    assert not levelled(silence, RATE).any()


def test_a_sound_shorter_than_a_block_is_measured() -> None:
    assert integrated(tone(-20, seconds=0.2), RATE) == pytest.approx(integrated(tone(-20), RATE), abs=0.5)


@pytest.mark.parametrize("level", [0.003, 0.03, 0.25])
def test_scenes_come_out_equally_loud_and_under_the_ceiling(level: float) -> None:
    even = levelled(babble(level), RATE)
    assert integrated(even, RATE) == pytest.approx(TARGET, abs=0.5)
    assert np.abs(even).max() <= 10 ** (CEILING / 20) + 1e-6


def test_a_lone_peak_is_turned_down_and_the_rest_left_alone() -> None:
    samples = tone(-20, seconds=2)
    samples[RATE] = 1.0
    even = levelled(samples, RATE)
    assert np.abs(even).max() <= 10 ** (CEILING / 20) + 1e-6
    gain = even[: RATE // 2] / np.where(samples[: RATE // 2] == 0, 1, samples[: RATE // 2])
    assert np.ptp(gain[1:]) < 1e-3
