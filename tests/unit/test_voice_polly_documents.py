"""What Polly is sent, its marks, and what is known of its engines and voices."""

import json
from xml.etree import ElementTree as ET

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.polly.resources import VOICE_DATA

from runtime.errors import Permanent
from schemas.options import voices
from schemas.prices import prices
from services.voice.cutting import Boundary
from services.voice.polly.catalogue import catalogue, engine_for, language_code, readable, speaks
from services.voice.polly.document import Document, documents
from services.voice.polly.marks import MalformedMarks, cues

LIMIT = 3000
LANGUAGES = {"en", "es", "fr", "de", "it", "pt", "hi", "ja", "zh", "ko", "ar", "nl", "pl", "sv", "tr", "da", "nb"}


def only(text: str, *, paragraphs: bool = True) -> Document:
    (document,) = documents(text, paragraphs=paragraphs, limit=LIMIT)
    return document


def test_a_line_is_plain_text_as_it_is_written() -> None:
    document = only("AT&T <b>“won”</b>")
    assert (document.text, document.is_ssml, document.characters) == ("AT&T <b>“won”</b>", False, 17)


def test_paragraphs_are_ssml_with_the_text_escaped() -> None:
    document = only("Q&A <now>\n\nTwo.")
    assert document.text == "<speak><p>Q&amp;A &lt;now&gt;</p><p>Two.</p></speak>"
    assert document.characters == len("Q&A <now>Two.")


def test_an_engine_without_paragraphs_gets_plain_text() -> None:
    document = only("One.\nTwo.", paragraphs=False)
    assert (document.text, document.is_ssml) == ("One. Two.", False)


def test_control_characters_become_spaces_and_what_cannot_be_said_is_left_out() -> None:
    assert only("a\x07b\u202ec\ud800d\u00ade").text == "a bcde"


def test_a_text_over_the_limit_is_cut_after_sentences() -> None:
    sentence = "The quick brown fox ran away over the hills. "
    parts = documents(sentence * 150, paragraphs=True, limit=LIMIT)
    assert len(parts) == 3
    assert {part.boundary for part in parts} == {Boundary.SENTENCE}
    assert all(part.text.endswith("hills.") and len(part.text) <= LIMIT for part in parts)
    assert " ".join(part.text for part in parts) == (sentence * 150).strip()


def test_a_text_without_spaces_is_cut_after_its_full_stops() -> None:
    parts = documents("これは長い文です。" * 200, paragraphs=True, limit=LIMIT)
    assert all(part.text.endswith("。") and len(part.text.encode()) <= LIMIT for part in parts)


@given(st.text("ab<&\"' .\n\r日🐝\x07\u00ad", max_size=200), st.integers(8, 60))
def test_every_document_is_well_formed_and_knows_where_its_bytes_come_from(text: str, limit: int) -> None:
    for document in documents(text, paragraphs=True, limit=limit):
        sent = document.text.encode()
        assert len(document.origins) == len(sent)
        assert list(document.origins) == sorted(document.origins)
        if document.is_ssml:
            assert ET.fromstring(document.text).tag == "speak"  # noqa: S314
        for char in "ab日🐝":
            place = sent.rfind(char.encode()) if not document.is_ssml else -1
            assert place < 0 or text[document.origins[place]] == char


def mark(time: int, document: Document, value: str, kind: str = "word") -> bytes:
    start = document.text.encode().index(value.encode())
    fields = {"time": time, "type": kind, "start": start, "end": start + len(value.encode()), "value": value}
    return json.dumps(fields).encode() + b"\n"


def test_marks_are_found_by_bytes_after_curly_quotes_cjk_and_emoji() -> None:
    text = "“Hi” 日本 🐝 bee"
    document = only(text)
    found = cues(mark(0, document, "Hi") + mark(100, document, "日本") + mark(200, document, "bee"), document)
    assert [(text[cue.at :], cue.time) for cue in found] == [
        ("Hi” 日本 🐝 bee", 0.0),
        ("日本 🐝 bee", 0.1),
        ("bee", 0.2),
    ]


