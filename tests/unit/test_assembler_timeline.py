"""When scenes are seen and heard."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.media import FRAMES_PER_SECOND, Word
from services.assembler.timeline import FADE, LEAD_IN, TAIL, cut, evenly_timed, placed

durations = st.lists(st.floats(0, 30, allow_nan=False), min_size=1, max_size=20)


@given(durations)
def test_no_fade_touches_speech(lengths: list[float]) -> None:
    shots = cut(lengths).shots
    for before, after in pairwise(shots):
        fade_start, fade_end = after.first / FRAMES_PER_SECOND, (after.first + after.fade) / FRAMES_PER_SECOND
        assert before.speech_end <= fade_start + 1e-9
        assert fade_end < after.speech_start
        assert after.fade == FADE
        assert before.end == after.first + after.fade


@given(durations)
def test_every_picture_is_there_before_its_speech_and_until_after_it(lengths: list[float]) -> None:
    timeline = cut(lengths)
    for shot, length in zip(timeline.shots, lengths, strict=True):
        assert shot.opacity(shot.speech - 1) == 1.0
        assert shot.speech_start + length <= shot.end / FRAMES_PER_SECOND + 1e-9


@given(durations)
def test_every_frame_shows_one_shot_or_two_that_fade(lengths: list[float]) -> None:
    timeline = cut(lengths)
    frames = list(timeline.seen())
    assert len(frames) == timeline.frames
    for number, shot in enumerate(timeline.shots):
        assert [frame for frame, seen in enumerate(frames) if number in seen] == list(range(shot.first, shot.end))
    assert sum(len(seen) == 2 for seen in frames) == FADE * (len(lengths) - 1)


def test_a_fade_brightens_evenly_between_the_two_pictures() -> None:
    second = cut([1.0, 1.0]).shots[1]
    opacities = [second.opacity(second.first + step) for step in range(-1, FADE + 1)]
    assert opacities[0] == 0.0
    assert opacities[-1] == 1.0
    assert [after - before for before, after in pairwise(opacities)] == pytest.approx([1 / (FADE + 1)] * (FADE + 1))


def test_one_scene_has_a_lead_in_and_a_tail_and_no_fade() -> None:
    timeline = cut([2.0])
    assert timeline.frames == LEAD_IN + 60 + TAIL
    assert timeline.duration == timeline.frames / FRAMES_PER_SECOND
    assert timeline.shots[0].fade == 0


@given(
    st.lists(st.tuples(st.floats(0, 20, allow_nan=False), st.floats(0, 20, allow_nan=False)), max_size=30),
    st.floats(0, 10, allow_nan=False),
)
def test_words_are_in_order_within_their_speech_whatever_the_speaker_says(
    times: list[tuple[float, float]], spoken: float
) -> None:
    shot = cut([1.0, spoken]).shots[1]
    words = placed([Word(text="word", start=start, end=end) for start, end in times], shot)
    edges = [edge for word in words for edge in (word.start, word.end)]
    assert edges == sorted(edges)
    assert all(shot.speech_start <= edge <= shot.speech_end for edge in edges)


def test_words_keep_their_distance_from_the_start_of_the_speech() -> None:
    shot = cut([1.0, 1.0]).shots[1]
    (word,) = placed([Word(text="reef", start=0.25, end=0.5)], shot)
    assert (word.start - shot.speech_start, word.end - shot.speech_start) == pytest.approx((0.25, 0.5))


def test_words_without_timings_share_the_speech_by_their_letters() -> None:
    words = evenly_timed("to three", 7.0)
    assert [(word.text, word.start, word.end) for word in words] == [("to", 0.0, 2.0), ("three", 2.0, 7.0)]
    assert evenly_timed("  ", 7.0) == ()
