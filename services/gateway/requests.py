"""What users send: read within bounds, parsed strictly, and refused by the name of the field."""

import json
import unicodedata
from http import HTTPStatus
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import quote

from fastapi import Request
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError
from starlette.requests import ClientDisconnect

from schemas.media import (
    DEFAULT_SCENES,
    DEFAULT_TARGET_SECONDS,
    MAX_PROMPT_CHARACTERS,
    MAX_SCENES,
    MAX_SOURCE_CHARACTERS,
    MAX_TARGET_SECONDS,
    MIN_SCENES,
    MIN_TARGET_SECONDS,
    AspectRatio,
)
from schemas.options import styles, voices
from services.gateway.problems import FieldError, Problem, unprocessable

MAX_BODY_BYTES = 1024 * 1024
"""Room for the longest source text with every character escaped as a pair of \\uXXXX."""

MAX_NAME = 100
"""Characters of a field's name that an error repeats."""

_SHAPES = {shape.value: shape for shape in AspectRatio}
_VISIBLE = "LNPS"
"""Unicode categories that show: letters, numbers, punctuation and symbols."""


def _named(kind: str, known: dict[str, str]) -> BeforeValidator:
    """One of our names, in any case; kept in its own."""

    def validate(value: Any) -> Any:
        if isinstance(value, str):
            name = known.get(value.strip().casefold())
            if name is None:
                raise PydanticCustomError("choice", "no such {kind}; choose {choices}", _choices(kind, known))
            return name
        return value

    return BeforeValidator(validate, json_schema_input_type=Literal[tuple(known.values())])


def _choices(kind: str, known: dict[str, str]) -> dict[str, Any]:
    return {"kind": kind, "choices": ", ".join(known.values())}


def _folded(names: Any) -> dict[str, str]:
    return {name.casefold(): name for name in names}


def _one_line(text: str) -> str:
    trimmed = text.strip(" \t\r\n")
    _refuse_control(trimmed, allowed="")
    return _shown(trimmed.strip(), MAX_PROMPT_CHARACTERS)


def _lines(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    _refuse_control(lines, allowed="\t\n")
    return _shown(lines.strip(), MAX_SOURCE_CHARACTERS)


def _refuse_control(text: str, *, allowed: str) -> None:
    for character in text:
        if unicodedata.category(character) == "Cc" and character not in allowed:
            code = f"U+{ord(character):04X}"
            raise PydanticCustomError("control_character", "no control characters, and {code} is one", {"code": code})


def _shown(text: str, most: int) -> str:
    if not any(unicodedata.category(character)[0] in _VISIBLE for character in text):
        raise PydanticCustomError("empty", "it is empty")
    if len(text) > most:
        raise PydanticCustomError(
            "too_long", "at most {most} characters, and these are {length}", {"most": most, "length": len(text)}
        )
    return text


StyleName = Annotated[str, _named("style", _folded(styles())), Field(description="See /api/v1/styles.")]
ShapeName = Annotated[str, _named("aspect ratio", _folded(_SHAPES))]
VoiceName = Annotated[str, _named("voice", _folded(voices()))]
SceneCount = Annotated[int, Field(ge=MIN_SCENES, le=MAX_SCENES)]
TargetSeconds = Annotated[
    int,
    Field(ge=MIN_TARGET_SECONDS, le=MAX_TARGET_SECONDS, description="How long the narration should be."),
]


class GenerateRequest(BaseModel):
    """What a video is to be about, and how it is to be told."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        json_schema_extra={"examples": [{"prompt": "Why coral reefs matter", "style": "Educational"}]},
    )

    prompt: Annotated[
        str,
        AfterValidator(_one_line),
        Field(
            description="What the video is about: one line without control characters.",
            json_schema_extra={"minLength": 1, "maxLength": MAX_PROMPT_CHARACTERS},
        ),
    ]
    style: StyleName
    aspect_ratio: ShapeName = AspectRatio.LANDSCAPE.value
    voice: Annotated[
        VoiceName | None,
        Field(description="See /api/v1/voices. The first of the language that is served, unless named."),
    ] = None
    language: Annotated[
        Annotated[str, _named("language", _folded(dict.fromkeys(v.language for v in voices().values())))] | None,
        Field(description="BCP 47. The voice's, or else English, unless named."),
    ] = None
    scene_count: SceneCount = DEFAULT_SCENES
    target_seconds: TargetSeconds = DEFAULT_TARGET_SECONDS
    source_text: Annotated[
        Annotated[str, AfterValidator(_lines)] | None,
        Field(
            description="An article or notes to tell, instead of what the writer knows of the prompt.",
            json_schema_extra={"maxLength": MAX_SOURCE_CHARACTERS},
        ),
    ] = None


Body = TypeVar("Body", bound=BaseModel)


async def read_body(request: Request, kind: type[Body]) -> Body:
    """The body of a POST.

    Raises:
        Problem: 415, 413, 400 or 422, with the field.
    """
    _require_json(request)
    document = _parsed(await _read(request))
    if not isinstance(document, dict):
        raise unprocessable(FieldError(detail="the body must be a JSON object", pointer="#"))
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        wrong = [FieldError(detail=part["msg"], pointer=_pointer(part["loc"])) for part in error.errors()]
        raise unprocessable(*wrong) from None


def _require_json(request: Request) -> None:
    media_type, *parameters = [part.strip().lower() for part in request.headers.get("content-type", "").split(";")]
    charset = next((p.partition("=")[2].strip('"') for p in parameters if p.startswith("charset=")), "utf-8")
    encoding = request.headers.get("content-encoding", "identity").lower()
    if media_type != "application/json" or charset not in ("utf-8", "utf8") or encoding != "identity":
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body must be application/json in UTF-8, not compressed.")


async def _read(request: Request) -> bytes:
    """The body, given up on as soon as it is too long, whatever length it declares."""
    body = bytearray()
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > MAX_BODY_BYTES:
                detail = f"The body must not exceed {MAX_BODY_BYTES} bytes."
                raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
    except ClientDisconnect:
        raise Problem(HTTPStatus.BAD_REQUEST, "The body was cut off.") from None
    return bytes(body)


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:  # a UnicodeDecodeError and a JSONDecodeError are ValueErrors
        detail = f"The body is no JSON: {error}." if isinstance(error, json.JSONDecodeError) else "The body is no JSON."
        raise Problem(HTTPStatus.BAD_REQUEST, detail) from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _pointer(path: tuple[int | str, ...]) -> str:
    """A JSON pointer (RFC 6901) as a URI fragment. A name that is not ours may hold anything, and be of any length."""
    parts = [str(part)[:MAX_NAME].replace("~", "~0").replace("/", "~1") for part in path]
    return "#" + "".join(f"/{quote(part)}" for part in parts)
