"""The voice stage: a recording for every scene, with the time of each word."""

import asyncio
from dataclasses import dataclass

from runtime.artefacts import Artefacts, Made
from runtime.bill import Bill
from runtime.concurrency import each
from runtime.errors import Permanent
from runtime.stage import Progress
from schemas.events import ImagesRendered, VoiceRecorded
from schemas.media import PaintedScene, Speech, SpokenScene
from schemas.options import voices
from services.voice.loudness import TARGET
from services.voice.ports import Speaker, SpeechRequest
from services.voice.speech import SpeechFacts, check_speech, recorded


@dataclass(frozen=True)
class Ports:
    """What `record_voice` works with."""

    speaker: Speaker
    artefacts: Artefacts
    progress: Progress
    parallel: int


async def record_voice(images: ImagesRendered, ports: Ports) -> VoiceRecorded:
    """Speaks every scene that has no recording yet."""

    async def spoken(scene: PaintedScene) -> SpokenScene:
        request = request_for(ports.speaker, images, scene)
        speech = await _speech(request, ports)
        await ports.progress(scene.index + 1, len(images.scenes), f"voice {scene.index + 1}", speech.key)
        return scene.grown(SpokenScene, speech=speech)

    return images.grown(VoiceRecorded, scenes=await each(images.scenes, spoken, limit=ports.parallel))


async def _speech(request: SpeechRequest, ports: Ports) -> Speech:
    speaker = ports.speaker
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

    artefact = await ports.artefacts.obtain(recipe, make, check)
    return Speech(key=artefact.key, **vars(SpeechFacts.of(artefact.made)))


def request_for(speaker: Speaker, images: ImagesRendered, scene: PaintedScene) -> SpeechRequest:
    """A scene as one speaker is asked for it. Raises `Permanent` where it does not have the voice."""
    voice = voices().get(images.voice)
    if voice is None or speaker.name not in voice.providers:
        raise Permanent(f"the voice {images.voice} cannot be had from the {speaker.name} provider")
    return SpeechRequest(scene.narration, voice.providers[speaker.name], images.language)
