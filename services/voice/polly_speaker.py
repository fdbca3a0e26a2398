"""Amazon Polly."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from runtime.bill import Bill
from runtime.concurrency import each
from runtime.errors import Permanent, Transient, Unavailable
from runtime.limits import Limiter
from schemas.costs import Charge
from schemas.media import Word
from schemas.prices import usd
from services.voice.alignment import aligned
from services.voice.joining import joined
from services.voice.polly import marks
from services.voice.polly.catalogue import EngineName, catalogue, engine_for, language_code, readable, speaks
from services.voice.polly.client import Answer, PollyClient
from services.voice.polly.document import Document, documents
from services.voice.polly.refusals import ON
from services.voice.ports import SpeechRequest, Spoken
from services.voice.silence import sounding, trimmed
from services.voice.timing import Cue, word_times

FULL_SCALE = 32768
FASTEST = 0.03
"""Seconds that a letter takes at the least, by half of what hurried speech does."""
AUDIO, MARKS = "pcm", "json"
"""Polly's output formats: sound, or when which word begins."""


class PollySpeaker:
    """Speaks with Amazon Polly: 16 kHz, with the times of the words from its speech marks.

    Args:
        engine: the one that speaks, where it has the voice.
        voice: Polly's name of the voice that speaks its languages, whatever voice is asked for.
    """

    name = "polly"

    def __init__(
        self, client: PollyClient, limiter: Limiter, *, engine: EngineName = "neural", voice: str | None = None
    ) -> None:
        self._client = client
        self._limiter = limiter
        self._engine: EngineName = engine
        self._voice = voice

    @property
    def model(self) -> str:
        """The engine, and the voice that was set."""
        return f"{self._engine}-{self._voice}" if self._voice else self._engine

    async def speak(self, request: SpeechRequest, bill: Bill) -> Spoken:
        """The text as sound, in one pair of calls (audio and marks) for up to 3000 bytes of it.

        Raises:
            Permanent: the voice does not speak the language, or there is nothing in the text that it reads.
            Transient: what came back is damaged or incomplete.
            Unavailable: Polly limits or refuses us, or is away.
        """
        voice = self._voice if self._voice and speaks(self._voice, request.language) else request.voice
        code = language_code(voice, request.language)
        if not readable(request.text, request.language):
            raise Permanent(f"there is nothing in this scene's text that can be said in {request.language}")
        engine = engine_for(voice, self._engine)
        ask = {"VoiceId": voice, "Engine": engine, **({"LanguageCode": code} if code else {})}
        paragraphs = "p" in catalogue().engines[engine].ssml
        parts = [
            (await self._part(document, request, ask, bill), document)
            for document in documents(request.text, paragraphs=paragraphs, limit=catalogue().request.bytes)
        ]
        return await asyncio.to_thread(assembled, request.text, parts)

    async def preflight(self) -> None:
        """Asks for the list of voices, which is free.

        Raises:
            Unavailable: the key, the region, the address, the engine or the voice cannot be used.
        """
        try:
            voices = {str(voice.get("Id")): voice.get("SupportedEngines", ()) for voice in await self._client.voices()}
        except Transient as failure:
            raise Unavailable(str(failure), on=ON) from None
        if not any(self._engine in engines for engines in voices.values()):
            raise Unavailable(
                f"Amazon Polly has no {self._engine} voices in this region: check POLLY_ENGINE and AWS_REGION",
                on=ON,
                refused=True,
            )
        if self._voice and engine_for(self._voice, self._engine) not in voices.get(self._voice, ()):
            raise Unavailable(
                f"Amazon Polly has no {engine_for(self._voice, self._engine)} voice of the name in POLLY_VOICE here:"
                " check POLLY_VOICE, POLLY_ENGINE and AWS_REGION",
                on=ON,
                refused=True,
            )

    async def _part(self, document: Document, request: SpeechRequest, ask: Mapping[str, str], bill: Bill) -> Spoken:
        """A document as sound, with a word for every moment at which the voice comes to a known place."""
        shared = {**ask, "Text": document.text, "TextType": "ssml" if document.is_ssml else "text"}
        requests: list[Mapping[str, object]] = [
            {**shared, "OutputFormat": AUDIO, "SampleRate": str(catalogue().request.sample_rate)}
        ]
        if catalogue().engines[engine_for(ask["VoiceId"], self._engine)].speech_marks:
            requests.append({**shared, "OutputFormat": MARKS, "SpeechMarkTypes": list(marks.TYPES)})

        async def called(fields: Mapping[str, object]) -> bytes:
            return await self._call(fields, document.characters, bill)

        audio, *answers = await each(requests, called, limit=len(requests))
        return await asyncio.to_thread(heard, audio, answers[0] if answers else b"", document, request)

    async def _call(self, request: Mapping[str, object], characters: int, bill: Bill) -> bytes:
        engine = str(request["Engine"])
        answer = Answer()
        async with self._limiter.call():
            bill.reserve(usd(self.name, engine, {"characters": characters}))
            begun = time.monotonic()
            try:
                await self._client.synthesise(request, answer)
            finally:
                if answer.opened:
                    bill.charge(self._charge(engine, answer.characters or characters, time.monotonic() - begun))
        if answer.content_type.startswith("text/"):
            raise Transient("Amazon Polly answered with a page instead of speech")
        return answer.data

    def _charge(self, engine: str, characters: int, seconds: float) -> Charge:
        units = {"characters": float(characters)}
        price = usd(self.name, engine, units)
        return Charge(provider=self.name, model=engine, units=units, usd=price, seconds=seconds)


