"""What of a file is asked for (RFC 9110), and what a download is called."""

from datetime import UTC, datetime

import pytest

from runtime.objects import ObjectInfo
from services.gateway.file_names import ascii_name, disposition, download_name
from services.gateway.ranges import Beyond, Extent, Part, Validators, Whole, extent, is_unchanged

INFO = ObjectInfo("published/x/1/video.mp4", 100, datetime(2026, 1, 1, 12, tzinfo=UTC), "video/mp4")
NOW = Validators.of(INFO)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("", Whole()),
        ("bytes=0-", Part(0, 100)),
        ("bytes=0-0", Part(0, 1)),
        ("bytes=10-19", Part(10, 20)),
        ("bytes=90-200", Part(90, 100)),
        ("bytes=-10", Part(90, 100)),
        ("bytes=-1000", Part(0, 100)),
        ("BYTES=99-99", Part(99, 100)),
        ("bytes=100-", Beyond()),
        ("bytes=500-600", Beyond()),
        ("bytes=-0", Beyond()),
        ("bytes=19-10", Whole()),
        ("bytes=-", Whole()),
        ("bytes=0-1,5-6", Whole()),
        ("bytes=x-", Whole()),
        ("bytes=+1-2", Whole()),
        ("bytes=٣-٤", Whole()),
        ("items=0-1", Whole()),
        ("bytes=" + "9" * 500 + "-", Whole()),
    ],
)
def test_a_range_is_a_part_or_beyond_or_not_honoured(asked: str, expected: Extent):
    assert extent({"range": asked}, 100, NOW) == expected


def test_an_empty_file_has_no_part():
    assert extent({"range": "bytes=0-"}, 0, NOW) == Beyond()
    assert extent({}, 0, NOW) == Whole()


@pytest.mark.parametrize(
    ("condition", "holds"),
    [(NOW.etag, True), (NOW.last_modified, True), ('"other"', False), (f"W/{NOW.etag}", False), ("", False)],
)
def test_a_range_of_another_version_is_answered_with_all(condition: str, holds: bool):
    assert isinstance(extent({"range": "bytes=1-2", "if-range": condition}, 100, NOW), Part) is holds


@pytest.mark.parametrize(
    ("headers", "unchanged"),
    [
        ({}, False),
        ({"if-none-match": NOW.etag}, True),
        ({"if-none-match": f'"x", W/{NOW.etag}'}, True),
        ({"if-none-match": "*"}, True),
        ({"if-none-match": '"x"', "if-modified-since": NOW.last_modified}, False),
        ({"if-modified-since": NOW.last_modified}, True),
        ({"if-modified-since": "Thu, 01 Jan 1970 00:00:00 GMT"}, False),
    ],
)
def test_a_copy_that_still_holds_is_not_sent_again(headers: dict[str, str], unchanged: bool):
    assert is_unchanged(headers, NOW) is unchanged


@pytest.mark.parametrize(
    ("title", "name", "plain"),
    [
        ("Coral reefs", "Coral reefs.mp4", "Coral-reefs.mp4"),
        ("Café: été?", "Café été.mp4", "Cafe-ete.mp4"),
        ("../../etc/passwd", "etc passwd.mp4", "etc-passwd.mp4"),
        ('a"b\r\nSet-Cookie: x', "a b Set-Cookie x.mp4", "a-b-Set-Cookie-x.mp4"),
        ("珊瑚礁", "珊瑚礁.mp4", "video.mp4"),
        ("\u202egnp.exe", "gnp.exe.mp4", "gnp-exe.mp4"),
        ("...", "video.mp4", "video.mp4"),
        (None, "video.mp4", "video.mp4"),
        ("x" * 300, "x" * 80 + ".mp4", "x" * 80 + ".mp4"),
    ],
)
def test_a_download_has_a_safe_name(title: str | None, name: str, plain: str):
    assert download_name(title, ".mp4") == name
    assert ascii_name(name) == plain
    header = disposition("attachment", name)
    assert header.isascii()
    assert header.isprintable()
