"""/api/v1/dead-letters: what stages gave up on, and what becomes of it"""

import base64
import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from runtime.kafka import Location
from runtime.records import Record
from schemas.base import JobId
from schemas.topics import STAGES, ServiceName
from services.gateway.parked import DeadLetter, place
from services.gateway.ports import Wanted
from services.gateway.problems import FieldError, Problem, documented, unprocessable
from services.gateway.requests import read_body
from services.gateway.responses import EXAMPLE_ID, Answer
from services.gateway.routes.shared import Gateway, body_of, readable
from services.gateway.streams import MEDIA_TYPE, streamed

router = APIRouter(prefix="/dead-letters")

SHOWN_BYTES = 65_536
"""Of a record's value, at the most."""

MOST_RECORDS = 1000
"""That one request can name."""

EXAMPLE_PLACE = "keyframe.images.dlq.v1/3/17"

_CURSOR = re.compile(r"[A-Za-z0-9_-]{1,200}")


def _stage(name: str) -> str:
    if name not in STAGES:
        raise PydanticCustomError("stage", "no such stage; choose {stages}", {"stages": ", ".join(STAGES)})
    return name


def _known_place(text: str) -> str:
    if place(text) is None:
        raise PydanticCustomError("place", "no place in a dead-letter queue: topic/partition/offset")
    return text


Stage = Annotated[str, AfterValidator(_stage), Field(json_schema_extra={"enum": list(STAGES)})]
Code = Annotated[str, Field(max_length=40, pattern="^[a-z_]+$", examples=["exhausted"])]
PlaceName = Annotated[str, AfterValidator(_known_place), Field(examples=[EXAMPLE_PLACE])]


class ParkedRecord(Answer):
    """A record that a stage gave up on."""

    record: Annotated[str, Field(examples=[EXAMPLE_PLACE])]
    """Where it lies: topic/partition/offset."""
    stage: ServiceName
    job_id: Annotated[str | None, Field(alias="jobId", examples=[EXAMPLE_ID])]
    """Null where its bytes name no job."""
    revision: int
    event_id: str | None
    redrives: int
    """How often it had been sent again by then."""
    code: Annotated[str, Field(examples=["exhausted"])]
    reason: str
    attempts: int
    parked_at: AwareDatetime
    settled: Literal["redriven", "discarded"] | None
    """Null while it waits for somebody."""
    settled_at: AwareDatetime | None


class ParkedRecords(Answer):
    """A page of parked records, the newest first."""

    items: list[ParkedRecord]
    next_cursor: str | None
    """What to send as `cursor` for the next page; null on the last."""


class Header(Answer):
    """A header as it lies on the log; bytes that are no text are in hexadecimal."""

    name: str
    value: str


class RecordBytes(Answer):
    """What lies on the log."""

    timestamp: int
    """Milliseconds since the epoch."""
    key: str | None
    headers: list[Header]
    size: int
    """Bytes of the value."""
    text: str | None
    """The value, as far as it is shown; null where it is no text."""
    base64: str | None
    """The same of a value that is no text."""
    cut: bool
    """Whether the value goes on."""


class ParkedRecordInFull(ParkedRecord):
    """A parked record with its bytes."""

    content: RecordBytes | None
    """Null where the log keeps it no more."""


class Selection(BaseModel):
    """Which records: by their places, or all that wait for somebody and are of a stage, a job or a code."""

    model_config = ConfigDict(extra="forbid")

    records: Annotated[list[PlaceName] | None, Field(min_length=1, max_length=MOST_RECORDS)] = None
    all: bool = False
    stage: Stage | None = None
    job: JobId | None = None
    code: Code | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        filtered = any((self.stage, self.job, self.code))
        if (self.records is None) != self.all or (filtered and not self.all):
            raise PydanticCustomError("selection", 'either "records", or "all": true and what it is limited to')
        return self


