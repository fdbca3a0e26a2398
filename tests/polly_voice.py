"""How the stand-in for Amazon Polly speaks: tones for words, and speech marks that count bytes."""

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
from moto.polly.resources import VOICE_DATA

RATE = 16_000
LETTER, BETWEEN, CLAUSE, SENTENCE, AROUND = 0.06, 0.04, 0.2, 0.5, 0.1
"""Seconds of a letter's tone, and of the silence after a word, a clause, a sentence, and before and after all."""
VOICES: dict[str, dict[str, Any]] = {voice["Id"]: voice for voice in VOICE_DATA}

_TOKEN = re.compile(r"<[^>]*>|(?:\w|['’]|&\w+;)+|[.,;:!?…。、！？]")
_SCRIPTS = {"ja": ("HIRA", "KATA", "CJK"), "cm": ("CJK",), "hi": ("DEVA",), "ar": ("ARAB",), "ko": ("HANG",)}


class Refused(Exception):
    """An error of the API: status, code, message."""


@dataclass
class Word:
    """A word of a request: where it stands, in bytes, and when it sounds, in seconds."""

    value: str
    start: int
    time: float = 0.0
    length: float = 0.0
    pause: float = BETWEEN


def spoken(request: Mapping[str, Any]) -> tuple[list[Word], float]:
    """The words of a request as they sound, and how long all is."""
    words = _words(request)
    now = AROUND
    for word in words:
        word.time, word.length = now, LETTER * (1 + len(word.value))
        now += word.length + word.pause
    return words, now + AROUND


def billed(request: Mapping[str, Any]) -> int:
    """The characters of a request that count. Raises `Refused` where they are too many or no SSML."""
    text = plain = request["Text"]
    if request.get("TextType") == "ssml":
        try:
            root = ET.fromstring(text)  # noqa: S314 - our own request
        except ET.ParseError:
            raise Refused(400, "InvalidSsmlException", "Invalid SSML request") from None
        if root.tag != "speak":
            raise Refused(400, "InvalidSsmlException", "Invalid SSML request")
        plain = "".join(root.itertext())
    if len(text) > 6000 or len(plain) > 3000:
        raise Refused(400, "TextLengthExceededException", "Maximum text length has been exceeded")
    return len(plain)


def _words(request: Mapping[str, Any]) -> list[Word]:
    text, is_ssml = request["Text"], request.get("TextType") == "ssml"
    words: list[Word] = []
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token.startswith("<") and is_ssml:
            continue
        if token[0] in ".!?…。！？" and words:
            words[-1].pause = SENTENCE
        elif token[0] in ",;:、" and words:
            words[-1].pause = CLAUSE
        elif _reads(request["VoiceId"], token):
            words.append(Word(token, len(text[: match.start()].encode())))
    return words


def _reads(voice: str, token: str) -> bool:
    """Whether a voice says a word at all: only those of its script, and Latin."""
    codes = [VOICES[voice]["LanguageCode"], *(VOICES[voice].get("AdditionalLanguageCodes") or [])]
    known = ("LATIN", "DIGIT", *(script for code in codes for script in _SCRIPTS.get(code[:2], ())))
    return any(unicodedata.name(char, "").startswith(known) for char in token)


def marks(request: Mapping[str, Any], words: list[Word]) -> bytes:
    """Speech marks, a line each."""
    marks: list[dict[str, Any]] = []
    begins = True
    for word in words:
        mark = {"time": round(word.time * 1000), "start": word.start, "value": word.value}
        mark["end"] = word.start + len(word.value.encode())
        if begins and "sentence" in request["SpeechMarkTypes"]:
            marks.append({**mark, "type": "sentence"})
        if "word" in request["SpeechMarkTypes"]:
            marks.append({**mark, "type": "word"})
        begins = word.pause == SENTENCE
    return b"".join(json.dumps(mark).encode() + b"\n" for mark in marks)


def sound(words: list[Word], duration: float) -> bytes:
    """16-bit PCM."""
    samples = np.zeros(round(duration * RATE))
    for word in words:
        begin, count = round(word.time * RATE), round(word.length * RATE)
        samples[begin : begin + count] = 0.3 * np.sin(2 * np.pi * 220 / RATE * np.arange(count))
    return (samples * 32767).astype("<i2").tobytes()
