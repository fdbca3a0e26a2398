"""The script stage: a prompt, or an article, becomes a title and scenes."""

from dataclasses import dataclass
from functools import partial

from runtime.artefacts import Artefact, Artefacts, Made
from runtime.bill import Bill
from runtime.errors import Permanent
from runtime.fallback import Chain
from runtime.moderation import Moderator
from runtime.stage import Progress
from schemas.costs import summed
from schemas.events import ScriptWritten, VideoRequested
from schemas.media import Degraded, Scene
from schemas.options import Style, styles
from schemas.topics import ServiceName
from services.script.drafts import CONTENT_TYPE, check_draft, cleaned, decode, encode, recipe
from services.script.plain_text import one_line
from services.script.ports import Brief, DraftScene, ScriptWriter


@dataclass(frozen=True)
class Ports:
    """What `write_script` works with."""

    writers: Chain[ScriptWriter]
    moderator: Moderator
    artefacts: Artefacts
    progress: Progress


async def write_script(request: VideoRequested, ports: Ports) -> ScriptWritten:
    """Has the script written, unless it lies there already, and reviewed before it counts.

    The draft is kept before the review, so that a moderation that is away costs no second script.
    """
    style = _style(request.style)
    brief = Brief(
        request.prompt,
        style,
        request.language,
        request.scene_count,
        request.source_text,
        request.target_seconds,
        request.fresh,
    )
    served = await ports.writers.call(partial(_drafted, brief, ports.artefacts))
    artefact = served.result
    draft = decode(artefact.made.data)
    await ports.moderator.review(draft.texts)
    await ports.progress(1, 1, "script", artefact.key)
    degraded = [Degraded(stage=ServiceName.SCRIPT, reason=served.degraded)] if served.degraded else []
    return request.grown(
        ScriptWritten,
        title=draft.title,
        description=draft.description,
        attributions=draft.attributions,
        writer=artefact.made.facts["provider"],
        look=style.look,
        scenes=tuple(_scene(index, scene) for index, scene in enumerate(draft.scenes)),
        costs=(*request.costs, *summed(ServiceName.SCRIPT, ports.artefacts.charges)),
        degraded=(*request.degraded, *degraded),
    )


async def _drafted(brief: Brief, artefacts: Artefacts, writer: ScriptWriter) -> Artefact:
    async def make(bill: Bill) -> Made:
        draft = cleaned(await writer.write(brief, bill))
        return Made(encode(draft), CONTENT_TYPE, {"provider": writer.name})

    def check(made: Made) -> None:
        check_draft(decode(made.data), brief.scene_count)

    return await artefacts.obtain(recipe(brief, writer), make, check)


def _style(name: str) -> Style:
    try:
        return styles()[name]
    except KeyError:
        raise Permanent(f"there is no style named {name}") from None


def _scene(index: int, draft: DraftScene) -> Scene:
    caption = one_line(draft.narration)
    return Scene(index=index, narration=draft.narration, image_prompt=draft.image_prompt, caption=caption)
