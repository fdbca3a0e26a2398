"""GET /api/v1/styles and /api/v1/voices"""

from fastapi import APIRouter

from schemas.options import styles, voices
from services.gateway.choices import is_served
from services.gateway.problems import documented
from services.gateway.responses import StyleChoice, Styles, VoiceChoice, Voices
from services.gateway.routes.shared import Gateway, readable

router = APIRouter()


@readable(router, "/styles", summary="List the styles", responses=documented(401))
async def list_styles() -> Styles:
    """The manners of telling."""
    return Styles(styles=[StyleChoice(name=style.name, summary=style.summary) for style in styles().values()])


@readable(router, "/voices", summary="List the voices", responses=documented(401))
async def list_voices(gateway: Gateway) -> Voices:
    """All that KeyFrame knows; those with `served` can be chosen here."""
    return Voices(
        voices=[
            VoiceChoice(
                name=voice.name,
                language=voice.language,
                accent=voice.accent,
                gender=voice.gender,
                served=is_served(voice, gateway.voice_providers),
            )
            for voice in voices().values()
        ]
    )
