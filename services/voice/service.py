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
    voice = _voice(images.voice, ports.speaker.name)

    async def spoken(scene: PaintedScene) -> SpokenScene:
        request = SpeechRequest(scene.narration, voice, images.language)
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


def _voice(name: str, provider: str) -> str:
    """What the provider calls KeyFrame's voice. Raises `Permanent` where it has no such voice."""
    voice = voices().get(name)
    if voice is None or provider not in voice.providers:
        raise Permanent(f"the voice {name} cannot be had from the {provider} provider")
    return voice.providers[provider]
