"""What a replay can be asked for."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, model_validator
from pydantic_core import PydanticCustomError

from schemas.base import JobId
from schemas.options import voices
from schemas.topics import STAGES, ServiceName
from services.gateway.choices import choose_voice
from services.gateway.problems import FieldError, Problem, unprocessable
from services.gateway.requests import SceneCount, ShapeName, StyleName, TargetSeconds, VoiceName

MOST_JOBS = 1_000
"""That one request can name."""

LATEST: Mapping[str, ServiceName] = {
    "style": ServiceName.SCRIPT,
    "scene_count": ServiceName.SCRIPT,
    "target_seconds": ServiceName.SCRIPT,
    "aspect_ratio": ServiceName.IMAGES,
    "voice": ServiceName.VOICE,
}
"""The last stage that an option can still be changed for."""


class Changes(BaseModel):
    """The options that are to be others from now on."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    voice: VoiceName | None = None
    style: StyleName | None = None
    aspect_ratio: ShapeName | None = None
    scene_count: SceneCount | None = None
    target_seconds: TargetSeconds | None = None

    @model_validator(mode="before")
    @classmethod
    def _only_options(cls, given: Any) -> Any:
        for name in given if isinstance(given, dict) else ():  # pyright: ignore[reportUnknownVariableType]
            if name not in cls.model_fields:
                # JSON may hold half a character.
                shown = str(name)[:40].encode(errors="replace").decode()  # pyright: ignore[reportUnknownArgumentType]
                said = f"{shown} cannot be changed by a replay, whatever stage it is from"
                raise PydanticCustomError("option", "{said}; ask for a new job", {"said": said})
        return given  # pyright: ignore[reportUnknownVariableType]

    @property
    def given(self) -> Mapping[str, Any]:
        """Those that were named, by their names in events."""
        return self.model_dump(exclude_none=True)


def _working(stage: Any) -> Any:
    if stage not in STAGES:
        raise PydanticCustomError("stage", "no such stage; choose {stages}", {"stages": ", ".join(STAGES)})
    return stage


Stage = Annotated[ServiceName, BeforeValidator(_working, json_schema_input_type=Literal[tuple(map(str, STAGES))])]
ReplayId = JobId
"""A UUID, too."""


class Order(BaseModel):
    """What is to be done with the jobs of a replay."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage: Annotated[Stage, Field(alias="from", description="The first stage that works again.")]
    set: Changes = Changes()
    fresh: Annotated[StrictBool, Field(description="Make everything anew, also what is there already.")] = False
    dry_run: Annotated[StrictBool, Field(description="Only say what would be made again, and what it would cost.")] = (
        False
    )


class Selection(BaseModel):
    """Whose events: of jobs by name, of a time, or of those that have failed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    jobs: Annotated[list[JobId] | None, Field(min_length=1, max_length=MOST_JOBS)] = None
    since: Annotated[AwareDatetime | None, Field(description="Whatever the log took at this time or later.")] = None
    until: Annotated[AwareDatetime | None, Field(description="And before this time.")] = None
    status: Literal["failed"] | None = None


class ReplayRequest(Order):
    """The body of POST /api/v1/jobs/{jobId}/replay."""


class ReplaysRequest(Order, Selection):
    """The body of POST /api/v1/replays. With the `id` of a replay that was cut off, that is all of it."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"from": "voice", "since": "2026-01-01T00:00:00Z", "set": {"voice": "emma"}}]}
    )

    stage: Annotated[Stage | None, Field(alias="from", description="The first stage that works again.")] = None  # pyright: ignore[reportIncompatibleVariableOverride]
    id: Annotated[ReplayId | None, Field(description="A new replay's, or that of one to go on with.")] = None

    @model_validator(mode="after")
    def _one_selection(self) -> Self:
        chosen = sum(each is not None for each in (self.jobs, self.since, self.status))
        if self.stage is None:
            if self.id is None or self.model_fields_set - {"id", "dry_run"}:
                raise PydanticCustomError("order", 'name a stage with "from", or nothing but the "id" of a replay')
        elif chosen != 1:
            raise PydanticCustomError("selection", 'name one of "jobs", "since" and "status"')
        if self.until is not None and (self.since is None or self.until <= self.since):
            raise PydanticCustomError("selection", '"until" is a time after "since"')
        return self


def require_in_time(stage: ServiceName, changes: Changes, providers: tuple[str, ...]) -> None:
    """Raises `Problem` (422) for options that the stage comes too late for, or that are not served here."""
    late = [name for name in changes.given if STAGES.index(LATEST[name]) < STAGES.index(stage)]
    if late:
        raise unprocessable(
            *(
                FieldError(
                    detail=f"too late for {stage}: replay from {_not_after(LATEST[name])}", pointer=f"#/set/{name}"
                )
                for name in late
            )
        )
    if changes.voice is not None:
        _require_served(changes.voice, voices()[changes.voice].language, providers)


def refusal(changes: Changes, language: str, providers: tuple[str, ...]) -> str | None:
    """Why a job in this language cannot be changed so."""
    try:
        if changes.voice is not None:
            _require_served(changes.voice, language, providers)
    except Problem as problem:
        return problem.errors[0].detail
    return None


def _require_served(voice: str, language: str, providers: tuple[str, ...]) -> None:
    try:
        choose_voice(voice, language, providers)
    except Problem as problem:
        raise unprocessable(
            *(FieldError(detail=each.detail, pointer="#/set/voice") for each in problem.errors)
        ) from None


def _not_after(stage: ServiceName) -> str:
    *others, last = STAGES[: STAGES.index(stage) + 1]
    return f"{', '.join(others)} or {last}" if others else last
