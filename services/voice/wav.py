"""Mono 16-bit PCM in a WAV file."""

import io
import wave

import numpy as np
from numpy.typing import NDArray

from runtime.errors import Transient

CONTENT_TYPE = "audio/wav"
FULL_SCALE = 32767


def encoded(samples: NDArray[np.float32], rate: int) -> bytes:
    """Samples between -1 and 1 as a WAV file; what is louder is clipped."""
    pcm = np.rint(np.clip(samples, -1.0, 1.0) * FULL_SCALE).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(pcm.tobytes())
    return file.getvalue()


def decoded(data: bytes) -> tuple[NDArray[np.float32], int]:
    """The samples, between -1 and 1, and the sample rate. Raises `Transient` where the file is damaged or another."""
    try:
        with wave.open(io.BytesIO(data)) as sound:
            channels, width, rate, count = sound.getparams()[:4]
            pcm = sound.readframes(count)
    except (wave.Error, EOFError, ValueError) as error:
        raise Transient("the recording is no WAV file") from error
    if (channels, width) != (1, 2) or len(pcm) != 2 * count:
        raise Transient("the recording is damaged or not mono 16-bit sound")
    return np.frombuffer(pcm, dtype="<i2").astype(np.float32) / np.float32(FULL_SCALE), rate
