"""When each scene is seen and heard, counted in frames.

Speech begins on a frame. After it comes the pause: first the cross-fade to the next picture, then
a breath, then the next speech. So a picture is there before its speech, and no fade touches speech.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from schemas.media import FRAMES_PER_SECOND, Word

LEAD_IN = 12
"""Frames before the first speech."""
FADE = 15
"""Frames of a cross-fade."""
BREATH = 3
"""Frames between the end of a fade and the speech that follows."""
TAIL = 36
"""Frames after the last speech."""


@dataclass(frozen=True)
class Shot:
    """A scene's picture and speech in the video."""

    first: int
    """The first frame that shows the picture."""
    fade: int
    """For how many frames it is faded in over the picture before it."""
    speech: int
    """The frame with which the speech begins."""
    spoken: float
    """Seconds of speech."""
    end: int
    """The frame after the last one that shows the picture."""

    @property
    def speech_start(self) -> float:
        """Seconds from the start of the video."""
        return self.speech / FRAMES_PER_SECOND

    @property
    def speech_end(self) -> float:
        """Seconds from the start of the video."""
        return self.speech_start + self.spoken

    def opacity(self, frame: int) -> float:
        """How much of the picture is seen over the one before it, 0 to 1."""
        return min(1.0, (frame - self.first + 1) / (self.fade + 1))

    def progress(self, frame: int) -> float:
        """How far the frame is through the shot, 0 at its first frame to 1 at its last."""
        return (frame - self.first) / max(1, self.end - self.first - 1)


@dataclass(frozen=True)
class Timeline:
    """The shots in order; each begins within the one before it."""

    shots: tuple[Shot, ...]

    @property
    def frames(self) -> int:
        """The length of the video in frames."""
        return self.shots[-1].end

    @property
    def duration(self) -> float:
        """The length of the video in seconds."""
        return self.frames / FRAMES_PER_SECOND

    def seen(self) -> Iterator[tuple[int, ...]]:
        """For every frame the indexes of the shots it shows: one, or two during a fade, the older first."""
        current = 0
        for frame in range(self.frames):
            while current + 1 < len(self.shots) and frame >= self.shots[current + 1].first:
                current += 1
            fading = current > 0 and frame < self.shots[current - 1].end
            yield (current - 1, current) if fading else (current,)


def cut(durations: Sequence[float]) -> Timeline:
    """The timeline of scenes whose speech lasts so many seconds each; there is at least one."""
    shots: list[Shot] = []
    first, fade, speech = 0, 0, LEAD_IN
    for index, spoken in enumerate(durations):
        silent = speech + math.ceil(spoken * FRAMES_PER_SECOND)
        last = index == len(durations) - 1
        shots.append(Shot(first, fade, speech, spoken, silent + (TAIL if last else FADE)))
        first, fade, speech = silent, FADE, silent + FADE + BREATH
    return Timeline(tuple(shots))


def placed(words: Sequence[Word], shot: Shot) -> tuple[Word, ...]:
    """A scene's words in the video's time: in order, none before, over or after another's place in the speech."""
    placed_words: list[Word] = []
    earliest = shot.speech_start
    for word in words:
        start = min(max(shot.speech_start + word.start, earliest), shot.speech_end)
        end = min(max(shot.speech_start + word.end, start), shot.speech_end)
        placed_words.append(Word(text=word.text, start=start, end=end))
        earliest = end
    return tuple(placed_words)


def evenly_timed(text: str, duration: float) -> tuple[Word, ...]:
    """Words for speech that came without timings: each sounds for as long as its letters' share."""
    texts = text.split()
    second_per_letter = duration / max(1, sum(map(len, texts)))
    words: list[Word] = []
    start = 0.0
    for word in texts:
        end = start + len(word) * second_per_letter
        words.append(Word(text=word, start=start, end=end))
        start = end
    return tuple(words)
