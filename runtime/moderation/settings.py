"""Which moderation is used."""

from typing import Literal

from pydantic import Field

from runtime.moderation.ports import Moderator, NoModerator
from runtime.moderation.wordlist import WordList
from runtime.openai_api.settings import OpenAISettings


class ModerationSettings(OpenAISettings):
    """KEYFRAME_MODERATION, and OPENAI_* for OpenAI's."""

    moderation: Literal["none", "wordlist", "openai"] = Field(
        default="wordlist", validation_alias="KEYFRAME_MODERATION"
    )


def moderator(settings: ModerationSettings) -> Moderator:
    """The adapter that the settings name."""
    match settings.moderation:
        case "none":
            return NoModerator()
        case "wordlist":
            return WordList()
        case "openai":
            return _openai(settings)


def _openai(settings: ModerationSettings) -> Moderator:
    # Imported here: the SDK takes a second and 40 MB, which the other two do not need.
    from runtime.moderation.openai_moderator import OpenAIModerator  # noqa: PLC0415
    from runtime.openai_api.refusals import Server  # noqa: PLC0415

    key = settings.openai_api_key
    return OpenAIModerator(Server(settings.openai_base_url, key.get_secret_value() if key else None))
