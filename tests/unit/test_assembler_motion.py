"""The camera's moves."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.assembler.motion import MOVES, Move, moves, rectangle

SIZES = [
    ((1344, 768), (1920, 1080)),
    ((768, 1344), (1080, 1920)),
    ((1024, 1024), (1080, 1080)),
    ((400, 3000), (1920, 1080)),
]


@given(st.sampled_from(MOVES), st.floats(0, 1), st.sampled_from(SIZES))
def test_every_view_is_inside_the_picture_and_has_the_frames_aspect(
    move: Move, progress: float, sizes: tuple[tuple[int, int], tuple[int, int]]
) -> None:
    picture, frame = sizes
    x, y, width, height = rectangle(move, progress, picture, frame)
    assert x >= -1e-6
    assert y >= -1e-6
    assert x + width <= picture[0] + 1e-6
    assert y + height <= picture[1] + 1e-6
    assert width / height == pytest.approx(frame[0] / frame[1], rel=1e-9)


@pytest.mark.parametrize("move", MOVES)
def test_a_move_starts_and_ends_at_rest_and_never_jumps(move: Move) -> None:
    views = [rectangle(move, step / 200, (1344, 768), (1920, 1080)) for step in range(201)]
    steps = [max(abs(a - b) for a, b in zip(one, two, strict=True)) for one, two in pairwise(views)]
    assert steps[0] < 0.1 * max(steps)
    assert steps[-1] < 0.1 * max(steps)
    assert 0 < max(steps) < 2.0


@given(st.integers(1, 40), st.integers(0, 2**32))
def test_no_move_comes_twice_in_a_row_and_a_seed_gives_the_same_moves(count: int, seed: int) -> None:
    drawn = moves(count, seed)
    assert len(drawn) == count
    assert all(one != two for one, two in pairwise(drawn))
    assert drawn == moves(count, seed)


def test_another_seed_gives_other_moves() -> None:
    assert len({moves(10, seed) for seed in range(20)}) > 15
