"""The projector: takes every topic into the status view."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import structlog
from pydantic import TypeAdapter, ValidationError

from runtime.errors import StageError
from runtime.metrics import PROJECTION_FAULT, PROJECTION_SKIPPED
from runtime.records import Record
from schemas.envelope import Envelope, MalformedEnvelope
from schemas.events import ChainEvent
from schemas.jobs import JobEvent
from schemas.topics import TOPICS, ServiceName, Topic
from services.gateway.parked import QUEUES, DeadLetter, dead_letter
from services.gateway.ports import StatusView
from services.gateway.projection import Fact
from services.gateway.unprojected import Unprojected

GROUP = f"keyframe.{ServiceName.GATEWAY}"
FOLLOWED: Mapping[str, Topic] = {topic.name: topic for topic in TOPICS}

_ANY: TypeAdapter[Any] = TypeAdapter(Any)

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("gateway.projector")


class Undecodable(ValueError):
    """A record is no event of its topic."""


def decode(record: Record) -> Fact:
    """A record of the log as a fact.

    Raises:
        Undecodable: its headers, its data, or what they say of each other is wrong.
    """
    try:
        return fact_of(Envelope.from_kafka(record.headers, record.value), FOLLOWED[record.topic])
    except (MalformedEnvelope, ValidationError, ValueError, KeyError) as error:
        raise Undecodable(f"{record.topic}/{record.partition} at {record.offset}") from error


def decoded(records: Sequence[Record]) -> tuple[list[DeadLetter], list[Fact], int]:
    """What a batch has parked, its facts, and how many of its records are neither."""
    letters, facts = list[DeadLetter](), list[Fact]()
    for record in records:
        if record.topic in QUEUES:
            letters.append(dead_letter(record))
            continue
        try:
            facts.append(decode(record))
        except Undecodable as error:
            logger.warning("record skipped", record=str(error), reason=type(error.__cause__).__name__)
    return letters, facts, len(records) - len(letters) - len(facts)


def fact_of(envelope: Envelope, topic: Topic) -> Fact:
    """An envelope's event as a fact.

    Raises:
        ValueError: it is no event of this topic, or of another job than it says.
    """
    if topic.event is None or envelope.type != topic.name:
        raise ValueError(f"{envelope.type} does not travel on {topic.name}")
    data = envelope.data if b"\\u0000" not in envelope.data else _without_nul(envelope.data)
    event = topic.event.model_validate_json(data)
    if not isinstance(event, ChainEvent | JobEvent) or event.job_id != envelope.subject:
        raise ValueError("the event is of another job than its envelope")
    return Fact(str(UUID(envelope.id)), envelope.time, event, envelope.redrives)


def _without_nul(data: bytes) -> bytes:
    """Postgres keeps no NUL in text."""

    def cleaned(value: Any) -> Any:
        match value:
            case str():
                return value.replace("\0", "")
            case list():
                return [cleaned(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
            case dict():
                return {cleaned(key): cleaned(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType]
            case _:
                return value

    return _ANY.dump_json(cleaned(_ANY.validate_json(data)))


class Projector:
    """Takes batches of the log into the view."""

    def __init__(self, view: StatusView, unprojected: Unprojected) -> None:
        self._view = view
        self._unprojected = unprojected
        self.fault: str | None = None
        """Why the last batch is not in the view, or None where it is."""
        self.skipped = 0
        """Records that were no events, or that the database refused."""

    async def handle(self, records: Sequence[Record]) -> None:
        """Folds a batch. Returning says that it is in the database.

        Raises:
            Unavailable: the database is away. Whatever is raised, nothing of the batch is in it.
        """
        letters, facts, skipped = decoded(records)
        try:
            await self._view.park(letters)
            await self._apply(facts)
        except Exception as error:
            # The batch comes again, for ever if this is a bug: then readiness has to show it.
            self._stand(str(error) if isinstance(error, StageError) else f"A bug stops it: {type(error).__name__}.")
            raise
        self._skip(skipped)
        self._stand(None)

    def _stand(self, fault: str | None) -> None:
        self.fault = fault
        PROJECTION_FAULT.set(fault is not None)

    def _skip(self, records: int) -> None:
        self.skipped += records
        PROJECTION_SKIPPED.inc(records)

    async def _apply(self, facts: Sequence[Fact]) -> None:
        if not facts:
            return
        refused = await self._view.apply(facts)
        for fact in facts:
            self._unprojected.drop(fact.event.job_id)
        if refused:
            self._skip(refused)
            logger.warning("events that the database refused", count=refused)
