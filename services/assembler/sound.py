"""The narration of a whole video as one sound: every scene's speech at its place."""

import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from runtime.errors import Transient
from schemas.media import FRAMES_PER_SECOND
from services.assembler.timeline import Timeline

RAMP = 0.005
"""Seconds in which speech is faded in and out, so that a cut makes no click."""


@dataclass(frozen=True)
class Sound:
    """Mono sound."""

    samples: NDArray[np.float32]
    """-1 to 1."""
    rate: int
    """Samples a second."""

    @property
    def duration(self) -> float:
        """Seconds, by counting."""
        return len(self.samples) / self.rate


def read_wav(path: Path) -> Sound:
    """A mono 16-bit WAV file. Raises `Transient` where it is none."""
    try:
        with wave.open(str(path), "rb") as file:
            if file.getnchannels() != 1 or file.getsampwidth() != 2 or not file.getframerate():
                raise Transient("a scene's speech is not a mono 16-bit WAV")
            data = file.readframes(file.getnframes())
            return Sound(np.frombuffer(data, "<i2").astype(np.float32) / np.float32(32768), file.getframerate())
    except (wave.Error, EOFError, ValueError) as error:
        raise Transient("a scene's speech is damaged: it does not decode") from error


def write_wav(path: Path, sound: Sound) -> None:
    """Writes mono 16-bit WAV."""
    samples = np.clip(np.rint(sound.samples * 32768), -32768, 32767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sound.rate)
        file.writeframes(samples.tobytes())


def narration(timeline: Timeline, speeches: Sequence[Sound]) -> Sound:
    """The speech of every shot at its place, as long as the video, at the highest of the rates."""
    rate = max(speech.rate for speech in speeches)
    track = np.zeros(timeline.frames * rate // FRAMES_PER_SECOND, np.float32)
    for shot, speech in zip(timeline.shots, speeches, strict=True):
        samples = _ramped(resampled(speech, rate))
        start = shot.speech * rate // FRAMES_PER_SECOND
        track[start : start + len(samples.samples)] += samples.samples[: len(track) - start]
    return Sound(track, rate)


def resampled(sound: Sound, rate: int) -> Sound:
    """The same sound at another rate, band-limited by its spectrum."""
    if sound.rate == rate or not len(sound.samples):
        return Sound(sound.samples, rate)
    length = round(len(sound.samples) * rate / sound.rate)
    spectrum = np.fft.rfft(sound.samples)
    samples = np.fft.irfft(spectrum[: length // 2 + 1], length) * (length / len(sound.samples))
    return Sound(samples.astype(np.float32), rate)


def _ramped(sound: Sound) -> Sound:
    ramp = np.linspace(0.0, 1.0, min(round(RAMP * sound.rate), len(sound.samples) // 2), dtype=np.float32)
    samples = sound.samples.copy()
    samples[: len(ramp)] *= ramp
    samples[len(samples) - len(ramp) :] *= ramp[::-1]
    return Sound(samples, sound.rate)
