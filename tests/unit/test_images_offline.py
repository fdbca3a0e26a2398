"""The offline painter's pictures: the same for the same request, composed for every shape."""

from dataclasses import replace
from itertools import pairwise

import pytest
from PIL import ImageChops, ImageStat

from schemas.media import AspectRatio
from services.images.offline.backdrop import Frame
from services.images.offline.composition import Sprite
from services.images.offline.concepts import concepts
from services.images.offline.studio import SCENERIES, compose, paint
from services.images.offline.techniques import TECHNIQUES
from services.images.offline_painter import OfflinePainter
from services.images.ports import PictureRequest
from tests.builders import unbilled

FRAMES = [Frame(*ratio.keyframe_size) for ratio in AspectRatio]
SMALL = (336, 192)
SENTENCES = [
    "The fox found a golden key beside the castle.",
    "Elephants remember water holes for decades.",
    "Three eagles circled over the sheep.",
    "The king lost his crown in the lake, and a duck found it.",
    "A crab and a lobster argued about the oyster.",
    "The baker shapes three hundred loaves before sunrise.",
    "Whales sing to whales.",
    "The airplane landed beside a herd of cows.",
    "A rocket passed two satellites.",
]


def sprites(text: str, frame: Frame, seed: int) -> tuple[Sprite, ...]:
    return compose(text, frame, seed).sprites


async def test_the_same_request_gives_the_same_bytes() -> None:
    request = PictureRequest("Two foxes watch the moon.", "watercolor", *SMALL, seed=11)
    painter = OfflinePainter()
    first = await painter.paint(request, unbilled())
    assert await OfflinePainter().paint(request, unbilled()) == first
    assert await painter.paint(replace(request, seed=12), unbilled()) != first


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_the_scenes_of_one_video_differ(technique: str) -> None:
    pictures = [paint("Growth is a habit.", TECHNIQUES[technique], *SMALL, seed) for seed in range(4)]
    for one, other in pairwise(pictures):
        assert sum(ImageStat.Stat(ImageChops.difference(one, other)).mean) > 15


@pytest.mark.parametrize("place", SCENERIES)
@pytest.mark.parametrize("frame", FRAMES, ids=str)
def test_every_place_is_calm_where_captions_run(place: str, frame: Frame) -> None:
    word = next(concept.words[0] for concept in concepts() if concept.place == place and not concept.needs)
    text = f"A {word}."
    picture = paint(text, TECHNIQUES["papercut"], frame.width // 3, frame.height // 3, 5)
    foot = picture.crop((picture.width // 4, round(picture.height * 0.9), picture.width * 3 // 4, picture.height))
    assert max(ImageStat.Stat(foot).stddev) < 24
    assert max(ImageStat.Stat(picture).stddev) > 24


@pytest.mark.parametrize("text", SENTENCES)
@pytest.mark.parametrize("frame", FRAMES, ids=str)
def test_nothing_is_cut_by_the_edge_or_hidden_by_another(text: str, frame: Frame) -> None:
    for seed in range(6):
        placed = sprites(text, frame, seed)
        assert placed
        for sprite in placed:
            assert sprite.x - sprite.width / 2 >= 0.02 * frame.width
            assert sprite.x + sprite.width / 2 <= 0.98 * frame.width
            assert sprite.bottom - sprite.height >= 0.01 * frame.height
        boxes = [(sprite.x - sprite.width / 2, sprite.bottom - sprite.height, sprite) for sprite in placed]
        for index, (left, top, one) in enumerate(boxes):
            for other_left, other_top, other in boxes[index + 1 :]:
                across = min(left + one.width, other_left + other.width) - max(left, other_left)
                down = min(top + one.height, other_top + other.height) - max(top, other_top)
                shared = max(0.0, across) * max(0.0, down)
                assert shared <= 0.15 * min(one.width * one.height, other.width * other.height)


@pytest.mark.parametrize("frame", FRAMES, ids=str)
def test_the_main_thing_is_large_enough(frame: Frame) -> None:
    for text in SENTENCES:
        largest = max(sprite.longer for sprite in sprites(text, frame, 3))
        assert largest > 0.24 * min(frame.width, frame.height)


def test_things_keep_their_order_of_size() -> None:
    ant, house = (
        next(sprite for sprite in sprites("An ant looked at the house.", FRAMES[0], 1) if sprite.icon == icon)
        for icon in ("ant", "house")
    )
    assert ant.longer < 0.4 * house.longer


def test_a_picture_is_whole() -> None:
    picture = paint("A fox.", TECHNIQUES["glow"], 512, 512, 1)
    assert (picture.size, picture.mode) == ((512, 512), "RGB")
