"""What counts as a scene's speech: even, timed word by word, and not silent."""

from typing import Annotated

from pydantic import Field, ValidationError

from runtime.artefacts import Made
from runtime.errors import Transient
from schemas.base import Contract
from schemas.media import Seconds, Word
from services.voice import wav
from services.voice.loudness import integrated, levelled
from services.voice.ports import Spoken, Timings
from services.voice.silence import fitted, trimmed

SILENT = -60.0
"""LUFS below which a recording has no speech in it."""

ROUNDING = 0.001
"""Seconds to which timings are kept."""


class SpeechFacts(Contract):
    """What is known of a recording beside its bytes."""

    provider: str
    duration: Seconds
    sample_rate: Annotated[int, Field(gt=0)]
    words: tuple[Word, ...]
    timings: Timings = "measured"

    @classmethod
    def of(cls, made: Made) -> "SpeechFacts":
        """The facts of a recording. Raises `Transient` where there are none."""
        try:
            return cls.model_validate(made.facts)
        except ValidationError as error:
            raise Transient("the recording's facts are damaged") from error


def recorded(spoken: Spoken, provider: str) -> Made:
    """Speech as a WAV file at the common loudness, without silence around it, with its timings as facts."""
    spoken = fitted(trimmed(spoken))
    rate = spoken.sample_rate
    facts = SpeechFacts(
        provider=provider,
        duration=len(spoken.samples) / rate,
        sample_rate=rate,
        words=spoken.words,
        timings=spoken.timings,
    )
    return Made(wav.encoded(levelled(spoken.samples, rate), rate), wav.CONTENT_TYPE, facts.model_dump())


def check_speech(made: Made, text: str) -> None:
    """Raises `Transient` where the recording is not what its facts say, is silent, or lacks words of the text."""
    samples, rate = wav.decoded(made.data)
    facts = SpeechFacts.of(made)
    if rate != facts.sample_rate or abs(len(samples) / rate - facts.duration) > 1 / rate:
        raise Transient("the recording is not as long as its facts say")
    if integrated(samples, rate) < SILENT:
        raise Transient("the recording is silent")
    if [word.text for word in facts.words] != text.split():
        raise Transient("the recording's timings are for other words")
    times = [time for word in facts.words for time in (word.start, word.end)]
    if times != sorted(times) or times[-1] > facts.duration + ROUNDING:
        raise Transient("the recording's timings are out of order")
