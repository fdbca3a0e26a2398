"""The images stage: a keyframe for every scene, as many at once as the bound allows."""

from dataclasses import dataclass

from runtime.artefacts import Artefacts, Made
from runtime.bill import Bill
from runtime.concurrency import each
from runtime.stage import Progress
from schemas import keys
from schemas.events import ImagesRendered, ScriptWritten
from schemas.media import PaintedScene, Picture, Scene
from services.images.picture import check_picture, content_type
from services.images.ports import Painter, PictureRequest


@dataclass(frozen=True)
class Ports:
    """What `render_images` works with."""

    painter: Painter
    artefacts: Artefacts
    progress: Progress
    parallel: int


async def render_images(script: ScriptWritten, ports: Ports) -> ImagesRendered:
    """Paints every scene that has no keyframe yet."""

    async def painted(scene: Scene) -> PaintedScene:
        picture = await _picture(script, scene, ports)
        await ports.progress(scene.index + 1, len(script.scenes), f"image {scene.index + 1}", picture.key)
        return scene.grown(PaintedScene, picture=picture)

    return script.grown(ImagesRendered, scenes=await each(script.scenes, painted, limit=ports.parallel))


async def _picture(script: ScriptWritten, scene: Scene, ports: Ports) -> Picture:
    width, height = script.aspect_ratio.keyframe_size
    request = PictureRequest(scene.image_prompt, script.look, width, height, _seed(script, scene))
    painter = ports.painter
    recipe = {"kind": "picture", "provider": painter.name, "model": painter.model, **vars(request)}

    async def make(bill: Bill) -> Made:
        painted = await painter.paint(request, bill)
        degraded = {"degraded": painted.degraded} if painted.degraded else {}
        return Made(painted.data, content_type(painted.data), {"provider": painted.provider, **degraded})

    def check(made: Made) -> None:
        check_picture(made.data, width, height)

    artefact = await ports.artefacts.obtain(recipe, make, check)
    return Picture(
        key=artefact.key,
        width=width,
        height=height,
        content_type=artefact.made.content_type,
        provider=artefact.made.facts["provider"],
    )


def _seed(script: ScriptWritten, scene: Scene) -> int:
    """A seed of 31 bits from the job and the scene, so that a picture can be painted again."""
    return int(keys.digest({"job": script.job_id, "scene": scene.index})[:8], 16) & 0x7FFFFFFF
