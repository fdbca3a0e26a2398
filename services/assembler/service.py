"""The assembler stage: keyframes and speech become a captioned video."""

from dataclasses import dataclass
from pathlib import Path

from runtime.objects import ObjectStore
from runtime.stage import Progress
from schemas import keys
from schemas.events import VideoAssembled, VoiceRecorded
from services.assembler import finished
from services.assembler.materials import fetch
from services.assembler.ports import Renderer, Report
from services.assembler.workspace import workspace

STEPS = 10
"""Progress is told in tenths."""


@dataclass(frozen=True)
class Ports:
    """What `assemble_video` works with."""

    renderer: Renderer
    store: ObjectStore
    progress: Progress
    scratch: Path
    """The folder in which renders have theirs."""


async def assemble_video(voice: VoiceRecorded, ports: Ports) -> VideoAssembled:
    """Renders the video, unless the same one is there already."""
    prefix = f"{keys.scratch_prefix(voice.job_id)}{voice.revision}/{keys.digest(_recipe(voice, ports.renderer))}/"
    made = await finished.find(ports.store, prefix)
    if made is None:
        with workspace(ports.scratch) as folder:
            film = await fetch(voice, ports.store, folder)
            rendered = await ports.renderer.render(film, folder, _tenths(ports.progress))
            made = await finished.upload(ports.store, prefix, rendered)
    return voice.grown(VideoAssembled, duration=made.duration, files=made.files)


def _recipe(voice: VoiceRecorded, renderer: Renderer) -> dict[str, object]:
    """All that the video is made from; words come with the speech that they belong to."""
    return {
        "kind": "video",
        "renderer": renderer.recipe,
        "aspect_ratio": voice.aspect_ratio,
        "scenes": [[scene.picture.key, scene.speech.key, scene.caption] for scene in voice.scenes],
    }


def _tenths(progress: Progress) -> Report:
    """Tells of every tenth of the work, once."""
    told = 0

    async def report(part: float) -> None:
        nonlocal told
        step = int(part * STEPS)
        if step > told:
            told = step
            await progress(step, STEPS, f"video rendered to {step * 100 // STEPS} %")

    return report