@readable(router, "", summary="List parked records", responses=documented(401, 422, 503))
async def parked_records(
    gateway: Gateway,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before.")] = None,
    stage: Annotated[Stage | None, Query()] = None,
    job: Annotated[JobId | None, Query()] = None,
    code: Annotated[Code | None, Query()] = None,
    settled: Annotated[bool, Query(description="Also those that were sent again or given up.")] = False,
) -> ParkedRecords:
    """What stages gave up on, the newest first. New ones do not shift the pages."""
    after = _after(cursor) if cursor is not None else None
    wanted = Wanted(stage, job, code)
    letters = await gateway.view.parked(limit + 1, wanted, settled=settled, after=after)
    items = [ParkedRecord(**_known(letter)) for letter in letters[:limit]]
    return ParkedRecords(items=items, next_cursor=_cursor(letters[limit - 1]) if len(letters) > limit else None)


@readable(
    router,
    "/{topic}/{partition}/{offset}",
    summary="See a parked record",
    responses=documented(401, 404, 422, 503),
)
async def parked_record(topic: str, partition: str, offset: str, gateway: Gateway) -> ParkedRecordInFull:
    """Why it was parked, and what lies on the log: headers, and the first 64 KiB of the value."""
    at = place(f"{topic}/{partition}/{offset}")
    letters = await gateway.view.parked_at([at]) if at else []
    if not letters:
        raise Problem(404, "There is no such record.")
    async with gateway.log.reading() as reading:
        record = await reading.record(letters[0].at)
    return ParkedRecordInFull(**_known(letters[0]), content=_content(record) if record else None)


_CHOSEN: dict[str, Any] = {
    "responses": {
        200: {"content": {MEDIA_TYPE: {}}, "description": "A line a record, then `done` with the totals."},
        **documented(400, 401, 413, 415, 422, 503),
    },
    "openapi_extra": body_of(Selection),
    "response_class": StreamingResponse,
}


@router.post("/redrive", summary="Send parked records to their stages again", **_CHOSEN)
async def redrive(request: Request, gateway: Gateway) -> StreamingResponse:
    """Each goes back as it came, under its own id, so that what was paid for is not paid for again."""
    return streamed(gateway.mending.redrive(await _chosen(request)))


@router.post("/discard", summary="Give parked records up", **_CHOSEN)
async def discard(request: Request, gateway: Gateway) -> StreamingResponse:
    """They stay on the log, and wait for nobody any more."""
    return streamed(gateway.mending.discard(await _chosen(request)))


async def _chosen(request: Request) -> list[Location] | Wanted:
    selection = await read_body(request, Selection)
    if selection.records is not None:
        return [at for text in selection.records if (at := place(text))]
    return Wanted(selection.stage, selection.job, selection.code)


def _known(letter: DeadLetter) -> dict[str, Any]:
    return {**vars(letter), "record": str(letter.at), "stage": letter.stage}


def _content(record: Record) -> RecordBytes:
    value = record.value or b""
    shown = value[:SHOWN_BYTES]
    text = _text(shown, whole=len(shown) == len(value))
    return RecordBytes(
        timestamp=record.timestamp,
        key=_shown(record.key) if record.key is not None else None,
        headers=[Header(name=name, value=_shown(raw or b"")) for name, raw in record.headers],
        size=len(value),
        text=text,
        base64=base64.b64encode(shown).decode() if text is None else None,
        cut=len(shown) < len(value),
    )


def _text(value: bytes, *, whole: bool) -> str | None:
    """A cut may have parted a character."""
    for end in range(len(value), max(-1, len(value) - (1 if whole else 4)), -1):
        try:
            return value[:end].decode()
        except UnicodeDecodeError:
            continue
    return None


def _shown(raw: bytes) -> str:
    text = _text(raw, whole=True)
    return raw.hex() if text is None else text


def _cursor(last: DeadLetter) -> str:
    return base64.urlsafe_b64encode(f"{last.parked_at.isoformat()}/{last.at}".encode()).decode().rstrip("=")


def _after(cursor: str) -> tuple[datetime, Location]:
    try:
        if not _CURSOR.fullmatch(cursor):
            raise ValueError(cursor)  # noqa: TRY301
        moment, _, text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii").partition("/")
        at = place(text)
        if at is None:
            raise ValueError(cursor)  # noqa: TRY301
        return datetime.fromisoformat(moment).astimezone(UTC), at
    except (ValueError, OverflowError):
        raise unprocessable(FieldError(detail="not a cursor of this list", parameter="cursor")) from None
