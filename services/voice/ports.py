"""What the voice stage needs."""

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from runtime.bill import Bill
from runtime.preflight import Provider
from schemas.media import Word


@dataclass(frozen=True)
class SpeechRequest:
    """What is to be spoken."""

    text: str
    voice: str
    """The provider's name of the voice."""
    language: str


Timings = Literal["measured", "aligned"]
"""Whether the speaker said when each word sounds, or they were aligned to the pauses of the sound afterwards."""


@dataclass(frozen=True)
class Spoken:
    """Speech and when each word sounds."""

    samples: NDArray[np.float32]
    """Mono, -1 to 1."""
    sample_rate: int
    words: tuple[Word, ...]
    """In order; the texts are the words of the request as they are written there."""
    timings: Timings = "measured"


class Speaker(Provider, Protocol):
    """Speaks."""

    @property
    def model(self) -> str:
        """What speaks, with its version: part of what makes speech the same speech."""
        ...

    async def speak(self, request: SpeechRequest, bill: Bill) -> Spoken:
        """The text as sound; paid calls go on the bill. Raises the three errors."""
        ...