def test_marks_in_ssml_are_found_behind_tags_and_escapes() -> None:
    text = "A & B\nAT&T won"
    document = only(text)
    answer = mark(0, document, "A &amp; B", "sentence") + mark(300, document, "AT&amp;T") + mark(500, document, "won")
    assert [text[cue.at :] for cue in cues(answer, document)] == [text, "AT&T won", "won"]


def test_a_mark_whose_offsets_count_something_else_is_found_by_its_word() -> None:
    text = "Tom & Ann\nand “Bob” and Eve"
    document = only(text)
    rows = [(0, "Tom", 0), (100, "Ann", 6), (200, "and", 10), (300, "Bob", 15), (400, "and", 20), (500, "Eve", 24)]
    answer = b"\n".join(
        json.dumps({"time": time, "type": "word", "start": at, "end": at + len(value), "value": value}).encode()
        for time, value, at in rows
    )
    assert [text[cue.at :].split(maxsplit=1)[0] for cue in cues(answer, document)] == [
        "Tom",
        "Ann",
        "and",
        "Bob”",
        "and",
        "Eve",
    ]


@pytest.mark.parametrize(
    "answer",
    [b"<html>", b"{", b"[]", b'{"time":-1,"type":"word","start":0,"end":1,"value":"a"}', b'{"time":1}', b"\xff\xfe"],
)
def test_what_is_no_line_of_marks_is_malformed(answer: bytes) -> None:
    with pytest.raises(MalformedMarks):
        cues(answer, only("a b"))


def test_sentence_marks_alone_tell_nothing() -> None:
    document = only("One two.")
    assert cues(mark(0, document, "One two.", "sentence"), document) == []
    assert cues(b"", document) == []


def test_the_catalogue_agrees_with_botocore_and_with_the_service() -> None:
    model = botocore.session.get_session().get_service_model("polly")
    known = catalogue()
    assert set(known.engines) == set(model.shape_for("Engine").enum)  # type: ignore[attr-defined]
    assert set(known.voices) <= set(model.shape_for("VoiceId").enum)  # type: ignore[attr-defined]
    codes = set(model.shape_for("LanguageCode").enum)  # type: ignore[attr-defined]
    assert {code for voice in known.voices.values() for code in voice.languages} <= codes
    for voice in VOICE_DATA:
        ours = known.voices[voice["Id"]]
        assert ours.languages == (voice["LanguageCode"], *(voice.get("AdditionalLanguageCodes") or ()))
        assert set(ours.engines) >= set(voice["SupportedEngines"])


def test_every_engine_has_a_price() -> None:
    assert {("polly", engine) for engine in catalogue().engines} <= prices().keys()


def test_keyframes_voices_speak_their_language_by_the_neural_engine() -> None:
    offered = [voice for voice in voices().values() if "polly" in voice.providers]
    spoken = {voice.language for voice in offered}
    assert spoken >= LANGUAGES
    for voice in offered:
        name = voice.providers["polly"]
        assert name in catalogue().voices
        assert speaks(name, voice.language)
        assert engine_for(name, "neural") == "neural"


def test_a_voice_without_the_engine_speaks_by_one_that_it_has() -> None:
    assert engine_for("Filiz", "neural") == "standard"
    assert engine_for("Joanna", "neural") == "neural"
    assert engine_for("Newcomer", "generative") == "generative"


def test_only_a_voice_of_several_languages_is_told_which() -> None:
    assert [language_code(*pair) for pair in [("Kajal", "hi"), ("Kajal", "en"), ("Hala", "ar"), ("Zhiyu", "zh")]] == [
        "hi-IN",
        "en-IN",
        "arb",
        None,
    ]
    with pytest.raises(Permanent, match="Joanna does not speak the language fr"):
        language_code("Joanna", "fr")


@pytest.mark.parametrize(
    ("text", "language", "reads"),
    [("日本", "en", False), ("日本", "zh", True), ("42", "en", True), ("नमस्ते", "hi", True), ("🎉…", "en", False)],
)
def test_what_a_language_reads(text: str, language: str, reads: bool) -> None:
    assert readable(text, language) is reads
