"""Watches a video as a viewer's player would, and says what is wrong with it.

python -m tests.e2e.watch VIDEO.mp4
"""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg

FRAMES_PER_SECOND = 30


@dataclass(frozen=True)
class Watched:
    """What was measured on a decoded video."""

    frames: int
    width: int
    height: int
    audio_seconds: float
    loudness: float
    """LUFS, integrated."""
    peak: float
    """dBTP."""
    faststart: bool
    """The index stands before the media, so that a player can begin before it has the file."""

    @property
    def seconds(self) -> float:
        return self.frames / FRAMES_PER_SECOND


def watch(video: Path) -> Watched:
    """Decodes the whole video and measures it."""
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    arguments = ["-hide_banner", "-nostdin", "-i", str(video)]
    frames = _run(ffmpeg, *arguments, "-map", "0:v", "-f", "null", "-")
    sound = _run(ffmpeg, *arguments, "-map", "0:a", "-af", "ebur128=peak=true:framelog=quiet", "-f", "null", "-")
    samples = subprocess.run(
        [
            ffmpeg,
            "-v",
            "error",
            "-nostdin",
            "-i",
            str(video),
            "-map",
            "0:a",
            "-ac",
            "1",
            "-ar",
            "48000",
            "-f",
            "s16le",
            "-",
        ],
        capture_output=True,
        check=True,
    ).stdout
    size = re.search(r"Video: h264.*?, (\d{2,5})x(\d{2,5})[ ,]", frames)
    assert size, "there is no H.264 video"
    assert "Audio: aac" in sound, "there is no AAC audio"
    summary = sound.rsplit("Summary", 1)[1]
    return Watched(
        frames=int(re.findall(r"frame=\s*(\d+)", frames)[-1]),
        width=int(size[1]),
        height=int(size[2]),
        audio_seconds=len(samples) / 2 / 48_000,
        loudness=_number(r"I:\s+(\S+) LUFS", summary),
        peak=_number(r"Peak:\s+(\S+) dBFS", summary),
        faststart=_faststart(video.read_bytes()),
    )


def check(watched: Watched) -> list[str]:
    """What is wrong, a sentence each."""
    findings = {
        f"audio and video differ by {abs(watched.audio_seconds - watched.seconds):.3f} s": abs(
            watched.audio_seconds - watched.seconds
        )
        > 1 / FRAMES_PER_SECOND,
        f"the loudness is {watched.loudness} LUFS": not -17 <= watched.loudness <= -13,
        f"the true peak is {watched.peak} dBTP": watched.peak > -1,
        "the index stands behind the media": not watched.faststart,
    }
    return [finding for finding, wrong in findings.items() if wrong]


def _run(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stderr


def _number(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    assert found, pattern
    return float(found[1])


def _faststart(content: bytes) -> bool:
    return content.find(b"moov") < content.find(b"mdat")


if __name__ == "__main__":
    result = watch(Path(sys.argv[1]))
    print(result)
    wrong = check(result)
    print("\n".join(wrong) or "It plays.")
    sys.exit(1 if wrong else 0)
