"""What can be chosen here: the styles, and the voices that a configured provider serves."""

from collections.abc import Sequence

from schemas.options import Voice, voices
from services.gateway.problems import FieldError, unprocessable

DEFAULT_LANGUAGE = "en"


def is_served(voice: Voice, providers: Sequence[str]) -> bool:
    """Whether one of these providers has the voice."""
    return any(provider in voice.providers for provider in providers)


def choose_voice(name: str | None, language: str | None, providers: Sequence[str]) -> Voice:
    """The voice that speaks: the one named, or the first of the language that is served.

    Raises:
        Problem: 422, with the field and what can be chosen.
    """
    served = [voice for voice in voices().values() if is_served(voice, providers)]
    if name is None:
        wanted = language or DEFAULT_LANGUAGE
        fitting = [voice for voice in served if voice.language == wanted]
        if not fitting:
            languages = ", ".join(dict.fromkeys(voice.language for voice in served)) or "nothing"
            raise _refused("language", f"no voice that is served here speaks {wanted}; choose {languages}")
        return fitting[0]
    voice = voices()[name]
    if voice not in served:
        raise _refused("voice", f"{name} is not served here; choose {_names(served)}")
    if language not in (None, voice.language):
        fitting = [other for other in served if other.language == language]
        raise _refused("voice", f"{name} speaks {voice.language}, not {language}; choose {_names(fitting)}")
    return voice


def _names(choices: Sequence[Voice]) -> str:
    return ", ".join(voice.name for voice in choices) or "another language"


def _refused(field: str, detail: str) -> Exception:
    return unprocessable(FieldError(detail=detail, pointer=f"#/{field}"))
