"""What users have cancelled: a stage looks before each paid call, and a cancel ends a hold."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import structlog
from pydantic import ValidationError

from runtime.records import Record
from schemas.envelope import Envelope, MalformedEnvelope
from schemas.jobs import JobCancelled
from schemas.topics import JOB_CANCELLED

log = structlog.get_logger(__name__)


class Stopped(Exception):
    """The user has cancelled the job of the record in hand."""


@dataclass
class Cancellations:
    """By job the newest revision that was cancelled, as far as the log has told. A replay's newer one goes on."""

    _revisions: dict[str, int] = field(default_factory=dict[str, int])
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, record: Record) -> None:
        """Takes in a record of `job.cancelled`; what is no such event is passed over."""
        try:
            envelope = Envelope.from_kafka(record.headers, record.value)
            event = JobCancelled.model_validate_json(envelope.data)
            if envelope.type != JOB_CANCELLED.name or envelope.subject != event.job_id:
                raise MalformedEnvelope("its headers say something else than its data")  # noqa: TRY301
        except (MalformedEnvelope, ValidationError):
            log.warning("no cancel", topic=record.topic, partition=record.partition, offset=record.offset)
            return
        self._revisions[event.job_id] = max(event.revision, self._revisions.get(event.job_id, 0))
        self._news.set()
        self._news = asyncio.Event()

    def cover(self, job_id: str, revision: int) -> bool:
        """Whether this revision of the job is cancelled."""
        return revision <= self._revisions.get(job_id, 0)

    def look(self, job_id: str, revision: int) -> None:
        """Raises `Stopped` where this revision of the job is cancelled."""
        if self.cover(job_id, revision):
            raise Stopped

    async def unless_cancelled(self, job_id: str, revision: int, wait: Coroutine[Any, Any, None]) -> None:
        """Waits, and raises what `wait` raises; a cancel of this revision ends it at once with `Stopped`."""
        waiting, told = asyncio.create_task(wait), asyncio.create_task(self._told(job_id, revision))
        try:
            await asyncio.wait({waiting, told}, return_when=asyncio.FIRST_COMPLETED)
            self.look(job_id, revision)
            await waiting
        finally:
            for task in (waiting, told):
                task.cancel()
            await asyncio.gather(waiting, told, return_exceptions=True)

    async def _told(self, job_id: str, revision: int) -> None:
        while not self.cover(job_id, revision):
            await self._news.wait()
