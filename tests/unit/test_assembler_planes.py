"""Stills as planes, and frames drawn from them."""

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from runtime.errors import Transient
from services.assembler.frames import draw_frames
from services.assembler.kernel import blend, draw
from services.assembler.motion import MOVES, Move, Rectangle, moves, rectangle
from services.assembler.planes import MARGIN, Plane, Planes, frame_bytes, frame_planes, read_still, to_rgb
from services.assembler.timeline import cut
from tests.unit.assembler_material import picture, save_picture

HD = (1280, 720)


def new_frame(size: tuple[int, int] = HD) -> Planes:
    return frame_planes(np.empty(frame_bytes(*size), np.uint8), *size)


@pytest.mark.parametrize(
    ("rgb", "yuv"),
    [  # ITU-R BT.709, limited range
        ((255, 255, 255), (235, 128, 128)),
        ((0, 0, 0), (16, 128, 128)),
        ((255, 0, 0), (63, 102, 240)),
        ((0, 255, 0), (173, 42, 26)),
        ((0, 0, 255), (32, 240, 118)),
    ],
)
def test_colours_are_bt_709_in_limited_range(tmp_path: Path, rgb: tuple[int, ...], yuv: tuple[int, ...]) -> None:
    path = tmp_path / "flat.png"
    Image.new("RGB", (192, 108), rgb).save(path)
    frame = new_frame((96, 54))
    still = read_still(path, (96, 54))
    draw(still, Rectangle(0, 0, *still.size), frame)
    assert tuple(int(plane.mean().round()) for plane in frame) == yuv
    assert abs(to_rgb(frame).reshape(-1, 3).astype(int) - rgb).max() <= 2


def test_a_drawn_frame_is_as_sharp_as_a_lanczos_resize(tmp_path: Path) -> None:
    path = save_picture(tmp_path / "one", 1)
    still = read_still(path, HD)
    frame = new_frame()
    draw(still, Rectangle(24.3, 10.7, 1200.0, 675.0), frame)
    box = (24.3, 10.7, 24.3 + 1200.0, 10.7 + 675.0)
    reference = np.asarray(Image.fromarray(picture(1)).resize(HD, Image.Resampling.LANCZOS, box=box))
    error = to_rgb(frame).astype(float) - reference
    assert 10 * np.log10(255**2 / np.mean(error**2)) > 38


@pytest.mark.parametrize("frame", [(320, 180), (180, 320), (500, 500)])
@pytest.mark.parametrize("move", MOVES)
def test_every_frame_of_a_move_is_what_an_affine_warp_draws(tmp_path: Path, move: Move, frame: tuple[int, int]) -> None:
    still = read_still(save_picture(tmp_path / "one", 3, (640, 400)), frame)
    drawn = new_frame(frame)
    for progress in (0.0, 0.11, 0.34, 0.5, 0.77, 0.93, 1.0):
        view = rectangle(move, progress, still.size, frame)
        draw(still, view, drawn)
        for source, plane, scale, siting in (
            (still.y, drawn.y, still.luma_scale, 0.0),
            (still.u, drawn.u, 1, -0.25),
            (still.v, drawn.v, 1, -0.25),
        ):
            exact = warped(source, view, plane.shape[::-1], scale, siting)
            assert np.sqrt(np.mean((plane.astype(float) - exact) ** 2)) < 1.0


def warped(source: Plane, view: Rectangle, size: tuple[int, ...], scale: int, siting: float) -> Plane:
    """A view of a plane by OpenCV's affine warp."""
    across, down = view.width / size[0], view.height / size[1]
    matrix = np.array(
        [
            [across * scale, 0, ((0.5 + siting) * across + view.x) * scale - 0.5 + MARGIN],
            [0, down * scale, (0.5 * down + view.y) * scale - 0.5 + MARGIN],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(source, matrix, tuple(size), flags=flags, borderMode=cv2.BORDER_REPLICATE).astype(np.uint8)


def test_luma_and_chroma_are_sampled_at_the_same_place(tmp_path: Path) -> None:
    """A vertical edge, soft, between white and red lies under the same column in all planes."""
    ramp = np.clip((np.arange(1280) - 639.5) / 30 + 0.5, 0, 1)[None, :, None]
    edge = 255 + ramp * (np.array([255, 0, 0]) - 255)
    path = tmp_path / "edge.png"
    Image.fromarray(np.broadcast_to(edge.round(), (720, 1280, 3)).astype(np.uint8)).save(path)
    frame = new_frame()
    draw(read_still(path, HD), Rectangle(0, 0, 1280, 720), frame)
    assert middle(-frame.y[100].astype(float)) == pytest.approx(639.5, abs=0.15)
    # A left-sited chroma sample lies over the left one of its two luma samples.
    assert 2 * middle(frame.v[50].astype(float)) == pytest.approx(639.5, abs=0.15)


def middle(rising: NDArray[np.float64]) -> float:
    """Where a row crosses the middle between its two ends."""
    return float(np.interp((rising[0] + rising[-1]) / 2, rising, np.arange(len(rising))))


def test_a_huge_picture_is_reduced_and_a_vast_one_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    Image.fromarray(picture(2, (5000, 2900))).save(path)
    assert read_still(path, HD).y.shape[1] < 2700 + 2 * MARGIN
    Image.new("L", (9000, 9000)).save(path)
    with pytest.raises(Transient, match="9000x9000"):
        read_still(path, HD)


@pytest.mark.parametrize("damage", ["truncated", "text", "empty"])
def test_what_does_not_decode_is_transient(tmp_path: Path, damage: str) -> None:
    data = save_picture(tmp_path / "one", 1).read_bytes()
    path = tmp_path / "bad.png"
    path.write_bytes({"truncated": data[: len(data) // 2], "text": b"<svg/>", "empty": b""}[damage])
    with pytest.raises(Transient, match="damaged"):
        read_still(path, HD)


def test_a_blend_weighs_every_plane() -> None:
    below, above = new_frame(), new_frame()
    for under, over in zip(below, above, strict=True):
        under[:], over[:] = 40, 200
    blend(below, above, 0.25)
    assert {int(plane.min()) for plane in below} == {int(plane.max()) for plane in below} == {80}


def test_only_the_stills_that_are_seen_are_read_and_a_shot_moves_smoothly(tmp_path: Path) -> None:
    pictures = [save_picture(tmp_path / str(number), number) for number in range(3)]
    timeline = cut([0.3, 0.3, 0.3])
    taken: list[Plane] = []

    def take() -> Plane:
        taken.append(np.empty(frame_bytes(320, 180), np.uint8))
        return taken[-1]

    frames = draw_frames(timeline, pictures, moves(3, 1), (320, 180), take)
    drawn = [next(frames)]
    pictures[0].unlink()  # the first still is held: it is not read again
    drawn += list(frames)
    assert len(drawn) == len(taken) == timeline.frames
    changes = [np.abs(a.astype(int) - b).mean() for a, b in pairwise(drawn)]
    assert max(changes) < 12  # a fade is the largest change; a cut would be several times that
