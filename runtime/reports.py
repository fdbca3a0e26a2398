"""What a stage publishes about a job beside its answer: that it progressed, waits or failed."""

from dataclasses import dataclass

import structlog
from pydantic import ValidationError

from runtime.clock import Clock
from runtime.dead_letters import Failure, redrives_of
from runtime.errors import Unavailable
from runtime.records import Bus, Record
from runtime.retry import Hold
from schemas.base import Contract
from schemas.envelope import Envelope, derive_id
from schemas.jobs import JobFailed, JobProgressed, Waiting
from schemas.topics import JOB_FAILED, JOB_PROGRESSED, ServiceName, Topic

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Task:
    """A record that decoded: the event and the envelope that it came in."""

    record: Record
    cause: Envelope
    event: Contract
    revision: int

    @property
    def job_id(self) -> str:
        return self.cause.subject


@dataclass(frozen=True)
class Reports:
    """Forms a stage's events and publishes those about its jobs."""

    stage: ServiceName
    bus: Bus
    clock: Clock

    def envelope(self, task: Task, topic: Topic, event_id: str, event: Contract) -> Envelope:
        """An event of this stage that answers the task's event."""
        return self._envelope(topic, event_id, event, task.job_id, task.cause.id, task.cause.redrives)

    async def progressed(self, task: Task, step: int, steps: int, label: str, artefact: str | None = None) -> None:
        """A step is done; 0 says that the stage began."""
        event = self._progress(task, step, steps, label).model_copy(update={"artefact": artefact})
        await self._tell(task, event, f"{step} of {steps}")

    async def waiting(self, task: Task, hold: Hold) -> None:
        """The stage waits for somebody."""
        waiting = Waiting(on=hold.on, reason=hold.reason, since=hold.since, next_try=hold.next_try)
        event = self._progress(task, 0, 1, f"waiting for {hold.on}").model_copy(update={"waiting": waiting})
        await self._tell(task, event, f"waiting until {hold.next_try.isoformat()}")

    async def failed(self, record: Record, task: Task | None, failure: Failure) -> None:
        """The stage gave up. Of bytes that did not decode, the job's id is the record's key.

        Raises:
            Unavailable: the log is away; the failure must not go untold.
        """
        job_id = task.job_id if task else (record.key or b"").decode("utf-8", "replace")
        redrives = task.cause.redrives if task else redrives_of(record)
        cause_id = task.cause.id if task else f"{record.topic}/{record.partition}/{record.offset}"
        try:
            event = JobFailed(
                job_id=job_id,
                revision=task.revision if task else 1,
                stage=self.stage,
                code=failure.code,
                message=failure.reason,
                attempts=failure.attempts,
                redrives=redrives,
                costs=failure.costs,
            )
        except ValidationError:
            log.warning("a parked record names no job", topic=record.topic, offset=record.offset)
            return
        event_id = derive_id(self.stage, JOB_FAILED.name, cause_id, 0, redrives)
        envelope = self._envelope(JOB_FAILED, event_id, event, event.job_id, cause_id, redrives)
        await self.bus.publish(JOB_FAILED, envelope)

    def _progress(self, task: Task, step: int, steps: int, label: str) -> JobProgressed:
        return JobProgressed(
            job_id=task.job_id, revision=task.revision, stage=self.stage, step=step, steps=steps, label=label
        )

    async def _tell(self, task: Task, event: JobProgressed, ordinal: str) -> None:
        """Publishes what is worth knowing but not worth failing for."""
        event_id = derive_id(self.stage, JOB_PROGRESSED.name, task.cause.id, ordinal, task.cause.redrives)
        try:
            await self.bus.publish(JOB_PROGRESSED, self.envelope(task, JOB_PROGRESSED, event_id, event))
        except Unavailable as error:
            log.warning("progress not told", error=str(error))

    def _envelope(
        self, topic: Topic, event_id: str, event: Contract, job_id: str, cause_id: str, redrives: int
    ) -> Envelope:
        return Envelope(
            id=event_id,
            type=topic.name,
            source=f"/keyframe/{self.stage}",
            subject=job_id,
            time=self.clock(),
            data=event.model_dump_json().encode(),
            causation_id=cause_id,
            redrives=redrives,
        )
