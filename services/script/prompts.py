"""What a prompt asks for: its topic without the words about the video, or a whole text to tell."""

import re

from services.script.plain_text import one_line, word_count
from services.script.sentences import split_sentences
from services.script.words import words

TEXT_WORDS, TEXT_SENTENCES = 60, 4
"""A prompt of more words, in at least so many sentences, is no order but the text itself."""

_FRAMING = words("framing")
_TOKEN = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*")
_POSSESSIVE = re.compile(r"['’]s?$")


def is_text(prompt: str) -> bool:
    """Whether the prompt is itself an article or notes to tell."""
    if word_count(prompt) <= TEXT_WORDS:
        return False
    lines = [line for line in prompt.splitlines() if word_count(line) > 1]
    return max(len(lines), len(split_sentences(one_line(prompt)))) >= TEXT_SENTENCES


def topic_words(prompt: str) -> list[str]:
    """The words of the prompt that name its topic, in its order and spelling."""
    return [token for token in _TOKEN.findall(one_line(prompt)) if token.casefold() not in _FRAMING]


def stem(word: str) -> str:
    """The word in lower case and without a plural or possessive ending, so that "Bees'" finds "bee"."""
    bare = _POSSESSIVE.sub("", word.casefold())
    if len(bare) > 4 and bare.endswith("ies"):
        return bare[:-3] + "y"
    if len(bare) > 4 and bare.endswith(("ches", "shes", "sses", "xes", "oes")):
        return bare[:-2]
    return bare[:-1] if len(bare) > 3 and bare.endswith("s") and not bare.endswith(("ss", "us", "is")) else bare


def stems(text: str) -> list[str]:
    """The stems of all words of a text."""
    return [stem(token) for token in _TOKEN.findall(text)]
