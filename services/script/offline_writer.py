"""The writer that needs no account: it tells a text, a sample script, or a Wikipedia article."""

import asyncio
import re

from runtime.bill import Bill
from runtime.errors import Permanent
from services.script.extractive import extract
from services.script.plain_text import one_line, shortened
from services.script.ports import Article, Brief, Draft, DraftScene, Encyclopedia
from services.script.prompts import is_text, topic_words
from services.script.samples import sample_for

WAYS_ON = (
    "paste a text to tell (source_text, or --source FILE), go online with KEYFRAME_SCRIPT_WIKIPEDIA=true, "
    "or point OPENAI_BASE_URL at any OpenAI-compatible server (Ollama, vLLM, LM Studio)"
)

TITLE_CHARACTERS = 80
_TITLE_END = re.compile(r"(?<=\w{3})[.!?。！？:;](?:\s|$)")


class OfflineWriter:
    """Invents nothing: every sentence it writes stands in a source that it names.

    Args:
        encyclopedia: where a topic that no sample covers is looked up; None where that is not allowed.
    """

    name = "offline"
    model = "samples-and-textrank-1"
    """To be counted up when the samples or the choice of sentences change."""

    def __init__(self, encyclopedia: Encyclopedia | None) -> None:
        self._encyclopedia = encyclopedia

    async def preflight(self) -> None:
        """Passes: it depends on nobody."""

    async def write(self, brief: Brief, bill: Bill) -> Draft:
        """Tells the text, else the sample, else the article. Raises `Permanent` where there is none of them."""
        text = brief.source_text or (brief.prompt if is_text(brief.prompt) else None)
        if text is not None:
            return await asyncio.to_thread(_told, text, brief)
        sample = sample_for(brief.prompt) if _is_english(brief.language) else None
        if sample is not None:
            return sample.draft(brief.style.name, brief.scene_count)
        article = await self._article(brief)
        return await asyncio.to_thread(_retold, article, brief)

    async def _article(self, brief: Brief) -> Article:
        topic = " ".join(topic_words(brief.prompt)) or one_line(brief.prompt)
        if self._encyclopedia is None:
            raise Permanent(f"the offline writer has no script about this topic and cannot research it: {WAYS_ON}")
        try:
            return await self._encyclopedia.find(topic, brief.language)
        except Permanent as reason:
            raise Permanent(f"the offline writer has no script about this topic, and {reason}: {WAYS_ON}") from reason


def _is_english(language: str) -> bool:
    return language.casefold().split("-")[0] == "en"


def _told(text: str, brief: Brief) -> Draft:
    """The script of the user's own text."""
    found = extract(text, brief.scene_count, about="" if text == brief.prompt else brief.prompt)
    names_it = topic_words(brief.prompt) and not is_text(brief.prompt)
    named = found.heading or (one_line(brief.prompt) if names_it else _opening(found.scenes[0]))
    title = shortened(named, TITLE_CHARACTERS)
    return Draft(title, f"Told in the words of the text that was given: {title}", _scenes(found.scenes))


def _retold(article: Article, brief: Brief) -> Draft:
    """The script of an article, with its source named as its licence asks."""
    source = article.attribution
    try:
        found = extract(article.text, brief.scene_count, about=brief.prompt)
    except Permanent as reason:
        raise Permanent(f"the Wikipedia article “{source.title}” is too short for a video: {WAYS_ON}") from reason
    description = f"From the Wikipedia article “{source.title}” ({source.url}), shortened, {source.licence}."
    return Draft(source.title, description, _scenes(found.scenes), (source,))


def _scenes(narrations: tuple[str, ...]) -> tuple[DraftScene, ...]:
    return tuple(DraftScene(narration, narration) for narration in narrations)


def _opening(sentence: str) -> str:
    """A sentence as a title: up to its first stop."""
    return _TITLE_END.split(sentence, maxsplit=1)[0] or sentence
