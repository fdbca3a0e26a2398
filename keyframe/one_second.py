"""A video of one second, made by the stages themselves with the offline providers, so that it costs nothing."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from uuid import uuid4

from runtime.artefacts import Artefacts
from runtime.clock import utc_now
from runtime.objects import ObjectStore
from runtime.stage import AnyStage, Job
from schemas.base import Contract
from schemas.events import ImagesRendered, ScriptWritten, VideoAssembled, VoiceRecorded
from schemas.media import MIN_SCENES, Scene
from schemas.options import styles, voices
from schemas.topics import ServiceName
from services.assembler.app import AssemblerSettings
from services.assembler.app import build as assembler
from services.images.app import ImagesSettings
from services.images.app import build as images
from services.voice.app import VoiceSettings
from services.voice.app import build as voice

SENTENCE = "A small red boat crosses a calm blue sea."


@dataclass
class OneSecond:
    """Goes through the stages that make a video, each on what the one before made."""

    store: ObjectStore

    def __post_init__(self) -> None:
        self._event: Contract = _script()

    def steps(self) -> Iterator[tuple[ServiceName, Callable[[], Awaitable[str]]]]:
        """Each stage, and what has it work; the step after a failure has nothing to work on."""
        for stage in (
            images(ImagesSettings(provider=("offline",))),
            voice(VoiceSettings(provider=("offline",))),
            assembler(AssemblerSettings()),
        ):
            yield stage.name, partial(self._work, stage)

    async def _work(self, stage: AnyStage) -> str:
        job_id = str(getattr(self._event, "job_id", ""))
        self._event = await stage.run(self._event, stage.ports(_job(job_id, self.store)))
        return _found(self._event)


def _script() -> ScriptWritten:
    style = next(iter(styles().values()))
    scene = Scene(index=0, narration=SENTENCE, image_prompt=SENTENCE, caption=SENTENCE)
    return ScriptWritten(
        job_id=str(uuid4()),
        requested_at=utc_now(),
        prompt=SENTENCE,
        style=style.name,
        voice=next(iter(voices())),
        scene_count=MIN_SCENES,
        title=SENTENCE,
        description="",
        writer="doctor",
        look=style.look,
        scenes=(scene,),
    )


def _job(job_id: str, store: ObjectStore) -> Job:
    async def unheard(step: int, steps: int, label: str, artefact: str | None = None) -> None: ...

    return Job(job_id, store, Artefacts(store, job_id), unheard)


def _found(event: Contract) -> str:
    match event:
        case VideoAssembled():
            return f"{event.duration:.1f} s of video rendered"
        case VoiceRecorded():
            speech = event.scenes[0].speech
            return f"{speech.duration:.1f} s spoken, {len(speech.words)} words timed"
        case ImagesRendered():
            picture = event.scenes[0].picture
            return f"a picture of {picture.width}x{picture.height} painted"
        case _:
            return type(event).__name__
