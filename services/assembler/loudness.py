"""Mastering: the narration as AAC at an even, published loudness.

Loudness is integrated loudness by ITU-R BS.1770-4 as ffmpeg's `ebur128` measures it, on the encoded
sound, because AAC raises peaks. ffmpeg's `loudnorm` misses the target by 2 LU on speech.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from runtime.errors import Transient
from schemas.media import FRAMES_PER_SECOND
from services.assembler.ffmpeg import Ffmpeg

NARRATION = "narration.wav"
MASTER = "narration.m4a"

RATE = 48_000
TARGETS = (-14.0, -16.0)
"""LUFS, the first that the voice allows: what large sites play at, then what a peaky voice can reach."""
TRUE_PEAK = -1.0
"""dBTP that the encoded sound must stay under (EBU R 128)."""
TOLERANCE = 0.5
"""LU that the encoded sound may miss its target by."""
SILENCE = -60.0
"""LUFS; what is quieter is no speech and is left as it is."""

_VOICE = "highpass=f=70,acompressor=threshold=0.06:ratio=4:attack=4:release=120:knee=6:makeup=1"
_LAYOUT = f"aresample={RATE},aformat=channel_layouts=stereo"
_METER = "ebur128=framelog=quiet:peak=true"


@dataclass(frozen=True)
class Loudness:
    """How loud a sound is."""

    integrated: float
    """LUFS."""
    true_peak: float
    """dBTP."""


@dataclass(frozen=True)
class Mastering:
    """How the sound is raised."""

    target: float
    """LUFS that it is to have."""
    gain: float
    """dB."""
    ceiling: float = TRUE_PEAK - 0.7
    """dBFS that the limiter holds the sound under, at four times the rate."""

    def corrected(self, measured: Loudness) -> "Mastering":
        """What makes up for how the encoded sound came out."""
        overshoot = max(0.0, measured.true_peak - TRUE_PEAK + 0.1)
        missing = self.target - measured.integrated
        # A limiter takes some of what the gain adds away again, so a third more is added.
        return Mastering(self.target, self.gain + 1.3 * missing, self.ceiling - overshoot)

    def met_by(self, measured: Loudness) -> bool:
        """Whether the encoded sound is as loud as it should be, and its peaks low enough."""
        return abs(measured.integrated - self.target) <= TOLERANCE and measured.true_peak <= TRUE_PEAK


async def master(ffmpeg: Ffmpeg, folder: Path, frames: int) -> Loudness:
    """Makes `MASTER` out of `NARRATION`, exactly as long as so many frames, and says how loud it is.

    Raises:
        Transient: ffmpeg failed.
        Unavailable: there is no ffmpeg, or no room.
    """
    voice = await _measured(ffmpeg, folder, NARRATION, f"{_LAYOUT},{_VOICE}")
    if voice.integrated < SILENCE:
        return await _mastered(ffmpeg, folder, frames, Mastering(voice.integrated, 0.0))
    measured = voice
    for target in TARGETS:
        mastering = Mastering(target, target - voice.integrated)
        measured = await _mastered(ffmpeg, folder, frames, mastering)
        if not mastering.met_by(measured):
            measured = await _mastered(ffmpeg, folder, frames, mastering.corrected(measured))
        if mastering.met_by(measured):
            break
    return measured


async def _mastered(ffmpeg: Ffmpeg, folder: Path, frames: int, mastering: Mastering) -> Loudness:
    await ffmpeg.run(master_argv(mastering, frames), folder)
    return await _measured(ffmpeg, folder, MASTER)


async def _measured(ffmpeg: Ffmpeg, folder: Path, name: str, chain: str | None = None) -> Loudness:
    run = await ffmpeg.run(measure_argv(name, chain), folder)
    return parse_loudness(run.messages)


def master_argv(mastering: Mastering, frames: int) -> list[str]:
    """ffmpeg's arguments that make `MASTER` out of `NARRATION`."""
    limit = 10 ** (mastering.ceiling / 20)
    chain = [
        _LAYOUT,
        _VOICE,
        f"volume={mastering.gain:.2f}dB",
        # True peaks lie between samples: they are limited at four times the rate.
        f"aresample={4 * RATE},alimiter=limit={limit:.4f}:attack=3:release=60:level=disabled,aresample={RATE}",
        f"apad,atrim=end_sample={frames * RATE // FRAMES_PER_SECOND}",
    ]
    encoding = ["-c:a", "aac", "-b:a", "160k", "-f", "mp4", MASTER]
    return ["-y", "-v", "error", "-nostdin", "-i", NARRATION, "-af", ",".join(chain), *encoding]


def measure_argv(name: str, chain: str | None = None) -> list[str]:
    """ffmpeg's arguments that measure a file, behind a chain of filters if there is one."""
    filters = ",".join(part for part in (chain, _METER) if part)
    return ["-hide_banner", "-nostats", "-nostdin", "-i", name, "-af", filters, "-f", "null", "-"]


def parse_loudness(messages: str) -> Loudness:
    """The summary that `ebur128` writes. Raises `Transient` where there is none."""
    values = dict(_summary(messages))
    try:
        return Loudness(values["I"], values["Peak"])
    except KeyError as error:
        raise Transient("ffmpeg measured no loudness") from error


def _summary(messages: str) -> Iterator[tuple[str, float]]:
    summary = messages.rpartition("Summary:")[2]
    for name, value in re.findall(r"\b(I|Peak):\s+(-?inf|-?[\d.]+)", summary):
        yield name, float(value)
