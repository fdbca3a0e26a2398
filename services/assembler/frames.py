"""The frames of a film, one after the other, with only the stills in hand that they show."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from services.assembler.kernel import blend, draw
from services.assembler.motion import Move, rectangle
from services.assembler.planes import Plane, Still, frame_bytes, frame_planes, read_still
from services.assembler.timeline import Timeline


def draw_frames(
    timeline: Timeline,
    pictures: Sequence[Path],
    moves: Sequence[Move],
    size: tuple[int, int],
    take: Callable[[], Plane],
) -> Iterator[Plane]:
    """Draws every frame into a buffer that it takes, and hands that buffer on.

    Args:
        pictures: a picture file for each shot.
        size: (width, height) of the frames, both even.
        take: gives a buffer of `frame_bytes`; it is asked when a frame is to be drawn.

    Raises:
        Transient: a picture does not decode.
    """
    above = frame_planes(np.empty(frame_bytes(*size), np.uint8), *size)
    stills: dict[int, Still] = {}
    for frame, seen in enumerate(timeline.seen()):
        stills = {shot: stills[shot] if shot in stills else read_still(pictures[shot], size) for shot in seen}
        buffer = take()
        for layer, target in zip(seen, (frame_planes(buffer, *size), above), strict=False):
            view = rectangle(moves[layer], timeline.shots[layer].progress(frame), stills[layer].size, size)
            draw(stills[layer], view, target)
        if len(seen) > 1:
            blend(frame_planes(buffer, *size), above, timeline.shots[seen[-1]].opacity(frame))
        yield buffer
