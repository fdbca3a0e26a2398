"""What counts as a scene's speech."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from runtime.artefacts import Made
from runtime.errors import Transient
from services.voice import wav
from services.voice.ports import SpeechRequest
from services.voice.speech import SpeechFacts, check_speech, recorded
from tests.builders import unbilled
from tests.speakers import FakeSpeaker

TEXT = "Reefs are alive — every one."


@pytest.fixture
async def made() -> Made:
    return recorded(await FakeSpeaker().speak(SpeechRequest(TEXT, "af_heart", "en"), unbilled()), "offline")


async def test_a_recording_passes_with_its_facts(made: Made) -> None:
    check_speech(made, TEXT)
    facts = SpeechFacts.of(made)
    samples, rate = wav.decoded(made.data)
    assert (made.content_type, facts.provider, facts.sample_rate) == ("audio/wav", "offline", rate)
    assert facts.duration == pytest.approx(len(samples) / rate)
    assert " ".join(word.text for word in facts.words) == TEXT


SPOILED: dict[str, Callable[[Made], Made]] = {
    "no WAV": lambda made: replace(made, data=b"<html>"),
    "nothing": lambda made: replace(made, data=b""),
    "cut off": lambda made: replace(made, data=made.data[:1000]),
    "silent": lambda made: replace(made, data=made.data[:44] + bytes(len(made.data) - 44)),
    "no facts": lambda made: replace(made, facts={}),
    "another length": lambda made: replace(made, facts={**made.facts, "duration": 9.0}),
    "another rate": lambda made: replace(made, facts={**made.facts, "sample_rate": 8000}),
    "no words": lambda made: replace(made, facts={**made.facts, "words": []}),
    "other words": lambda made: replace(made, facts=first_word(made, text="Wrecks")),
    "words overlap": lambda made: replace(made, facts=first_word(made, end=1.9)),
    "no number": lambda made: replace(made, facts=first_word(made, start=float("nan"))),
}


def first_word(made: Made, **changes: Any) -> dict[str, Any]:
    """The facts with another first word."""
    first, *others = made.facts["words"]
    return {**made.facts, "words": [{**first, **changes}, *others]}


@pytest.mark.parametrize("how", SPOILED)
async def test_a_spoiled_recording_does_not_pass(made: Made, how: str) -> None:
    with pytest.raises(Transient):
        check_speech(SPOILED[how](made), TEXT)


def test_stereo_is_refused() -> None:
    mono = wav.encoded(np.zeros(100, np.float32), 16_000)
    stereo = mono[:22] + b"\x02" + mono[23:]
    with pytest.raises(Transient, match="mono"):
        wav.decoded(stereo)


def test_a_wav_file_keeps_its_samples_and_clips_what_is_too_loud() -> None:
    samples, rate = wav.decoded(wav.encoded(np.array([0, 0.5, -1, 1, 2, -3], np.float32), 24_000))
    assert rate == 24_000
    assert samples.tolist() == pytest.approx([0, 0.5, -1, 1, 1, -1], abs=1e-4)
