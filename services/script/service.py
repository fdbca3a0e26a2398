"""The script stage: a prompt, or an article, becomes a title and scenes."""

import hashlib
from dataclasses import dataclass

from runtime.artefacts import Artefacts, Made
from runtime.bill import Bill
from runtime.errors import Permanent
from runtime.stage import Progress
from schemas.events import ScriptWritten, VideoRequested
from schemas.media import Scene
from schemas.options import Style, styles
from services.script.drafts import CONTENT_TYPE, check_draft, cleaned, decode, encode
from services.script.plain_text import one_line
from services.script.ports import Brief, Draft, DraftScene, ScriptWriter


@dataclass(frozen=True)
class Ports:
    """What `write_script` works with."""

    writer: ScriptWriter
    artefacts: Artefacts
    progress: Progress


async def write_script(request: VideoRequested, ports: Ports) -> ScriptWritten:
    """Has the script written, unless it lies there already."""
    style = _style(request.style)
    brief = Brief(request.prompt, style, request.language, request.scene_count, request.source_text)
    writer = ports.writer

    async def make(bill: Bill) -> Made:
        draft = cleaned(await writer.write(brief, bill))
        return Made(encode(draft), CONTENT_TYPE, {"provider": writer.name})

    def check(made: Made) -> None:
        check_draft(decode(made.data), request.scene_count)

    artefact = await ports.artefacts.obtain(_recipe(brief, writer), make, check)
    await ports.progress(1, 1, "script", artefact.key)
    return _script(request, style, decode(artefact.made.data), artefact.made.facts["provider"])


def _style(name: str) -> Style:
    try:
        return styles()[name]
    except KeyError:
        raise Permanent(f"there is no style named {name}") from None


def _recipe(brief: Brief, writer: ScriptWriter) -> dict[str, object]:
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
        "source": source and hashlib.sha256(source.encode(errors="surrogatepass")).hexdigest(),
    }


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
