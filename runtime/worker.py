"""The worker: decode, recall, run, remember, emit. What it returns says how the record is settled."""

import asyncio
import contextlib
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import structlog
from pydantic import ValidationError

from runtime.answers import Answers
from runtime.artefacts import Artefacts
from runtime.bill import Budget
from runtime.brake import Brake
from runtime.cancellations import Cancellations, Stopped
from runtime.clock import Clock, utc_now
from runtime.crashes import LIMIT, Crashes
from runtime.dead_letters import Failure, parked_headers
from runtime.errors import Permanent, StageError, Transient, Unavailable
from runtime.gate import Gate
from runtime.hand import Doing, GivenUp, Hand
from runtime.objects import ObjectStore
from runtime.outcome import Cancelled, Emitted, GivenBack, Outcome, Parked, Repeated
from runtime.records import Bus, Record
from runtime.reports import Reports, Task
from runtime.retry import HOLD_SLICE, Hold, Jitter, Trial, innermost, judge
from runtime.stage import AnyStage, Job
from runtime.tracing import publishing
from runtime.watch import Watch
from schemas.base import Contract
from schemas.costs import summed, total
from schemas.envelope import Envelope, MalformedEnvelope, derive_id
from schemas.topics import dead_letters

log = structlog.get_logger(__name__)

TROUBLE_NAP = 3.0
"""Seconds before a record that could not be placed (emitted, parked) is given back."""


