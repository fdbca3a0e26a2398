"""Polly's speaker over the stand-in: what it says, what it costs, and what goes wrong."""

import asyncio
import socket
import sys
import threading
import traceback
from collections.abc import AsyncIterator
from dataclasses import replace

import numpy as np
import pytest
import pytest_asyncio

from runtime.bill import Bill, Budget
from runtime.errors import Permanent, StageError, Transient, Unavailable
from schemas.prices import usd
from services.voice.polly.client import Account, PollyClient
from services.voice.ports import SpeechRequest, Spoken
from services.voice.speech import SpeechFacts, check_speech, recorded
from tests.builders import unbilled
from tests.polly_server import ACCESS_KEY, SECRET_KEY, PollyServer, Trouble, polly_server
from tests.speakers import polly_speaker
from tests.waiting import until

TEXT = "Bees fly far, and “dance” & hum. Then they rest."
HELLO = SpeechRequest("Hello there.", "Joanna", "en")


@pytest_asyncio.fixture
async def polly() -> AsyncIterator[PollyServer]:
    async with polly_server() as server:
        yield server


async def said(polly: PollyServer, text: str, voice: str = "Joanna", language: str = "en") -> Spoken:
    return await polly_speaker(polly).speak(SpeechRequest(text, voice, language), unbilled())


def starts(spoken: Spoken) -> list[float]:
    """Where sound begins after silence, in seconds."""
    whole = len(spoken.samples) // 160 * 160
    loud = np.abs(spoken.samples[:whole]).reshape(-1, 160).max(axis=1) > 0.01
    return [float(at) / 100 for at in np.flatnonzero(np.diff(loud.astype(int), prepend=0) == 1)]


@pytest.mark.parametrize(
    ("text", "voice", "language"),
    [
        (TEXT, "Joanna", "en"),
        ("One & two.\nThree <four> “five”.", "Joanna", "en"),
        ("Où est « l'été » ?", "Lea", "fr"),
        ("日本の 朝は 静かです。 鳥が 鳴く。", "Takumi", "ja"),
        ("नमस्ते दुनिया", "Kajal", "hi"),
        ("🐝 Bees — fly 🎉 on", "Joanna", "en"),
    ],
)
async def test_words_begin_where_they_are_heard(polly: PollyServer, text: str, voice: str, language: str) -> None:
    spoken = await said(polly, text, voice, language)
    made = recorded(spoken, "polly")
    check_speech(made, text)
    assert spoken.timings == SpeechFacts.of(made).timings == "measured"
    heard = starts(spoken)
    sounding = [word for word in spoken.words if word.end > word.start]
    assert len(sounding) >= 2
    assert all(min(abs(word.start - at) for at in heard) < 0.02 for word in sounding)


async def test_sound_and_marks_are_asked_for_in_plain_text(polly: PollyServer) -> None:
    await said(polly, TEXT)
    shared = {"VoiceId": "Joanna", "Engine": "neural", "Text": TEXT, "TextType": "text"}
    assert sorted(polly.asked, key=lambda request: request["OutputFormat"]) == [
        {**shared, "OutputFormat": "json", "SpeechMarkTypes": ["sentence", "word"]},
        {**shared, "OutputFormat": "pcm", "SampleRate": "16000"},
    ]


async def test_a_voice_of_two_languages_is_told_which(polly: PollyServer) -> None:
    await said(polly, "नमस्ते", "Kajal", "hi")
    assert {request["LanguageCode"] for request in polly.asked} == {"hi-IN"}


async def test_the_voice_that_is_set_speaks_its_own_languages_only(polly: PollyServer) -> None:
    speaker = polly_speaker(polly, voice="Matthew")
    await speaker.speak(HELLO, unbilled())
    await speaker.speak(SpeechRequest("Bonjour.", "Lea", "fr"), unbilled())
    assert [request["VoiceId"] for request in polly.asked] == ["Matthew", "Matthew", "Lea", "Lea"]
    assert speaker.model == "neural-Matthew"


async def test_a_voice_without_the_engine_speaks_by_another_and_pays_its_price(polly: PollyServer) -> None:
    bill = unbilled()
    await polly_speaker(polly).speak(SpeechRequest("Merhaba.", "Filiz", "tr"), bill)
    assert {request["Engine"] for request in polly.asked} == {"standard"}
    assert {charge.model for charge in bill.charges} == {"standard"}


async def test_a_long_text_is_said_in_sentences_with_pauses_between(polly: PollyServer) -> None:
    text = "The quick fox ran over the hills & away. " * 100
    spoken = await said(polly, text)
    assert len(polly.asked) == 4
    assert [word.text for word in spoken.words] == text.split()
    check_speech(recorded(spoken, "polly"), text)
    heard = starts(spoken)
    assert all(min(abs(word.start - at) for at in heard) < 0.03 for word in spoken.words if word.end > word.start)


