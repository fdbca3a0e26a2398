"""Where sentences end, and what kind of block a line belongs to."""

import pytest

from services.script.blocks import blocks
from services.script.sentences import split_sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("It rained. The river rose.", ["It rained.", "The river rose."]),
        ("Dr. Smith met Mrs. Jones. They left.", ["Dr. Smith met Mrs. Jones.", "They left."]),
        ("J. R. R. Tolkien wrote it. He was 62.", ["J. R. R. Tolkien wrote it.", "He was 62."]),
        ("It costs 3.50 euros. Buy it!", ["It costs 3.50 euros.", "Buy it!"]),
        ("Fruit, e.g. apples, keeps. Meat does not.", ["Fruit, e.g. apples, keeps.", "Meat does not."]),
        ("He moved to the U.S. Navy yard.", ["He moved to the U.S. Navy yard."]),
        ("He moved to the U.S. The war began.", ["He moved to the U.S.", "The war began."]),
        ("See No. 5 first. Then go.", ["See No. 5 first.", "Then go."]),
        ("Is it true? Yes! Really…", ["Is it true?", "Yes!", "Really…"]),
        ("“I was there. It was cold,” he said. We left.", ["“I was there. It was cold,” he said.", "We left."]),
        ('He said "Stop." Then he ran.', ['He said "Stop."', "Then he ran."]),
        ("Yahoo! was a company. It grew.", ["Yahoo! was a company.", "It grew."]),
        ("珊瑚は動物です。海に住みます。", ["珊瑚は動物です。", "海に住みます。"]),
        ("یہ ایک جملہ ہے۔ یہ دوسرا ہے۔", ["یہ ایک جملہ ہے۔", "یہ دوسرا ہے۔"]),
        ("no end and no capital", ["no end and no capital"]),
        ("", []),
    ],
)
def test_sentences_end_where_a_reader_would_stop(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


def kinds(text: str) -> list[tuple[str, str]]:
    return [(block.kind.name, block.text) for block in blocks(text)]


def test_wrapped_lines_are_one_paragraph_below_their_title() -> None:
    text = "The Tide\n\nThe sea rises and falls\ntwice a day, and nobody\ncan stop it.\n\nThe end came."
    assert kinds(text) == [
        ("HEADING", "The Tide"),
        ("PROSE", "The sea rises and falls twice a day, and nobody can stop it."),
        ("PROSE", "The end came."),
    ]


def test_markdown_is_read_without_its_marks() -> None:
    text = (
        "# A *big* title\n\nSee [the site](https://example.org/x) for **more** (really).[1]\n\n- one item\n2. another\n"
    )
    assert kinds(text) == [
        ("HEADING", "A big title"),
        ("PROSE", "See the site for more."),
        ("ITEM", "one item"),
        ("ITEM", "another"),
    ]


def test_a_title_can_be_underlined() -> None:
    assert kinds("Tides\n=====\nThe sea rises.") == [("HEADING", "Tides"), ("PROSE", "The sea rises.")]


def test_lines_that_each_begin_anew_are_a_list() -> None:
    notes = "Revenue rose by 12 percent\nWe hired three people\nThe office moved to Leeds"
    assert [kind for kind, _ in kinds(notes)] == ["ITEM"] * 3


def test_back_matter_code_and_tables_are_left_out() -> None:
    text = (
        "The sea is wide.\n\n```\nprint('x.')\n```\n\n| a | b |\n\n"
        "== References ==\nSmith wrote it.\n\n== History ==\nIt was deep.\n\n== See also ==\nOther seas are wide."
    )
    assert [text for kind, text in kinds(text) if kind == "PROSE"] == ["The sea is wide.", "It was deep."]


def test_a_dateline_is_not_read_out() -> None:
    assert kinds("LONDON - The mayor left.") == [("PROSE", "The mayor left.")]
    assert kinds("LEEDSBURY (AP) - The mayor left.") == [("PROSE", "The mayor left.")]


def test_tags_are_left_out_and_comparisons_are_not() -> None:
    assert kinds('<p class="x">The sea is <b>wide</b>, as 3 < 5 and 5 > 3.</p>') == [
        ("PROSE", "The sea is wide, as 3 < 5 and 5 > 3.")
    ]