@dataclass
class Worker:
    """Takes the records of one stage, one at a time, to their outcomes."""

    stage: AnyStage
    bus: Bus
    store: ObjectStore
    hand: Hand
    brake: Brake
    jitter: Jitter
    gate: Gate = field(default_factory=Gate)
    budget: float | None = None
    """US dollars that a job may cost."""
    clock: Clock = utc_now
    cancelled: Cancellations = field(default_factory=Cancellations)
    crashes: Crashes = field(init=False)
    _trials: dict[tuple[str, int], Trial] = field(init=False, default_factory=dict[tuple[str, int], Trial])
    """By partition: its records come in their order, so one is tried at a time."""

    def __post_init__(self) -> None:
        self.crashes = Crashes(self.store, self.stage.name)
        self._watch = Watch(self.stage.name)
        self._reports = Reports(self.stage.name, self.bus, self.clock)
        self._answers = Answers(self.store)

    def assigned(self, partitions: Collection[tuple[str, int]]) -> None:
        """These partitions are ours from now on, and no others: what was tried of theirs is somebody else's."""
        self.crashes.assigned()
        self._trials = {place: trial for place, trial in self._trials.items() if place in partitions}

    async def settle(self, record: Record) -> Outcome:
        """Works at a record until there is an outcome; no failure leaves this method."""
        return await self._watch.settling(record, self._settled(record))

    async def _settled(self, record: Record) -> Outcome:
        try:
            outcome = await self._outcome(record)
        except GivenUp:
            if self.hand.in_doubt:  # until the group has us again, the same record comes at once
                with contextlib.suppress(GivenUp):
                    await self.hand.nap(TROUBLE_NAP)
            outcome = GivenBack("wanted back")
        except Exception as trouble:  # it could not be placed: never settle what nobody has
            outcome = await self._trouble(trouble)
        given_back = isinstance(outcome, GivenBack)
        if not given_back:
            self.brake.unplaced = 0
        with contextlib.suppress(Unavailable):
            await (self.crashes.given_back(record) if given_back else self.crashes.settled())
        return outcome

    async def _trouble(self, trouble: Exception) -> GivenBack:
        unexpected = not isinstance(trouble, StageError)
        if unexpected:
            self.brake.unexpected()
        self.brake.unplaced += 1
        log.warning("record not placed", error=str(trouble), exc_info=unexpected)
        with contextlib.suppress(GivenUp):
            await self.hand.nap(TROUBLE_NAP)
        return GivenBack(str(trouble))

    async def _outcome(self, record: Record) -> Outcome:
        await self._braked()
        starts = await self.crashes.in_hand(record)
        try:
            task = self._decoded(record)
        except (MalformedEnvelope, ValidationError) as error:
            reason = f"the record is no {self.stage.consumes.name} event: {_brief(error)}"
            return await self._park(record, None, Failure("undecodable", reason, 0))
        structlog.contextvars.bind_contextvars(job=task.job_id, cause=task.cause.id, trace=task.cause.trace_id)
        if self._is_cancelled(task):
            return Cancelled()
        if starts >= LIMIT and await self._recalled(task) is None:  # who has answered did not die of the record
            reason = f"the {self.stage.name} stage was killed {starts} times with this record in hand"
            return await self._park(record, task, Failure("crashed", reason, starts))
        return await self._tried(task)

    async def _braked(self) -> None:
        """While the brake is on, nothing is worked at and nothing is parked. Raises `GivenUp` after a slice."""
        if self.brake.on:
            self.hand.turn(Doing.WAIT)
            await self.hand.nap(HOLD_SLICE.total_seconds())
            raise GivenUp

    def _decoded(self, record: Record) -> Task:
        cause = Envelope.from_kafka(record.headers, record.value)
        expected = self.stage.consumes
        if cause.type != expected.name or expected.event is None:
            raise MalformedEnvelope(f"its type is {cause.type[:80]!r}")
        event = expected.event.model_validate_json(cause.data)
        if getattr(event, "job_id", None) != cause.subject:
            raise MalformedEnvelope("its subject is not its job")
        return Task(record, cause, event, getattr(event, "revision", 1))

    async def _tried(self, task: Task) -> Outcome:
        trial = self._trial(task)
        slice_end = self.clock() + HOLD_SLICE
        while trial.given_up is None:
            try:
                if not await self._waited(task, trial, slice_end):
                    return GivenBack("a slice of a hold is over")
                self.hand.turn(Doing.WORK)
                outcome = await self._once(task, trial)
            except GivenUp:
                raise
            except Exception as failure:
                if self._is_cancelled(task):  # whatever failed beside it: nobody waits for another try
                    self._note_beside(failure)
                    self._trials.pop(_place(task), None)
                    return Cancelled()
                if self.hand.doing is Doing.EMIT and isinstance(failure, Unavailable):
                    raise  # the answer is remembered: the next delivery emits it, however long Kafka is away
                verdict = judge(failure, trial, self.stage.settings, self.clock(), self.jitter)
                self._note(failure, trial)
                if isinstance(verdict, Hold):
                    await self._reports.waiting(task, verdict)
            else:
                self._trials.pop(_place(task), None)
                return outcome
        await self._braked()
        self.hand.begin()  # whoever has it by now may succeed
        verdict = trial.given_up
        costs = summed(self.stage.name, trial.artefacts.charges) if trial.artefacts else ()
        parked = await self._park(task.record, task, Failure(verdict.code, verdict.reason, trial.tries, costs))
        self._trials.pop(_place(task), None)
        return parked

    async def _waited(self, task: Task, trial: Trial, slice_end: datetime) -> bool:
        """Waits until the next try is due, or until the slice ends; says whether the try is due."""
        if trial.next_try is None:
            return True
        wait = (min(trial.next_try, slice_end) - self.clock()).total_seconds()
        if wait > 0:
            self.hand.turn(Doing.WAIT)
            with self._watch.waiting(trial.waits_for):
                await self.cancelled.unless_cancelled(task.job_id, task.revision, self.hand.nap(wait))
        return trial.next_try <= slice_end

    def _trial(self, task: Task) -> Trial:
        trial = self._trials.get(_place(task))
        if trial is None or trial.turn != _turn(task):
            trial = self._trials[_place(task)] = Trial(_turn(task))
        return trial

    def _note(self, failure: Exception, trial: Trial) -> None:
        cause = innermost(failure)
        self._watch.failed(cause)
        match cause:
            case Unavailable() as refusal:
                log.warning("waiting", on=refusal.on, reason=str(refusal))
                if refusal.refused:
                    self.gate.close(refusal)
            case Permanent() | Transient() | TimeoutError() as known:
                self.brake.worked()
                log.warning("try failed", kind=type(known).__name__, reason=str(known), tries=trial.tries)
            case _:
                self.brake.unexpected()
                log.error("unexpected error", exc_info=failure)

    def _note_beside(self, failure: Exception) -> None:
        """What fails beside a cancel is no failure; a bug shows all the same."""
        cause = innermost(failure)
        if not isinstance(cause, (Stopped, StageError, TimeoutError)):
            self._watch.failed(cause)
            log.error("unexpected error", exc_info=failure)

    async def _once(self, task: Task, trial: Trial) -> Outcome:
        self._begin(task)
        answer_id = self._answer_id(task)
        answer = await self._recalled(task)
        if answer is not None:
            await self._emit(answer, again=True)
            return Repeated(answer_id)
        await self.gate.enter()
        await self._reports.progressed(task, 0, 1, "started")
        async with asyncio.timeout(self.stage.settings.deadline):
            made: Contract = await self.stage.run(task.event, self.stage.ports(self._job(task, trial)))
        self._look(task)
        answer = self._reports.envelope(task, self.stage.emits, answer_id, made)
        await self._emit(await self._answers.remember(answer))
        return Emitted(answer_id)

    def _answer_id(self, task: Task) -> str:
        return derive_id(self.stage.name, self.stage.emits.name, task.cause.id, 0)

    async def _recalled(self, task: Task) -> Envelope | None:
        return await self._answers.recall(task.job_id, self._answer_id(task))

    async def _emit(self, answer: Envelope, *, again: bool = False) -> None:
        self.brake.worked()
        self.hand.turn(Doing.EMIT)
        with publishing(answer, again=again):
            await self.bus.publish(self.stage.emits, answer)

    def _job(self, task: Task, trial: Trial) -> Job:
        async def progress(step: int, steps: int, label: str, artefact: str | None = None) -> None:
            self._look(task)
            await self._reports.progressed(task, step, steps, label, artefact)

        if trial.artefacts is None:
            spent = total(getattr(task.event, "costs", ()))
            budget = Budget(self.budget, spent, look=partial(self._begin, task))
            fresh = getattr(task.event, "fresh", None)
            trial.artefacts = Artefacts(self.store, task.job_id, budget, self.stage.name, fresh)
        return Job(task.job_id, self.store, trial.artefacts, progress)

    def _is_cancelled(self, task: Task) -> bool:
        return self.cancelled.cover(task.job_id, task.revision)

    def _look(self, task: Task) -> None:
        """Raises `Stopped` where the user has cancelled the job, `GivenUp` where another has the record by now."""
        self.hand.look()
        self.cancelled.look(task.job_id, task.revision)

    def _begin(self, task: Task) -> None:
        """Before what may be paid for. Raises what `_look` does, and `GivenUp` where another may have the record."""
        self.hand.begin()
        self.cancelled.look(task.job_id, task.revision)

    async def _park(self, record: Record, task: Task | None, failure: Failure) -> Parked:
        self.hand.turn(Doing.PARK)
        log.error("parked", code=failure.code, reason=failure.reason, topic=record.topic, offset=record.offset)
        queue, headers = dead_letters(self.stage.name), parked_headers(record, self.stage.name, failure)
        await self.bus.publish_bytes(queue, key=record.key, value=record.value or b"", headers=headers)
        await self._reports.failed(record, task, failure)
        return Parked(failure.code, failure.reason)


def _place(task: Task) -> tuple[str, int]:
    return task.record.topic, task.record.partition


def _turn(task: Task) -> tuple[str, int]:
    """What tries are counted for: a redriven record begins anew, also where it waited before."""
    return task.cause.id, task.cause.redrives


def _brief(error: Exception) -> str:
    """What is wrong with a record, without repeating what stands in it."""
    if isinstance(error, ValidationError):
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the value"
        return f"{where}: {first['msg']}"
    return str(error)