def heard(audio: bytes, answer: bytes, document: Document, request: SpeechRequest) -> Spoken:
    """The audio of a document, with a `Word` for every cue: its text is the index of the place in the narration.

    Where the marks are missing or cannot be read, the cues are found by the pauses of the sound:
    the sound is paid for and whole, and asking again would bring the same marks.

    Raises:
        Transient: the audio is empty, cut off or, for words that have marks, silent.
        Permanent: there is neither a sound nor a mark.
    """
    rate = catalogue().request.sample_rate
    samples = _samples(audio)
    duration = len(samples) / rate
    try:
        cues = marks.cues(answer, document)
    except marks.MalformedMarks:
        cues = []
    if not sounding(samples, rate).any():
        if cues:
            raise Transient("Amazon Polly's recording is silent")
        raise Permanent("Amazon Polly finds nothing to say in this scene's text")
    last = max(cues, key=lambda cue: cue.time, default=Cue(document.span.start, 0.0))
    letters = sum(readable(char, request.language) for char in request.text[last.at : document.span.stop])
    if duration - last.time <= FASTEST * letters:
        raise Transient(f"Amazon Polly's recording is {'shorter than its speech marks say' if cues else 'cut off'}")
    timings = "measured" if cues else "aligned"
    if not cues:
        begin = document.span.start
        found = aligned(request.text[document.span], samples, rate)
        cues = [replace(cue, at=cue.at + begin) for cue in found]
    words = (Word(text=str(cue.at), start=cue.time, end=min(cue.until, duration)) for cue in cues)
    return trimmed(Spoken(samples, rate, tuple(words), timings))


def assembled(text: str, parts: list[tuple[Spoken, Document]]) -> Spoken:
    """The documents' recordings as one, with the words of the text."""
    whole = joined([(spoken, document.boundary) for spoken, document in parts])
    duration = len(whole.samples) / whole.sample_rate
    cues = [Cue(int(word.text), word.start, word.end) for word in whole.words]
    return replace(whole, words=word_times(text, cues, duration))


def _samples(audio: bytes) -> NDArray[np.float32]:
    """16-bit little-endian PCM, which has no header. Raises `Transient`."""
    if not audio or len(audio) % 2:
        raise Transient("Amazon Polly's recording is empty or cut off")
    return np.frombuffer(audio, dtype="<i2").astype(np.float32) / np.float32(FULL_SCALE)
