"""What every speaker does, over each of them."""

from collections.abc import AsyncIterator

import numpy as np
import pytest

from runtime.errors import Permanent
from schemas.options import voices
from services.voice.kokoro_speaker import KokoroSpeaker
from services.voice.loudness import integrated
from services.voice.ports import Speaker, SpeechRequest, Spoken
from services.voice.speech import check_speech, recorded
from tests.builders import unbilled
from tests.polly_server import polly_server
from tests.speakers import FakeSpeaker, polly_speaker

HOSTILE = "<b>Bees</b>\u200b \x07fly {\\an8} 日本 5km!"


@pytest.fixture(scope="module")
def kokoro() -> KokoroSpeaker:
    """Loaded once for all tests."""
    return KokoroSpeaker()


@pytest.fixture(params=["fake", "kokoro", "polly", "polly without marks"])
async def speaker(request: pytest.FixtureRequest, kokoro: KokoroSpeaker) -> AsyncIterator[Speaker]:
    if not request.param.startswith("polly"):
        yield FakeSpeaker() if request.param == "fake" else kokoro
        return
    async with polly_server() as server:
        yield polly_speaker(server, engine="neural" if request.param == "polly" else "generative")


def request(text: str, speaker: Speaker) -> SpeechRequest:
    return SpeechRequest(text, voices()["aria"].providers[speaker.name], "en-US")


def heard(spoken: Spoken, start: float, end: float) -> float:
    """The mean power of a stretch."""
    return float(np.square(spoken.samples[round(start * spoken.sample_rate) : round(end * spoken.sample_rate)]).mean())


def test_it_says_who_speaks(speaker: Speaker) -> None:
    assert speaker.name
    assert speaker.model


async def test_it_speaks_every_word_in_order_where_it_is_heard(speaker: Speaker) -> None:
    text = "In 1969, we “walked” there."
    spoken = await speaker.speak(request(text, speaker), unbilled())
    duration = len(spoken.samples) / spoken.sample_rate
    assert spoken.samples.dtype == np.float32
    assert 0 < np.abs(spoken.samples).max() <= 1
    assert 8_000 <= spoken.sample_rate <= 48_000
    assert integrated(spoken.samples, spoken.sample_rate) > -40
    assert [word.text for word in spoken.words] == text.split()
    times = [time for word in spoken.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert 0.1 * len(spoken.words) < times[-1] <= duration
    mean = heard(spoken, 0, duration)
    assert all(heard(spoken, word.start, word.end) > mean / 30 for word in spoken.words)


async def test_hostile_text_is_spoken_or_passed_over_but_never_lost(speaker: Speaker) -> None:
    spoken = await speaker.speak(request(HOSTILE, speaker), unbilled())
    assert [word.text for word in spoken.words] == HOSTILE.split()
    check_speech(recorded(spoken, speaker.name), HOSTILE)


@pytest.mark.parametrize("nothing", ["🎉 🎉", "日本語。", " \u200b ", "…!?"])
async def test_text_without_anything_to_say_is_a_permanent_failure(speaker: Speaker, nothing: str) -> None:
    with pytest.raises(Permanent):
        await speaker.speak(request(nothing, speaker), unbilled())


async def test_the_offline_voice_refuses_a_name_it_does_not_know(kokoro: KokoroSpeaker) -> None:
    with pytest.raises(Permanent, match="no voice named af_nobody"):
        await kokoro.speak(SpeechRequest("Hello.", "af_nobody", "en-US"), unbilled())
