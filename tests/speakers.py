"""Speakers for tests: noise instead of words, and Polly over its stand-in."""

from dataclasses import dataclass, field

import numpy as np

from runtime.bill import Bill
from runtime.errors import Permanent
from runtime.limits import Limiter
from schemas.media import Word
from services.voice.polly.catalogue import EngineName
from services.voice.polly.client import Account, PollyClient
from services.voice.polly_speaker import PollySpeaker
from services.voice.ports import SpeechRequest, Spoken
from tests.polly_server import ACCESS_KEY, REGION, SECRET_KEY, PollyServer

RATE = 16_000
WORD, GAP, AROUND = 0.2, 0.1, 0.3
"""Seconds of a word, of the silence after it, and of that before and after all."""


@dataclass
class FakeSpeaker:
    """Says every word as a short noise, as loud as `level`, and records what it was asked for."""

    name: str = "offline"
    model: str = "noise"
    level: float = 0.1
    asked: list[SpeechRequest] = field(default_factory=list[SpeechRequest])

    async def preflight(self) -> None:
        """It is always there."""

    async def speak(self, request: SpeechRequest, bill: Bill) -> Spoken:
        self.asked.append(request)
        texts = request.text.split()
        if not any(char.isascii() and char.isalnum() for char in request.text):
            raise Permanent("there is nothing to say")
        noise = np.random.default_rng(len(self.asked)).normal(0, self.level, round(WORD * RATE)).clip(-1, 1)
        word = np.concatenate([noise, np.zeros(round(GAP * RATE))])
        around = np.zeros(round(AROUND * RATE))
        samples = np.concatenate([around, *[word] * len(texts), around]).astype(np.float32)
        starts = [AROUND + (WORD + GAP) * at for at in range(len(texts))]
        words = (Word(text=text, start=start, end=start + WORD) for text, start in zip(texts, starts, strict=True))
        return Spoken(samples, RATE, tuple(words))


def polly_speaker(
    server: PollyServer,
    *,
    engine: EngineName = "neural",
    voice: str | None = None,
    region: str = REGION,
    access_key: str = ACCESS_KEY,
    secret_key: str = SECRET_KEY,
    deadline: float = 20.0,
) -> PollySpeaker:
    """Polly's speaker, which speaks with a stand-in."""
    account = Account(region, access_key, secret_key, endpoint_url=server.url)
    client = PollyClient(account, at_once=4, deadline=deadline)
    return PollySpeaker(client, Limiter(per_minute=None, at_once=4), engine=engine, voice=voice)
