"""The offline voice's model, data and timings, without speaking."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from runtime.errors import Permanent, Unavailable
from schemas.media import Word
from schemas.options import voices
from services.voice.cutting import Boundary
from services.voice.joining import PAUSES
from services.voice.kokoro import model
from services.voice.kokoro.phonemes import Piece
from services.voice.kokoro.timing import piece_times, word_times
from services.voice.kokoro_speaker import KokoroSpeaker, assembled
from services.voice.ports import SpeechRequest, Spoken
from tests.builders import unbilled

FRAME = model.FRAME / model.SAMPLE_RATE


async def test_another_model_is_refused_by_its_hash(tmp_path: Path) -> None:
    other = tmp_path / "model.onnx"
    other.write_bytes(b"another model")
    with pytest.raises(Unavailable, match="SHA-256") as refusal:
        await KokoroSpeaker(other).speak(SpeechRequest("Hello.", "af_heart", "en"), unbilled())
    assert refusal.value.on == "offline voice"
    assert str(tmp_path) not in str(refusal.value)


def test_the_inference_library_keeps_no_id_of_the_machine_to_send_home(tmp_path: Path) -> None:
    bare = {"PATH": os.defpath, "HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", "import services.voice.kokoro.model"], env=bare, check=True)
    assert not list(tmp_path.rglob("*"))


async def test_a_missing_model_is_named_with_the_ways_out(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="KEYFRAME_VOICE_MODEL_PATH"):
        await KokoroSpeaker(tmp_path / "none.onnx").speak(SpeechRequest("Hello.", "af_heart", "en"), unbilled())


async def test_other_languages_are_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="English only"):
        await KokoroSpeaker(tmp_path / "none.onnx").speak(SpeechRequest("Bonjour.", "af_heart", "fr-CA"), unbilled())


def test_every_voice_that_users_may_choose_is_here() -> None:
    wanted = {voice.providers["offline"] for voice in voices().values() if "offline" in voice.providers}
    with np.load(Path(model.__file__).with_name("voices.npz"), allow_pickle=False) as styles:
        assert set(styles.files) == wanted
        assert all(styles[name].shape == model.STYLE_SHAPE for name in wanted)
        assert all(np.isfinite(styles[name]).all() for name in wanted)


def test_a_piece_lasts_as_long_as_its_sounds_and_not_its_punctuation() -> None:
    pieces = [Piece(0, "(ab,"), Piece(1, "—"), Piece(2, "c.")]
    lengths = np.array([10, 1, 2, 3, 4, 5, 6, 7, 8, 9, 20])  # start ( a b , space — space c . end
    sound = model.Sound(np.zeros(0, np.float32), lengths)
    times = [(round(time.start / FRAME), round(time.end / FRAME)) for time in piece_times(pieces, sound)]
    assert times == [(11, 16), (25, 31), (38, 46)]


def test_a_word_in_several_pieces_lasts_from_the_first_to_the_last() -> None:
    timed = [
        (Piece(0, "ˈa"), Word(text="", start=0.1, end=0.2)),
        (Piece(0, "b"), Word(text="", start=0.3, end=0.4)),
        (Piece(0, "."), Word(text="", start=0.4, end=0.9)),
        (Piece(2, "c"), Word(text="", start=1.0, end=1.5)),
    ]
    assert [(word.text, word.start, word.end) for word in word_times("$5. 🎉 c 日本", timed)] == [
        ("$5.", 0.1, 0.4),
        ("🎉", 0.4, 0.4),
        ("c", 1.0, 1.5),
        ("日本", 1.5, 1.5),
    ]


def test_utterances_are_joined_with_a_pause_and_their_words_move_along() -> None:
    second = np.ones(model.SAMPLE_RATE, np.float32)
    said = [
        ([Piece(0, "a"), Piece(1, "b.")], spoken(second, (0.1, 0.4), (0.5, 0.9))),
        ([Piece(2, "c.")], spoken(second, (0.2, 0.8))),
    ]
    whole = assembled("a b. c.", said)
    pause = PAUSES[Boundary.SENTENCE]
    assert len(whole.samples) == pytest.approx((2 + pause) * model.SAMPLE_RATE)
    assert not whole.samples[model.SAMPLE_RATE : round((1 + pause) * model.SAMPLE_RATE)].any()
    assert [(word.text, word.start, word.end) for word in whole.words] == [
        ("a", 0.1, 0.4),
        ("b.", 0.5, 0.9),
        ("c.", pytest.approx(1.2 + pause), pytest.approx(1.8 + pause)),
    ]


def spoken(samples: NDArray[np.float32], *times: tuple[float, float]) -> Spoken:
    words = (Word(text="", start=start, end=end) for start, end in times)
    return Spoken(samples, model.SAMPLE_RATE, tuple(words))
