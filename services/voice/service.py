"""The voice stage: a recording for every scene, with the time of each word."""

import asyncio
from dataclasses import dataclass
from functools import partial

from runtime.artefacts import Artefacts, Made
from runtime.bill import Bill
from runtime.concurrency import each
from runtime.errors import Permanent
from runtime.fallback import Chain
from runtime.stage import Progress
from schemas.costs import summed
from schemas.events import ImagesRendered, VoiceRecorded
from schemas.media import Degraded, PaintedScene, Speech, SpokenScene
from schemas.options import voices
from schemas.topics import ServiceName
from services.voice.loudness import TARGET
from services.voice.ports import Speaker, SpeechRequest
from services.voice.speech import SpeechFacts, check_speech, recorded


@dataclass(frozen=True)
class Ports:
    """What `record_voice` works with."""

    speakers: Chain[Speaker]
    artefacts: Artefacts
    progress: Progress
    parallel: int


async def record_voice(images: ImagesRendered, ports: Ports) -> VoiceRecorded:
    """Speaks every scene that has no recording yet."""
    speakers = ports.speakers.among(partial(_has_voice, images.voice))

    async def spoken(scene: PaintedScene) -> tuple[SpokenScene, str | None]:
        served = await speakers.call(partial(_speech, images, scene, ports.artefacts))
        speech = served.result
        await ports.progress(scene.index + 1, len(images.scenes), f"voice {scene.index + 1}", speech.key)
        return scene.grown(SpokenScene, speech=speech), served.degraded

    results = await each(images.scenes, spoken, limit=ports.parallel)
    degraded = [
        Degraded(stage=ServiceName.VOICE, scene=scene.index, reason=reason) for scene, reason in results if reason
    ]
    return images.grown(
        VoiceRecorded,
        scenes=[scene for scene, _ in results],
        costs=(*images.costs, *summed(ServiceName.VOICE, ports.artefacts.charges)),
        degraded=(*images.degraded, *degraded),
    )


async def _speech(images: ImagesRendered, scene: PaintedScene, artefacts: Artefacts, speaker: Speaker) -> Speech:
    request = request_for(speaker, images, scene)
    recipe = {
        "kind": "speech",
        "provider": speaker.name,
        "model": speaker.model,
        "loudness": TARGET,
        **vars(request),
    }

    async def make(bill: Bill) -> Made:
        spoken = await speaker.speak(request, bill)
        return await asyncio.to_thread(recorded, spoken, speaker.name)

    def check(made: Made) -> None:
        check_speech(made, request.text)

    artefact = await artefacts.obtain(recipe, make, check)
    return Speech(key=artefact.key, **vars(SpeechFacts.of(artefact.made)))


def request_for(speaker: Speaker, images: ImagesRendered, scene: PaintedScene) -> SpeechRequest:
    """A scene as one speaker is asked for it. Raises `Permanent` where it does not have the voice."""
    if not _has_voice(images.voice, speaker):
        raise Permanent(f"the voice {images.voice} cannot be had from the {speaker.name} provider")
    return SpeechRequest(scene.narration, voices()[images.voice].providers[speaker.name], images.language)


def _has_voice(name: str, speaker: Speaker) -> bool:
    return name in voices() and speaker.name in voices()[name].providers
