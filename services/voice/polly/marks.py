"""Speech marks: when Polly says what. A mark a line, its place in bytes of what was sent."""

from html import escape
from typing import Annotated, Literal

from pydantic import BaseModel, Field, ValidationError

from services.voice.polly.document import Document
from services.voice.timing import Cue

TYPES = ("sentence", "word")
"""What is asked for: a sentence's mark serves where its first word has none."""

MILLISECOND = 0.001


class _Mark(BaseModel):
    time: Annotated[int, Field(ge=0)]
    """Milliseconds from the start of the audio."""
    type: Literal["sentence", "word"]
    start: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(ge=0)]
    value: str


class MalformedMarks(Exception):
    """The answer is not lines of marks."""


def cues(answer: bytes, document: Document) -> list[Cue]:
    """When the voice comes to which place of the narration; nothing where no word has a mark.

    A place is found by the mark's bytes. Where they do not hold what the mark says they do, it is
    looked for after the mark before: offsets then count something else.

    Raises:
        MalformedMarks: nothing can be told from the answer.
    """
    try:
        marks = [_Mark.model_validate_json(line) for line in answer.splitlines() if line.strip()]
    except ValidationError as error:
        raise MalformedMarks from error
    if not any(mark.type == "word" for mark in marks):
        return []
    sent = document.text.encode()
    found: list[Cue] = []
    after = 0
    for mark in marks:
        place = _place(mark, sent, after)
        if place is not None:
            after = place
            found.append(Cue(document.origins[place], mark.time * MILLISECOND))
    return found


def _place(mark: _Mark, sent: bytes, after: int) -> int | None:
    value = mark.value.encode()
    if value and sent[mark.start : mark.end] == value:
        return mark.start
    places = [sent.find(form, after) for form in (value, escape(mark.value).encode()) if form]
    return next((place for place in places if place >= 0), None)
