"""The script stage: a prompt, or an article, becomes a title and scenes."""

from dataclasses import dataclass

from runtime.artefacts import Artefacts, Made
from runtime.bill import Bill
from runtime.errors import Permanent
from runtime.moderation import Moderator
from runtime.stage import Progress
from schemas.events import ScriptWritten, VideoRequested
from schemas.media import Scene
from schemas.options import Style, styles
from services.script.drafts import CONTENT_TYPE, check_draft, cleaned, decode, encode, recipe
from services.script.plain_text import one_line
from services.script.ports import Brief, Draft, DraftScene, ScriptWriter


@dataclass(frozen=True)
class Ports:
    """What `write_script` works with."""

    writer: ScriptWriter
    moderator: Moderator
    artefacts: Artefacts
    progress: Progress


async def write_script(request: VideoRequested, ports: Ports) -> ScriptWritten:
    """Has the script written, unless it lies there already, and reviewed before it counts.

    The draft is kept before the review, so that a moderation that is away costs no second script.
    """
    style = _style(request.style)
    brief = Brief(
        request.prompt, style, request.language, request.scene_count, request.source_text, request.target_seconds
    )
    writer = ports.writer

    async def make(bill: Bill) -> Made:
        draft = cleaned(await writer.write(brief, bill))
        return Made(encode(draft), CONTENT_TYPE, {"provider": writer.name})

    def check(made: Made) -> None:
        check_draft(decode(made.data), request.scene_count)

    artefact = await ports.artefacts.obtain(recipe(brief, writer), make, check)
    draft = decode(artefact.made.data)
    await ports.moderator.review(draft.texts)
    await ports.progress(1, 1, "script", artefact.key)
    return _script(request, style, draft, artefact.made.facts["provider"])


def _style(name: str) -> Style:
    try:
        return styles()[name]
    except KeyError:
        raise Permanent(f"there is no style named {name}") from None


def _script(request: VideoRequested, style: Style, draft: Draft, writer: str) -> ScriptWritten:
    def scene(index: int, draft: DraftScene) -> Scene:
        caption = one_line(draft.narration)
        return Scene(index=index, narration=draft.narration, image_prompt=draft.image_prompt, caption=caption)

    return request.grown(
        ScriptWritten,
        title=draft.title,
        description=draft.description,
        attributions=draft.attributions,
        writer=writer,
        look=style.look,
        scenes=tuple(scene(index, draft_scene) for index, draft_scene in enumerate(draft.scenes)),
    )
