"""What counts as a picture."""

import io
import struct
import zlib

import pytest
from PIL import Image

from runtime.errors import Transient
from services.images.picture import check_picture, content_type
from tests.pictures import encoded

WIDTH, HEIGHT = 96, 64


def blank(colour: str) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (WIDTH, HEIGHT), colour).save(data, "PNG")
    return data.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims to be huge, in a hundred bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("kind", "media_type"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp")])
def test_a_picture_of_the_asked_size_passes(kind: str, media_type: str) -> None:
    data = encoded(WIDTH, HEIGHT, kind=kind)
    check_picture(data, WIDTH, HEIGHT)
    assert content_type(data) == media_type


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_truncated_picture_does_not_pass_wherever_it_was_cut(kind: str) -> None:
    data = encoded(WIDTH, HEIGHT, kind=kind)
    for share in range(1, 19):
        with pytest.raises(Transient):
            check_picture(data[: len(data) * share // 20], WIDTH, HEIGHT)


@pytest.mark.parametrize("kind", [b"zTXt", b"iCCP", b"iTXt"])
def test_a_picture_with_a_bomb_beside_its_pixels_does_not_pass(kind: bytes) -> None:
    data = encoded(WIDTH, HEIGHT, kind="PNG")
    compressed = {b"iTXt": b"k\0\1\0\0\0"}.get(kind, b"k\0\0") + zlib.compress(bytes(20_000_000))
    bomb = struct.pack(">I", len(compressed)) + kind + compressed + struct.pack(">I", zlib.crc32(kind + compressed))
    after_header = 8 + 25
    with pytest.raises(Transient):
        check_picture(data[:after_header] + bomb + data[after_header:], WIDTH, HEIGHT)


def test_a_picture_of_another_size_does_not_pass() -> None:
    with pytest.raises(Transient, match="96x64 pixels where 64x96 were asked for"):
        check_picture(encoded(WIDTH, HEIGHT), HEIGHT, WIDTH)


@pytest.mark.parametrize("colour", ["black", "white", "#808080"])
def test_a_blank_picture_does_not_pass(colour: str) -> None:
    with pytest.raises(Transient, match="blank"):
        check_picture(blank(colour), WIDTH, HEIGHT)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<!doctype html><title>502 Bad Gateway</title>",
        b'{"error": "rate limited"}',
        b'<svg xmlns="http://www.w3.org/2000/svg" width="96" height="64"><rect width="9" height="9"/></svg>',
        b"GIF89a" + bytes(100),
        b"\x89PNG\r\n\x1a\n",
    ],
)
def test_what_is_no_picture_does_not_pass(data: bytes) -> None:
    with pytest.raises(Transient, match="no picture"):
        check_picture(data, WIDTH, HEIGHT)
    with pytest.raises(Transient, match="no picture"):
        content_type(data)


@pytest.mark.parametrize("side", [4_000, 12_000, 60_000])
def test_a_decompression_bomb_is_refused_by_its_header(side: int) -> None:
    with pytest.raises(Transient):
        check_picture(png_header(side, side), WIDTH, HEIGHT)