async def test_both_requests_are_billed_by_the_character(polly: PollyServer) -> None:
    bill = unbilled()
    await polly_speaker(polly).speak(SpeechRequest("One & two.\nThree.", "Joanna", "en"), bill)
    plain = len("One & two.Three.")
    assert [charge.units for charge in bill.charges] == [{"characters": plain}] * 2
    assert sum(charge.usd or 0 for charge in bill.charges) == usd("polly", "neural", {"characters": polly.billed})
    assert {(charge.provider, charge.model) for charge in bill.charges} == {("polly", "neural")}


async def test_nothing_is_asked_for_beyond_the_budget(polly: PollyServer) -> None:
    with pytest.raises(Permanent, match="KEYFRAME_JOB_BUDGET_USD"):
        await polly_speaker(polly).speak(HELLO, Bill(Budget(0.00001)))
    assert not polly.asked


async def test_an_engine_without_marks_is_aligned_to_the_pauses_and_pays_once(polly: PollyServer) -> None:
    bill = unbilled()
    spoken = await polly_speaker(polly, engine="generative").speak(SpeechRequest(TEXT, "Joanna", "en"), bill)
    assert [charge.model for charge in bill.charges] == ["generative"]
    assert SpeechFacts.of(recorded(spoken, "polly")).timings == "aligned"
    exact = await said(polly, TEXT)
    for ours, theirs in zip(spoken.words, exact.words, strict=True):
        assert ours.start == pytest.approx(theirs.start, abs=0.15)


@pytest.mark.parametrize("body", [b"", b"<html>no</html>", b'{"time":1}\n', b'{"time":6,"type":"wo'])
async def test_marks_that_say_nothing_are_replaced_by_alignment(polly: PollyServer, body: bytes) -> None:
    polly.troubles.append(Trouble(on="marks", body=body))
    spoken = await said(polly, TEXT)
    check_speech(recorded(spoken, "polly"), TEXT)
    assert spoken.timings == "aligned"


REFUSALS = [
    (Trouble(status=400, code="ThrottlingException"), Unavailable, "limits our requests", False),
    (Trouble(status=429, code="TooManyRequestsException"), Unavailable, "limits our requests", False),
    (Trouble(status=503, code="ServiceUnavailableException"), Unavailable, "out of service", False),
    (Trouble(status=500, code="ServiceFailureException"), Transient, "failed on this request", False),
    (Trouble(status=502, body=b"<html>Bad Gateway</html>"), Transient, "failed on this request", False),
    (Trouble(status=403, code="ExpiredTokenException"), Unavailable, "AWS_SESSION_TOKEN", True),
    (Trouble(status=403, code="AccessDeniedException"), Unavailable, "polly:SynthesizeSpeech", True),
    (Trouble(status=403, code="UnrecognizedClientException"), Unavailable, "AWS_SECRET_ACCESS_KEY", True),
    (Trouble(status=404, body=b"<html>not here</html>"), Unavailable, "AWS_ENDPOINT_URL_POLLY", True),
    (Trouble(status=302, body=b"moved"), Unavailable, "AWS_ENDPOINT_URL_POLLY", True),
    (Trouble(status=400, code="InvalidSsmlException"), Permanent, "cannot read the text", False),
    (Trouble(status=400, code="TextLengthExceededException"), Permanent, "too long", False),
    (Trouble(status=400, code="EngineNotSupportedException"), Permanent, "POLLY_ENGINE", False),
    (Trouble(status=400, code="LanguageNotSupportedException"), Permanent, "another voice", False),
    (Trouble(reset="before"), Transient, "connection", False),
    (Trouble(on="audio", reset="after"), Transient, "connection", False),
    (Trouble(on="audio", body=b""), Transient, "empty or cut off", False),
    (Trouble(on="audio", body=b"\0\1\2"), Transient, "empty or cut off", False),
    (Trouble(on="audio", body=b"\0\0" * 16_000), Transient, "silent", False),
    (Trouble(on="audio", keep=0.5), Transient, "shorter than its speech marks", False),
    (Trouble(on="audio", keep=0.63), Transient, "shorter than its speech marks", False),
    (Trouble(on="audio", body=b"<html></html>", headers={"content-type": "text/html"}), Transient, "a page", False),
]


@pytest.mark.parametrize(("trouble", "kind", "message", "refused"), REFUSALS)
async def test_what_goes_wrong_is_one_sentence(
    polly: PollyServer, trouble: Trouble, kind: type[StageError], message: str, refused: bool
) -> None:
    polly.troubles.extend([trouble] * (1 if trouble.on else 2))
    with pytest.raises(kind, match=message) as failure:
        await said(polly, "Bees fly far over hills.")
    assert len(polly.asked) == 2, "the SDK does not try again"
    if isinstance(failure.value, Unavailable):
        assert (failure.value.on, failure.value.refused) == ("polly", refused)


async def test_audio_that_is_cut_off_is_noticed_without_marks_too(polly: PollyServer) -> None:
    polly.troubles.append(Trouble(on="audio", keep=0.2))
    with pytest.raises(Transient, match="recording is cut off"):
        await polly_speaker(polly, engine="generative").speak(SpeechRequest(TEXT, "Joanna", "en"), unbilled())


