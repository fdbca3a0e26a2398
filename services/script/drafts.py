"""What counts as a draft, and how it is kept: every scene says something, and there are no more than asked for."""

import hashlib
from dataclasses import replace

from pydantic import TypeAdapter, ValidationError

from runtime.errors import Transient
from services.script.plain_text import one_line, shortened
from services.script.ports import Brief, Draft, DraftScene, ScriptWriter

CONTENT_TYPE = "application/json"

MAX_TITLE_CHARACTERS = 100
MAX_DESCRIPTION_CHARACTERS = 2_000
MAX_SCENE_CHARACTERS = 1_000
"""A minute of speech: more is no scene, and would not fit beside nineteen others in a record."""

_DRAFT = TypeAdapter(Draft)


def recipe(brief: Brief, writer: ScriptWriter) -> dict[str, object]:
    """What makes a draft the same draft; a source of 50,000 characters enters by its digest."""
    source = brief.source_text
    return {
        "kind": "draft",
        "provider": writer.name,
        "model": writer.model,
        "prompt": brief.prompt,
        "style": brief.style.name,
        "language": brief.language,
        "scene_count": brief.scene_count,
        "target_seconds": brief.target_seconds,
        "source": source and hashlib.sha256(source.encode(errors="surrogatepass")).hexdigest(),
    }


def encode(draft: Draft) -> bytes:
    """The draft as JSON."""
    return _DRAFT.dump_json(draft)


def decode(data: bytes) -> Draft:
    """The draft again. Raises `Transient` where the bytes hold none."""
    try:
        return _DRAFT.validate_json(data)
    except ValidationError as error:
        raise Transient("the stored script is damaged") from error


def cleaned(draft: Draft) -> Draft:
    """The draft with every text on one line, without control characters; titles and descriptions are cut to size."""
    return replace(
        draft,
        title=shortened(one_line(draft.title), MAX_TITLE_CHARACTERS),
        description=shortened(one_line(draft.description), MAX_DESCRIPTION_CHARACTERS),
        scenes=tuple(
            DraftScene(one_line(scene.narration), one_line(scene.image_prompt) or one_line(scene.narration))
            for scene in draft.scenes
        ),
    )


def check_draft(draft: Draft, scene_count: int) -> None:
    """Raises `Transient` where this is no script of one to `scene_count` scenes that can be spoken."""
    if not _says_something(draft.title):
        raise Transient("the writer sent a script without a title")
    if not 1 <= len(draft.scenes) <= scene_count:
        raise Transient(f"the writer sent {len(draft.scenes)} scenes where {scene_count} were asked for")
    for number, scene in enumerate(draft.scenes, 1):
        if not _says_something(scene.narration):
            raise Transient(f"the writer left scene {number} without a narration")
        if max(len(scene.narration), len(scene.image_prompt)) > MAX_SCENE_CHARACTERS:
            raise Transient(f"the writer made scene {number} too long to be one scene")


def _says_something(text: str) -> bool:
    return any(char.isalnum() for char in text)
