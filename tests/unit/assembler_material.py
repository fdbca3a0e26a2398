"""Stills, speech and programs for the assembler's tests."""

import os
import sys
import time
import wave
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from schemas.media import AspectRatio, Word
from services.assembler.ports import Film, FilmScene

RATE = 24_000


def picture(seed: int, size: tuple[int, int] = (1344, 768)) -> NDArray[np.uint8]:
    """An RGB still with soft and hard detail, and less red than a lit word has."""
    chance = np.random.default_rng(seed)
    coarse = chance.integers(30, 220, (9, 16, 3)).astype(np.uint8)
    canvas = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)
    for _ in range(60):
        centre = (int(chance.integers(size[0])), int(chance.integers(size[1])))
        colour = [int(part) for part in chance.integers(20, 235, 3)]
        cv2.circle(canvas, centre, int(chance.integers(6, 60)), colour, -1, cv2.LINE_AA)
    return (canvas * np.array([0.5, 1, 1])).astype(np.uint8)


def save_picture(path: Path, seed: int, size: tuple[int, int] = (1344, 768)) -> Path:
    cv2.imwrite(str(path.with_suffix(".png")), cv2.cvtColor(picture(seed, size), cv2.COLOR_RGB2BGR))
    return path.with_suffix(".png")


def voice(seconds: float, seed: int = 0) -> NDArray[np.float32]:
    """Something like a voice: a gliding harmonic tone in syllables, with breath noise, peaky and at about -20 LUFS."""
    chance = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    pitch = 2 * np.pi * np.cumsum(140 + 30 * np.sin(2 * np.pi * 0.7 * time)) / RATE
    tone = sum(np.sin(number * pitch + number) / number for number in range(1, 24))
    syllables = np.clip(np.sin(2 * np.pi * 3.7 * time), 0, 1) ** 0.5
    return (0.16 * syllables * (tone + 0.3 * chance.standard_normal(len(time)))).astype(np.float32)


def save_speech(path: Path, samples: NDArray[np.float32], rate: int = RATE) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def words(text: str, seconds: float) -> tuple[Word, ...]:
    """The words of a text, evenly over so many seconds."""
    each = seconds / len(text.split())
    return tuple(Word(text=word, start=at * each, end=(at + 0.9) * each) for at, word in enumerate(text.split()))


def film(folder: Path, texts: list[str], seconds: float = 1.0, aspect: AspectRatio = AspectRatio.LANDSCAPE) -> Film:
    """A film of painted stills and voice-like speech, with these captions."""
    folder.mkdir(parents=True, exist_ok=True)
    scenes = tuple(
        FilmScene(
            save_picture(folder / f"{number}", number, aspect.keyframe_size),
            save_speech(folder / f"{number}.wav", voice(seconds, number)),
            words(text, seconds),
            text,
        )
        for number, text in enumerate(texts)
    )
    return Film(aspect, scenes, seed=5)


def program(path: Path, code: str) -> str:
    """A program that runs this Python code, to stand in for ffmpeg."""
    path.write_text(f"#!{sys.executable}\n{code}\n")
    path.chmod(0o755)
    return str(path)


HANGING = """
import os, subprocess, time
child = subprocess.Popen(["sleep", "600"])
open("pids.new", "w").write(f"{os.getpid()} {child.pid}")
os.rename("pids.new", "pids")
time.sleep(600)
"""
"""The code of a program that reads nothing and never ends, and nor does its child."""


def pids(folder: Path) -> list[int]:
    """The processes of a hanging program that was started in a folder."""
    assert _within((folder / "pids").exists)
    return [int(pid) for pid in (folder / "pids").read_text().split()]


def gone(processes: Sequence[int]) -> bool:
    """Whether all these processes end within some seconds."""
    return all(_within(lambda pid=pid: _ended(pid)) for pid in processes)


def _ended(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()  # an orphan that nobody reaps
    except (ProcessLookupError, FileNotFoundError):
        return True


def _within(check: Callable[[], bool], seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
