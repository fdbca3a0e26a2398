"""The images stage: a keyframe for every scene, as many at once as the bound allows."""

from dataclasses import dataclass
from functools import partial

from runtime.artefacts import Artefacts, Made
from runtime.bill import Bill
from runtime.concurrency import each
from runtime.fallback import Chain
from runtime.stage import Progress
from schemas import keys
from schemas.costs import summed
from schemas.events import ImagesRendered, ScriptWritten
from schemas.media import Degraded, PaintedScene, Picture, Scene
from schemas.topics import ServiceName
from services.images.picture import check_picture, content_type
from services.images.ports import Painter, PictureRequest


@dataclass(frozen=True)
class Ports:
    """What `render_images` works with."""

    painters: Chain[Painter]
    artefacts: Artefacts
    progress: Progress
    parallel: int


async def render_images(script: ScriptWritten, ports: Ports) -> ImagesRendered:
    """Paints every scene that has no keyframe yet."""

    async def painted(scene: Scene) -> tuple[PaintedScene, str | None]:
        served = await ports.painters.call(partial(_picture, script, scene, ports.artefacts))
        picture, degraded = served.result
        await ports.progress(scene.index + 1, len(script.scenes), f"image {scene.index + 1}", picture.key)
        return scene.grown(PaintedScene, picture=picture), served.degraded or degraded

    results = await each(script.scenes, painted, limit=ports.parallel)
    degraded = [
        Degraded(stage=ServiceName.IMAGES, scene=scene.index, reason=reason) for scene, reason in results if reason
    ]
    return script.grown(
        ImagesRendered,
        scenes=[scene for scene, _ in results],
        costs=(*script.costs, *summed(ServiceName.IMAGES, ports.artefacts.charges)),
        degraded=(*script.degraded, *degraded),
    )


async def _picture(
    script: ScriptWritten, scene: Scene, artefacts: Artefacts, painter: Painter
) -> tuple[Picture, str | None]:
    """The scene's picture, and why another painter stood in, where one did."""
    width, height = script.aspect_ratio.keyframe_size
    request = PictureRequest(scene.image_prompt, script.look, width, height, _seed(script, scene))
    recipe = {"kind": "picture", "provider": painter.name, "model": painter.model, **vars(request)}

    async def make(bill: Bill) -> Made:
        painted = await painter.paint(request, bill)
        degraded = {"degraded": painted.degraded} if painted.degraded else {}
        return Made(painted.data, content_type(painted.data), {"provider": painted.provider, **degraded})

    def check(made: Made) -> None:
        check_picture(made.data, width, height)

    artefact = await artefacts.obtain(recipe, make, check)
    facts, kind = artefact.made.facts, artefact.made.content_type
    picture = Picture(key=artefact.key, width=width, height=height, content_type=kind, provider=facts["provider"])
    return picture, facts.get("degraded")


def _seed(script: ScriptWritten, scene: Scene) -> int:
    """A seed of 31 bits from the job and the scene, so that a picture can be painted again; a fresh one has its own."""
    fresh = {} if script.fresh is None else {"fresh": script.fresh}
    return int(keys.digest({"job": script.job_id, "scene": scene.index, **fresh})[:8], 16) & 0x7FFFFFFF
