"""Captions as files, parsed back by another's parser."""

import re

import pysubs2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.media import AspectRatio
from services.assembler.captions import BURNED_IN, SUBTITLES, Caption, captions, plain
from services.assembler.subtitles import ass, ass_text, subrip, webvtt
from tests.unit.assembler_material import words

HOSTILE = (
    "{\\an8\\fs200}EVIL",
    "{\\p1}m 0 0 l 900 0{\\p0}",
    "a\\Nb \\h \\n c trail\\",
    "back\\{slash br}ace{",
    '50% off: it\'s, "q" [x];|',
    "multi\nDialogue: 0,0:00:00.00,0:00:09.00,D,,0,0,0,,INJECTED",
    "1\n00:00:00,000 --> 00:00:09,000\nINJECTED",
    "a --> b <b>bold</b> <script> &lt; &amp; {\\an8}",
    "NOTE hidden\n\nSTYLE ::cue {color: red}",
    "مرحبا \u202eabc\u202c",
    "日本語\u2028です",
)

_OURS = re.compile(r"\{\\c(&H4AD5FF&)?\}")


def burned_in(text: str) -> tuple[Caption, ...]:
    return captions([words(text, 4.0)], BURNED_IN[AspectRatio.LANDSCAPE], emoji=False)


def parsed_ass(shown: tuple[Caption, ...]) -> pysubs2.SSAFile:
    return pysubs2.SSAFile.from_string(ass(shown, (1920, 1080), AspectRatio.LANDSCAPE), format_="ass")


@pytest.mark.parametrize("text", HOSTILE)
def test_no_override_and_no_event_gets_into_ass(text: str) -> None:
    shown = burned_in(text)
    events = parsed_ass(shown).events
    assert len(events) == sum(len(caption.tokens) for caption in shown)
    for event in events:
        assert len(_OURS.findall(event.text)) == 2
        rest = _OURS.sub("", event.text)
        assert re.findall(r"(?<!\\)[{}]", rest) == []  # every brace of theirs is escaped
        assert re.findall(r"\\[^\u200b{}]", rest + "x") == []  # and no backslash of theirs begins an escape


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("plain", "plain"),
        ("{b}", "\\{b\\}"),
        ("a\\N", "a\\\u200bN"),
        ("\\{", "\\\u200b\\{"),
    ],
)
def test_ass_escapes(text: str, escaped: str) -> None:
    assert ass_text(text) == escaped


def test_every_word_is_lit_from_its_start_to_the_next_words() -> None:
    spoken = words("one two three.", 3.0)
    events = parsed_ass(captions([spoken], BURNED_IN[AspectRatio.LANDSCAPE], emoji=False)).events
    lit = [re.search(r"&H4AD5FF&\}(.*?)\{", event.text)[1] for event in events]  # type: ignore[index]
    assert lit == ["one", "two", "three."]
    assert [event.start for event in events] == pytest.approx([word.start * 1000 for word in spoken], abs=10)
    assert [event.end for event in events[:-1]] == [event.start for event in events[1:]]
    assert {_OURS.sub("", event.text) for event in events} == {"one two three."}


@pytest.mark.parametrize("aspect", list(AspectRatio))
def test_the_header_says_how_large_and_in_what_colours(aspect: AspectRatio) -> None:
    document = pysubs2.SSAFile.from_string(ass((), aspect.frame_size, aspect), format_="ass")
    assert (int(document.info["PlayResX"]), int(document.info["PlayResY"])) == aspect.frame_size
    assert document.info["YCbCr Matrix"] == "TV.709"
    assert document.styles["Caption"].fontname == "Montserrat"
    assert document.styles["Caption"].marginv > 0.07 * aspect.frame_size[1]


def cues(document: str) -> list[tuple[str, str]]:
    """(times, text) of every cue of a WebVTT or SubRip document, by its grammar: blocks between blank lines."""
    found: list[tuple[str, str]] = []
    for block in document.strip().split("\n\n"):
        lines = block.split("\n")
        timing = next((number for number, line in enumerate(lines) if "-->" in line), None)
        if timing is not None:
            found.append((lines[timing], "\n".join(lines[timing + 1 :])))
    return found


@pytest.mark.parametrize("text", HOSTILE)
def test_webvtt_shows_exactly_what_was_said(text: str) -> None:
    shown = captions([words(text, 4.0)], SUBTITLES, emoji=True)
    document = webvtt(shown)
    assert document.startswith("WEBVTT\n\n")
    assert len(cues(document)) == len(shown)
    for (times, cue), caption in zip(cues(document), shown, strict=True):
        assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3} --> \d\d:\d\d:\d\d\.\d{3}", times)
        assert "<" not in cue
        assert re.sub(r"&(lt|gt|amp);", "", cue).count("&") == 0
        assert cue.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == caption.text


@pytest.mark.parametrize("text", HOSTILE)
def test_subrip_has_no_tag_and_no_cue_of_the_texts_own(text: str) -> None:
    shown = captions([words(text, 4.0)], SUBTITLES, emoji=True)
    document = subrip(shown)
    assert len(cues(document)) == len(shown)
    for (_, cue), caption in zip(cues(document), shown, strict=True):
        assert "-->" not in cue
        assert re.search(r"<[/A-Za-z]|\{\\", cue) is None
        assert cue.replace("\u200b", "") == caption.text


@given(st.text(max_size=200))
def test_any_text_parses_back_in_every_format(text: str) -> None:
    shown = captions([words(text, 4.0)] if text.split() else [], SUBTITLES, emoji=True)
    assert len(cues(webvtt(shown))) == len(cues(subrip(shown))) == len(shown)
    assert len(pysubs2.SSAFile.from_string(subrip(shown), format_="srt")) == len(shown)
    assert all(plain(caption.text) == caption.text for caption in shown)


def test_times_beyond_an_hour() -> None:
    (word,) = words("late", 0.5)
    late = captions([[word.model_copy(update={"start": 3725.5, "end": 3726.0})]], SUBTITLES, emoji=True)
    assert "01:02:05.500 --> 01:02:06.400" in webvtt(late)
    assert "01:02:05,500 --> 01:02:06,400" in subrip(late)
    assert "1:02:05.50,1:02:06.40" in ass(late, (1920, 1080), AspectRatio.LANDSCAPE)
