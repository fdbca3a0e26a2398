"""docs/benchmarks.md is written in parts, each in its place."""

import pytest

from tests.bench.__main__ import BENCHES, DOC, written


def test_every_benchmark_has_its_place_in_the_document() -> None:
    for name in BENCHES:
        assert f"\nnew part of {name}\n" in written(DOC.read_text(encoding="utf-8"), name, f"new part of {name}")


def test_a_part_replaces_itself_alone() -> None:
    document = "a\n<!-- one -->\nold\n<!-- /one -->\nb\n<!-- two -->\nkept\n<!-- /two -->\n"

    assert written(document, "one", "new") == document.replace("old", "new")


def test_a_document_without_the_place_is_refused() -> None:
    with pytest.raises(SystemExit, match="no place for one"):
        written("<!-- one -->", "one", "new")
