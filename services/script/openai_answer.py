"""What the writing model sends: its schema, how it is read, and how it becomes a draft."""

import json
import re
from collections.abc import Iterator
from typing import Any

from openai.types.shared_params import ResponseFormatJSONSchema
from pydantic import BaseModel, ConfigDict, ValidationError

from runtime.errors import Transient
from services.script.drafts import MAX_SCENE_CHARACTERS, check_draft, cleaned
from services.script.plain_text import one_line, shortened
from services.script.ports import Draft, DraftScene

MAX_CHARACTERS, MAX_BIBLE, MAX_NAME, MAX_APPEARANCE = 2, 90, 40, 120
"""How many of those who recur go before a picture, and how long the bible's parts, names and looks are."""

MAX_ERRORS = 5
"""Mistakes that are told to the model at once."""

TRIES = 50
"""Opening braces at which a JSON object is looked for in prose."""

_LETTERING = re.compile(
    r"\b(?:text|lettering|captions?|subtitles?|logos?|watermarks?|typography|signage|headlines?|slogans?"
    r"|label(?:l?ed|s)?|inscri(?:bed|ptions?)|the (?:words?|letters?|title)|that (?:says?|reads?))\b|\"",
    re.IGNORECASE,
)
"""What makes an image model write; it writes badly."""

_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|«[^»]*»")
_CLAUSE = re.compile(r"(?<=[.,;:!?])\s+")


class Unusable(Exception):
    """The answer is no script; the message tells the model why."""


class _Part(BaseModel):
    """Closed in the schema, as strict mode wants it; open in reading."""

    model_config = ConfigDict(json_schema_extra={"additionalProperties": False})


class Character(_Part):
    """Somebody who recurs."""

    name: str
    appearance: str

    @property
    def described(self) -> str:
        """Who it is and how it looks, for the painter."""
        return f"{shortened(one_line(self.name), MAX_NAME)}: {_brief(self.appearance, MAX_APPEARANCE)}"


class VisualBible(_Part):
    """What all pictures share."""

    characters: tuple[Character, ...]
    palette: str
    light: str
    era: str

    def before(self, picture: str) -> str:
        """The prompt of a picture: who is in it, what all pictures share, then what it shows."""
        cast = [one for one in self.characters if one.name.strip() and one.name.casefold() in picture.casefold()]
        seen = [
            f"{shortened(one_line(one.name), MAX_NAME)}: {_brief(one.appearance, MAX_APPEARANCE)}"
            for one in cast[:MAX_CHARACTERS]
        ]
        shared = [_brief(part, MAX_BIBLE) for part in (self.era, self.palette, self.light)]
        bible = "".join(f"{part.rstrip('.')}. " for part in (*shared, *seen) if part)
        return shortened(bible + without_lettering(picture), MAX_SCENE_CHARACTERS)


class AnswerScene(_Part):
    """A scene as the model sends it."""

    narration: str
    image_prompt: str


class Answer(_Part):
    """A script as the model sends it."""

    title: str
    description: str
    visual_bible: VisualBible
    scenes: tuple[AnswerScene, ...]


def response_format(scene_count: int) -> ResponseFormatJSONSchema:
    """The answer's JSON schema, with the count of scenes."""
    schema: dict[str, Any] = Answer.model_json_schema()
    schema["properties"]["scenes"] |= {"minItems": scene_count, "maxItems": scene_count}
    return {"type": "json_schema", "json_schema": {"name": "script", "strict": True, "schema": schema}}


def draft(content: str, scene_count: int) -> Draft:
    """The draft in an answer. Raises `Unusable`."""
    answer = _read(content)
    if len(answer.scenes) != scene_count:
        raise Unusable(f"it has {len(answer.scenes)} scenes where exactly {scene_count} are wanted")
    scenes = tuple(
        DraftScene(scene.narration, answer.visual_bible.before(scene.image_prompt)) for scene in answer.scenes
    )
    written = cleaned(Draft(answer.title, answer.description, scenes))
    for number, scene in enumerate(answer.scenes, 1):
        if not any(char.isalpha() for char in scene.image_prompt):
            raise Unusable(f"scene {number} has no picture")
    try:
        check_draft(written, scene_count)
    except Transient as problem:
        raise Unusable(str(problem)) from problem
    return written


def without_lettering(picture: str) -> str:
    """The picture without the clauses that ask for writing, or without the quoted words where nothing else is left."""
    line = _QUOTED.sub('"', one_line(picture))
    kept = [clause for clause in _CLAUSE.split(line) if not _LETTERING.search(clause)]
    return " ".join(kept).rstrip(",;: ") if kept else one_line(line.replace('"', ""))


def _brief(text: str, limit: int) -> str:
    return shortened(without_lettering(text), limit)


def _read(content: str) -> Answer:
    """The answer in the text: alone, in a fence, or somewhere in prose."""
    problem = "it holds no whole JSON object of the form that was asked for"
    for candidate in _objects(content):
        try:
            return Answer.model_validate(candidate)
        except ValidationError as error:
            if candidate.keys() & Answer.model_fields.keys():  # else it is a piece of one that broke off
                problem = _told(error)
    raise Unusable(problem)


def _objects(content: str) -> Iterator[dict[str, Any]]:
    """The outermost JSON objects in a text, in their order."""
    decoder, start = json.JSONDecoder(), 0
    for _ in range(TRIES):
        start = content.find("{", start)
        if start < 0:
            return
        try:
            found, start = decoder.raw_decode(content, start)
        except (ValueError, RecursionError):
            start += 1
        else:
            yield found


def _told(error: ValidationError) -> str:
    """What is wrong with an answer, without what it says."""
    mistakes = error.errors(include_url=False, include_context=False, include_input=False)[:MAX_ERRORS]
    return "; ".join(f"{'.'.join(map(str, mistake['loc'])) or 'it'}: {mistake['msg']}" for mistake in mistakes)
