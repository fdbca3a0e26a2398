"""The Ken Burns effect: how the view moves over a still.

Rectangles stay in floating point all the way to the warp: one that is snapped to pixels shakes.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


class Rectangle(NamedTuple):
    """A part of a picture, in its pixels."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class View:
    """What the camera sees: how near it is, and where it looks."""

    zoom: float
    """1 shows as much of the picture as the frame's shape allows."""
    x: float = 0.0
    y: float = 0.0
    """-1 to 1: from one edge of what the zoom leaves free to the other."""


@dataclass(frozen=True)
class Move:
    """From one view to another."""

    start: View
    end: View


# Pans are at 1.13 and not at 1.12, where a frame's samples and a still's rarely meet (kernel.py).
MOVES = (
    Move(View(1.00), View(1.14)),  # in
    Move(View(1.14), View(1.00)),  # out
    Move(View(1.13, x=-1.0), View(1.13, x=1.0)),  # to the right
    Move(View(1.13, x=1.0), View(1.13, x=-1.0)),  # to the left
    Move(View(1.13, y=0.9), View(1.13, y=-0.9)),  # up
    Move(View(1.04, x=0.8, y=-0.8), View(1.16, x=-0.6, y=0.5)),  # in, down to the left
    Move(View(1.16, x=0.6, y=0.5), View(1.04, x=-0.8, y=-0.8)),  # out, up to the left
    Move(View(1.04, x=-0.8, y=0.8), View(1.16, x=0.6, y=-0.5)),  # in, up to the right
)


def moves(count: int, seed: int) -> tuple[Move, ...]:
    """A move for each of `count` shots, the same for the same seed, and never one twice in a row."""
    chance = np.random.default_rng(seed)
    chosen: list[int] = []
    for _ in range(count):
        free = [index for index in range(len(MOVES)) if not chosen or index != chosen[-1]]
        chosen.append(free[int(chance.integers(len(free)))])
    return tuple(MOVES[index] for index in chosen)


def rectangle(move: Move, progress: float, picture: tuple[int, int], frame: tuple[int, int]) -> Rectangle:
    """What is seen `progress` (0 to 1) through a move: inside the picture, in the frame's aspect.

    Args:
        picture: (width, height) of the still in pixels.
        frame: (width, height) of the video in pixels.
    """
    eased = progress * progress * (3.0 - 2.0 * progress)  # smoothstep: starts and ends at rest
    zoom = move.start.zoom + (move.end.zoom - move.start.zoom) * eased
    x = move.start.x + (move.end.x - move.start.x) * eased
    y = move.start.y + (move.end.y - move.start.y) * eased
    pixel = min(picture[0] / frame[0], picture[1] / frame[1])  # picture pixels a frame pixel at zoom 1
    full_width, full_height = frame[0] * pixel, frame[1] * pixel
    width, height = full_width / zoom, full_height / zoom
    return Rectangle(
        (picture[0] - width) / 2 + x * (full_width - width) / 2,
        (picture[1] - height) / 2 + y * (full_height - height) / 2,
        width,
        height,
    )