async def test_words_that_the_voice_passes_over_take_no_time(polly: PollyServer) -> None:
    text = "They wrote 静かな朝に鳥が鳴く声を聞きながら茶を飲む。"
    spoken = await polly_speaker(polly, engine="generative").speak(SpeechRequest(text, "Joanna", "en"), unbilled())
    assert [word.text for word in spoken.words] == text.split()


async def test_retry_after_is_obeyed(polly: PollyServer) -> None:
    polly.troubles.extend([Trouble(status=400, code="ThrottlingException", headers={"retry-after": "7"})] * 2)
    with pytest.raises(Unavailable) as failure:
        await said(polly, "Hello.")
    assert failure.value.retry_after == 7


async def test_what_was_answered_is_paid_for_though_the_other_request_failed(polly: PollyServer) -> None:
    polly.troubles.append(Trouble(on="marks", status=400, code="ThrottlingException"))
    bill = unbilled()
    with pytest.raises(Unavailable):
        await polly_speaker(polly).speak(HELLO, bill)
    assert len(bill.charges) == 1


@pytest.mark.parametrize("trouble", [Trouble(on="audio", drip=True), Trouble(on="audio", hang=True)])
async def test_a_slow_answer_ends_at_the_deadline_and_so_does_its_thread(polly: PollyServer, trouble: Trouble) -> None:
    polly.troubles.append(trouble)
    with pytest.raises(Transient):
        await polly_speaker(polly, deadline=0.5).speak(HELLO, unbilled())
    await until(lambda: not threads_are_in("polly/client.py"))


def threads_are_in(module: str) -> bool:
    """Whether a thread of a client of Polly runs code of this file."""
    polly = {thread.ident for thread in threading.enumerate() if thread.name.startswith("polly")}
    frames = [frame for ident, frame in sys._current_frames().items() if ident in polly]
    return any(call.filename.endswith(module) for frame in frames for call in traceback.extract_stack(frame))


async def test_a_cancelled_call_is_paid_for_once_it_was_answered(polly: PollyServer) -> None:
    polly.troubles.append(Trouble(on="audio", drip=True))
    bill = unbilled()
    task = asyncio.create_task(polly_speaker(polly).speak(HELLO, bill))
    await until(lambda: bill.charges and threads_are_in("botocore/response.py"))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(bill.charges) == 2


async def test_the_preflight_passes_without_a_paid_call(polly: PollyServer) -> None:
    await polly_speaker(polly).preflight()
    await polly_speaker(polly, voice="Ruth", engine="long-form").preflight()
    assert (polly.asked, polly.billed) == ([], 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"access_key": "AKIAOTHER"}, "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        ({"secret_key": "wrong"}, "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        ({"region": "us-east-1"}, "AWS_REGION"),
        ({"voice": "Nobody"}, "POLLY_VOICE"),
    ],
)
async def test_the_preflight_names_the_remedy(polly: PollyServer, change: dict[str, str], message: str) -> None:
    with pytest.raises(Unavailable, match=message) as failure:
        await polly_speaker(polly, **change).preflight()  # type: ignore[arg-type]
    assert (failure.value.on, failure.value.refused) == ("polly", True)


async def test_the_preflight_tells_an_engine_that_the_region_lacks(polly: PollyServer) -> None:
    polly.troubles.append(Trouble(on="voices", body=b'{"Voices":[{"Id":"Joanna","SupportedEngines":["standard"]}]}'))
    with pytest.raises(Unavailable, match="no neural voices in this region"):
        await polly_speaker(polly).preflight()


@pytest.mark.parametrize("body", [b"{}", b"<html>", b'{"Voices":'])
async def test_the_preflight_knows_a_stranger(polly: PollyServer, body: bytes) -> None:
    polly.troubles.append(Trouble(on="voices", body=body))
    with pytest.raises(Unavailable, match="AWS_ENDPOINT_URL_POLLY"):
        await polly_speaker(polly).preflight()


async def test_an_address_where_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = PollyServer(f"http://127.0.0.1:{free.getsockname()[1]}")
        with pytest.raises(Unavailable, match="cannot be reached: check AWS_REGION, AWS_ENDPOINT_URL_POLLY"):
            await polly_speaker(closed).preflight()


async def test_no_key_is_in_any_word_of_a_failure(polly: PollyServer) -> None:
    stranger = Account("eu-central-1", ACCESS_KEY + "\nX", SECRET_KEY, endpoint_url=polly.url)
    assert ACCESS_KEY not in repr(stranger)
    assert SECRET_KEY not in repr(stranger)
    clients = [
        PollyClient(stranger, at_once=1, deadline=5),
        PollyClient(replace(stranger, access_key=ACCESS_KEY, secret_key=SECRET_KEY + "x"), at_once=1, deadline=5),
    ]
    for client in clients:
        with pytest.raises(StageError) as failure:
            await client.voices()
        told = "".join(traceback.format_exception(failure.value)) + repr(failure.value)
        assert failure.value.__context__ is None
        assert failure.value.__cause__ is None
        assert ACCESS_KEY not in told
        assert SECRET_KEY not in told
