"""A record's way to its outcome: what is published, remembered and parked on it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from runtime.answers import Answers
from runtime.artefacts import Made
from runtime.bill import Bill
from runtime.brake import Brake
from runtime.errors import Permanent, Transient, Unavailable
from runtime.folder_objects import FolderObjects
from runtime.gate import Gate
from runtime.hand import Hand
from runtime.objects import ObjectMissing
from runtime.outcome import Emitted, GivenBack, Outcome, Parked, Repeated
from runtime.records import Record
from runtime.settings import StageSettings
from runtime.stage import Job, Stage
from runtime.worker import Worker
from schemas.costs import Charge
from schemas.envelope import Envelope
from schemas.events import ImagesRendered, ScriptWritten
from schemas.jobs import JobFailed, JobProgressed
from schemas.topics import IMAGES_RENDERED, JOB_FAILED, JOB_PROGRESSED, SCRIPT_WRITTEN, ServiceName, Topic
from tests import builders
from tests.fakes import FakeBus
from tests.waiting import until

Run = Callable[[ScriptWritten, Job], Awaitable[ImagesRendered]]


async def paints(script: ScriptWritten, job: Job) -> ImagesRendered:
    return script.grown(ImagesRendered, scenes=builders.images_rendered().scenes)


def no_jitter(most: float) -> float:
    return 0.0


@dataclass
class Script:
    """A stage function that fails as often as it is told, then paints."""

    failures: list[Exception]
    runs: int = 0

    async def __call__(self, script: ScriptWritten, job: Job) -> ImagesRendered:
        self.runs += 1
        if self.failures:
            raise self.failures.pop(0)
        return await paints(script, job)


class Restless(Hand):
    """Its naps take no time."""

    async def nap(self, seconds: float) -> None:
        await asyncio.sleep(0)


@dataclass
class House:
    """A worker and all that is around it; its clock leaps past every back-off."""

    store: FolderObjects
    run: Any
    settings: StageSettings = field(default_factory=StageSettings)
    bus: FakeBus = field(default_factory=FakeBus)
    leap: timedelta = timedelta(seconds=40)
    gate: Gate = field(default_factory=Gate)
    budget: float | None = None
    hand: Hand = field(default_factory=Hand)

    def __post_init__(self) -> None:
        self.brake = Brake(self.settings.brake)
        self._ticks = count()
        self.worker = self.fresh_worker()

    def now(self) -> datetime:
        return builders.NOON + next(self._ticks) * self.leap

    def fresh_worker(self) -> Worker:
        """What a restarted process has: nothing but the store."""
        stage = Stage(ServiceName.IMAGES, SCRIPT_WRITTEN, IMAGES_RENDERED, self.run, lambda job: job, self.settings)
        return Worker(
            stage, self.bus, self.store, self.hand, self.brake, no_jitter, self.gate, self.budget, clock=self.now
        )

    async def outcome(self, record: Record) -> Outcome:
        """The record's outcome, polled again as often as it is given back."""
        outcome = await self.worker.settle(record)
        while isinstance(outcome, GivenBack):
            outcome = await self.worker.settle(record)
        return outcome

    def progress(self) -> list[JobProgressed]:
        return [JobProgressed.model_validate_json(each.data) for each in self.bus.of(JOB_PROGRESSED)]

    def failed(self) -> list[JobFailed]:
        return [JobFailed.model_validate_json(each.data) for each in self.bus.of(JOB_FAILED)]


@pytest.fixture
def store(tmp_path: Path) -> FolderObjects:
    return FolderObjects(tmp_path)


async def test_answers_with_the_next_event(store: FolderObjects) -> None:
    house = House(store, paints)
    record = builders.record(builders.script_written())

    outcome = await house.worker.settle(record)

    [answer] = house.bus.of(IMAGES_RENDERED)
    assert outcome == Emitted(answer.id)
    assert ImagesRendered.model_validate_json(answer.data) == builders.images_rendered()
    assert answer.causation_id == dict(record.headers)["ce_id"].decode()
    assert [(each.step, each.label) for each in house.progress()] == [(0, "started")]


async def test_a_redelivery_repeats_the_same_bytes_and_does_no_work(store: FolderObjects) -> None:
    run = Script([])
    house = House(store, run)
    record = builders.record(builders.script_written())
    await house.worker.settle(record)

    outcome = await house.fresh_worker().settle(record)

    first, second = house.bus.of(IMAGES_RENDERED)
    assert outcome == Repeated(first.id)
    assert first == second
    assert run.runs == 1


async def test_a_kill_between_remember_and_emit_costs_nothing(store: FolderObjects) -> None:
    run = Script([])
    house = House(store, run)
    house.bus.away = True
    house.hand.close()  # the nap after the failed emit ends at once
    assert isinstance(await house.worker.settle(builders.record(builders.script_written())), GivenBack)
    house.bus.away = False
    house.hand = Hand()

    outcome = await house.fresh_worker().settle(builders.record(builders.script_written()))

    assert isinstance(outcome, Repeated)
    assert run.runs == 1


async def test_what_may_pass_is_tried_again(store: FolderObjects) -> None:
    house = House(store, Script([Transient("a malformed answer"), TimeoutError()]))

    assert isinstance(await house.outcome(builders.record(builders.script_written())), Emitted)


async def test_tries_run_out(store: FolderObjects) -> None:
    settings = StageSettings(attempts=3)
    run = Script([Transient("a malformed answer")] * 9)
    house = House(store, run, settings)
    record = builders.record(builders.script_written())

    assert await house.outcome(record) == Parked("exhausted", "a malformed answer")

    assert run.runs == 3
    [parked] = house.bus.parked
    assert (parked.topic, parked.key, parked.value) == ("keyframe.images.dlq.v1", record.key, record.value)
    assert set(record.headers) <= set(parked.headers)
    assert dict(parked.headers)["keyframe_attempts"] == b"3"
    [failed] = house.failed()
    assert (failed.code, failed.message, failed.attempts) == ("exhausted", "a malformed answer", 3)


async def test_what_never_will_is_parked_at_once(store: FolderObjects) -> None:
    run = Script([Permanent("the prompt was refused")])
    house = House(store, run)

    outcome = await house.worker.settle(builders.record(builders.script_written()))

    assert outcome == Parked("permanent", "the prompt was refused")
    assert run.runs == 1


async def test_failures_inside_a_task_group_are_seen_through(store: FolderObjects) -> None:
    failures: list[Exception] = [ExceptionGroup("both", [Transient("slow"), Permanent("refused")])]
    house = House(store, Script(failures))

    assert await house.worker.settle(builders.record(builders.script_written())) == Parked("permanent", "refused")


async def test_who_is_away_is_waited_for_and_named(store: FolderObjects) -> None:
    house = House(store, Script([Unavailable("Polly limits us", on="polly", retry_after=7.0)]))

    outcome = await house.worker.settle(builders.record(builders.script_written()))

    [waiting] = [each.waiting for each in house.progress() if each.waiting]
    assert isinstance(outcome, Emitted)
    assert (waiting.on, waiting.reason) == ("polly", "Polly limits us")
    assert waiting.next_try - waiting.since == timedelta(seconds=7)


async def test_patience_ends(store: FolderObjects) -> None:
    refusals: list[Exception] = [Unavailable("Polly is away", on="polly")] * 99
    house = House(store, Script(refusals), StageSettings(patience=300), leap=timedelta(seconds=10))
    record = builders.record(builders.script_written())

    assert await house.outcome(record) == Parked("unavailable", "Polly is away")


async def test_a_hold_is_given_back_at_once_when_the_record_is_wanted(store: FolderObjects) -> None:
    refusals: list[Exception] = [Unavailable("Polly is away", on="polly", retry_after=3600)]
    house = House(store, Script(refusals), leap=timedelta(0))
    settling = asyncio.create_task(house.worker.settle(builders.record(builders.script_written())))
    await until(lambda: any(each.waiting for each in house.progress()))

    house.hand.close()

    assert await asyncio.wait_for(settling, 5) == GivenBack("wanted back")
    assert not house.bus.parked


async def test_a_deadline_ends_a_try(store: FolderObjects) -> None:
    async def hangs(script: ScriptWritten, job: Job) -> ImagesRendered:
        await asyncio.Event().wait()
        raise AssertionError

    house = House(store, hangs, StageSettings(attempts=1, deadline=0.05))

    outcome = await house.worker.settle(builders.record(builders.script_written()))

    assert outcome == Parked("exhausted", "a try took longer than its 0.05 seconds")


@pytest.mark.parametrize(
    "changes",
    [
        {"value": None},
        {"value": b"\xff\x00"},
        {"value": b"{}"},
        {"headers": ()},
        {"headers": (("ce_id", None), ("x", b"\xff"))},
    ],
    ids=["null value", "no JSON", "no fields", "no headers", "null and broken headers"],
)
async def test_a_poison_record_is_parked_and_its_job_told(store: FolderObjects, changes: dict[str, Any]) -> None:
    house = House(store, paints)

    outcome = await house.worker.settle(builders.record(builders.script_written(), **changes))

    assert isinstance(outcome, Parked)
    assert outcome.code == "undecodable"
    [parked] = house.bus.parked
    assert parked.value == (changes.get("value", builders.script_written().model_dump_json().encode()) or b"")
    assert [each.job_id for each in house.failed()] == [builders.job_id()]


async def test_a_record_of_nobody_is_parked(store: FolderObjects) -> None:
    house = House(store, paints)

    outcome = await house.worker.settle(builders.record(builders.script_written(), value=b"", key=b"nobody"))

    assert isinstance(outcome, Parked)
    assert house.failed() == []


async def test_a_park_that_fails_is_parked_later_without_another_run(store: FolderObjects) -> None:
    run = Script([Permanent("refused")])
    house = House(store, run)
    record = builders.record(builders.script_written())
    house.bus.away = True
    settling = asyncio.create_task(house.worker.settle(record))
    await until(lambda: run.runs)
    await house.hand.drain(0)
    assert isinstance(await settling, GivenBack)
    house.bus.away = False
    house.hand.reopen()

    assert await house.worker.settle(record) == Parked("permanent", "refused")
    assert run.runs == 1


async def test_a_record_that_kills_its_process_is_parked_at_the_fourth_start(store: FolderObjects) -> None:
    async def dies(script: ScriptWritten, job: Job) -> ImagesRendered:
        raise SystemExit

    record = builders.record(builders.script_written())
    house = House(store, dies)
    for _ in range(3):
        with pytest.raises(SystemExit):
            await house.fresh_worker().settle(record)

    outcome = await house.fresh_worker().settle(record)

    assert isinstance(outcome, Parked)
    assert outcome.code == "crashed"


async def test_a_record_that_was_answered_is_not_what_kills(store: FolderObjects) -> None:
    run = Script([])
    record = builders.record(builders.script_written())
    dying = House(store, run)
    for _ in range(3):
        with pytest.raises(SystemExit):
            await House(store, run, bus=DyingBus()).worker.settle(record)

    assert isinstance(await dying.worker.settle(record), Repeated)
    assert run.runs == 1


class DyingBus(FakeBus):
    """The process is killed as the answer is emitted."""

    async def publish(self, topic: Topic, envelope: Envelope) -> None:
        if topic is IMAGES_RENDERED:
            raise SystemExit


async def test_a_finished_record_leaves_no_crash_count(store: FolderObjects) -> None:
    house = House(store, paints)
    for _ in range(5):
        assert not isinstance(await house.fresh_worker().settle(builders.record(builders.script_written())), Parked)

    assert [entry async for entry in store.list("hands/")] == []


async def test_the_brake_keeps_a_bad_deploy_from_draining_the_topic(store: FolderObjects) -> None:
    bugs: list[Exception] = [ZeroDivisionError()] * 99
    house = House(store, Script(bugs), StageSettings(attempts=2, brake=4))
    first = await house.worker.settle(builders.record(builders.script_written(1), offset=1))
    settling = asyncio.create_task(house.worker.settle(builders.record(builders.script_written(2), offset=2)))
    await until(lambda: house.brake.on)
    house.hand.close()

    assert isinstance(first, Parked)
    assert isinstance(await asyncio.wait_for(settling, 5), GivenBack)
    assert len(house.bus.parked) == 1


async def test_unknown_fields_pass_through(store: FolderObjects) -> None:
    house = House(store, paints)
    newer = builders.script_written().model_copy(update={"mood": "calm"})

    await house.worker.settle(builders.record(newer))

    [answer] = house.bus.of(IMAGES_RENDERED)
    assert b'"mood":"calm"' in answer.data


@dataclass
class Doorkeeper:
    """A provider that refuses our key until somebody mends it."""

    refuses: bool = True
    asked: int = 0
    name: str = "openai"

    async def preflight(self) -> None:
        self.asked += 1
        if self.refuses:
            raise Unavailable("OpenAI refuses the key: check OPENAI_API_KEY", on="openai", refused=True)


async def test_a_refused_key_costs_no_call_and_parks_nothing_however_long_it_lasts(store: FolderObjects) -> None:
    run, door = Script([]), Doorkeeper()
    house = House(store, run, StageSettings(patience=60), gate=Gate(providers=[door]))
    record = builders.record(builders.script_written())

    outcomes = [await house.worker.settle(record) for _ in range(5)]

    assert all(isinstance(outcome, GivenBack) for outcome in outcomes)
    assert (run.runs, house.bus.parked) == (0, [])
    assert {each.waiting.on for each in house.progress() if each.waiting} == {"openai"}
    door.refuses = False
    assert isinstance(await house.worker.settle(record), Emitted)
    assert run.runs == 1


async def test_a_refusal_in_the_middle_closes_the_gate(store: FolderObjects) -> None:
    door = Doorkeeper(refuses=False)
    refusal = Unavailable("the quota is used up", on="openai", refused=True)
    house = House(store, Script([refusal]), gate=Gate(providers=[door]))

    outcome = await house.worker.settle(builders.record(builders.script_written()))

    assert isinstance(outcome, Emitted)
    assert door.asked == 2


async def test_a_failure_says_what_it_cost_and_a_budget_is_kept(store: FolderObjects) -> None:
    charge = Charge(provider="nebius", model="flux", units={"images": 1}, usd=0.4, seconds=1.0)

    async def pays(script: ScriptWritten, job: Job) -> ImagesRendered:
        async def make(bill: Bill) -> Made:
            bill.reserve(0.4)
            bill.charge(charge)
            raise Transient("a malformed answer")

        await job.artefacts.obtain({"scene": 1}, make, lambda made: None)
        raise AssertionError

    house = House(store, pays, StageSettings(attempts=9), budget=1.0)

    outcome = await house.outcome(builders.record(builders.script_written()))

    assert isinstance(outcome, Parked)
    assert outcome.code == "permanent"
    assert "KEYFRAME_JOB_BUDGET_USD" in outcome.reason
    [failed] = house.failed()
    [cost] = failed.costs
    assert (cost.stage, cost.calls, cost.units) == ("images", 2, {"images": 2})
    assert cost.usd == pytest.approx(0.8)


async def test_a_redriven_record_is_tried_though_it_was_given_up_here_before(store: FolderObjects) -> None:
    run = Script([Permanent("refused")])
    house = House(store, run)
    written = builders.envelope(builders.script_written())
    house.bus.away = True
    house.hand.close()
    assert isinstance(await house.worker.settle(builders.record(written)), GivenBack)
    house.bus.away = False  # another replica parks it, and somebody redrives it

    outcome = await house.worker.settle(builders.record(replace(written, redrives=1), offset=1))

    assert isinstance(outcome, Emitted)
    assert house.bus.parked == []


async def test_an_answer_that_cannot_be_emitted_is_kept_however_long_kafka_is_away(store: FolderObjects) -> None:
    house = House(store, paints, StageSettings(patience=60))
    record = builders.record(builders.script_written())
    house.bus.away = True
    house.hand.close()
    outcomes = [await house.worker.settle(record) for _ in range(5)]
    house.bus.away = False

    assert all(isinstance(outcome, GivenBack) for outcome in outcomes)
    assert isinstance(await house.worker.settle(record), Repeated)
    assert (house.bus.parked, house.failed()) == ([], [])


async def test_an_event_that_kafka_never_takes_is_parked(store: FolderObjects) -> None:
    class Narrow(FakeBus):
        async def publish(self, topic: Topic, envelope: Envelope) -> None:
            if topic is IMAGES_RENDERED:
                raise Permanent("the event is too large for Kafka")
            await super().publish(topic, envelope)

    house = House(store, paints, bus=Narrow())

    outcome = await house.worker.settle(builders.record(builders.script_written()))

    assert outcome == Parked("permanent", "the event is too large for Kafka")


async def test_a_record_that_kills_its_process_after_a_hold_is_parked_too(store: FolderObjects) -> None:
    async def waits_and_dies(script: ScriptWritten, job: Job) -> ImagesRendered:
        if next(tries) % 2 == 0:
            raise Unavailable("Polly is away", on="polly", retry_after=600)
        raise SystemExit

    tries = count()
    record = builders.record(builders.script_written())
    house = House(store, waits_and_dies, hand=Restless())
    for _ in range(3):
        house.worker = house.fresh_worker()
        with pytest.raises(SystemExit):
            await house.outcome(record)

    outcome = await house.fresh_worker().settle(record)

    assert isinstance(outcome, Parked)
    assert outcome.code == "crashed"


async def test_a_stop_while_a_record_cannot_be_placed_is_no_crash(store: FolderObjects) -> None:
    house = House(store, Script([Permanent("refused")]))
    house.bus.away = True
    house.hand.close()

    assert isinstance(await house.worker.settle(builders.record(builders.script_written())), GivenBack)
    assert [entry async for entry in store.list("hands/")] == []


async def test_a_braked_stage_goes_on_polling(store: FolderObjects) -> None:
    house = House(store, paints, hand=Restless())
    house.brake.in_a_row = house.brake.limit

    outcome = await asyncio.wait_for(house.fresh_worker().settle(builders.record(builders.script_written())), 5)

    assert isinstance(outcome, GivenBack)


async def test_patience_ends_though_somebody_asks_for_more(store: FolderObjects) -> None:
    refusals: list[Exception] = [Unavailable("Polly limits us", on="polly", retry_after=86_400)] * 9
    house = House(store, Script(refusals), StageSettings(patience=300), hand=Restless())

    assert await house.outcome(builders.record(builders.script_written())) == Parked("unavailable", "Polly limits us")
    [waiting, *_] = [each.waiting for each in house.progress() if each.waiting]
    assert waiting.next_try - waiting.since == timedelta(seconds=300)


async def test_an_answer_that_another_delivery_is_just_remembering_is_not_lost(tmp_path: Path) -> None:
    class UnderWay(FolderObjects):
        """Its keys are claimed (S3 says 409), and filled only after the first look."""

        async def create(self, key: str, data: bytes, *, content_type: str) -> bool:
            return False

        async def get(self, key: str) -> bytes:
            try:
                return await super().get(key)
            except ObjectMissing:
                await self.put(key, answer.structured(), content_type="application/cloudevents+json")
                raise

    answer = builders.envelope(builders.images_rendered())
    answers = Answers(UnderWay(tmp_path))

    with pytest.raises(Transient):
        await answers.remember(answer)
    assert await answers.recall(answer.subject, answer.id) is not None


async def test_a_gate_looks_on_after_a_look_that_failed_by_a_mistake() -> None:
    @dataclass
    class Mistaken(Doorkeeper):
        async def preflight(self) -> None:
            self.asked += 1
            raise ZeroDivisionError

    door = Mistaken()
    looking = asyncio.create_task(Gate(providers=[door]).keep_looking())
    await until(lambda: door.asked)
    await asyncio.sleep(0)

    assert not looking.done()
    looking.cancel()


async def test_a_record_that_cannot_be_placed_shows(store: FolderObjects) -> None:
    house = House(store, Script([Permanent("refused")]))
    house.bus.away = True
    house.hand.close()
    record = builders.record(builders.script_written())
    for _ in range(3):
        assert isinstance(await house.worker.settle(record), GivenBack)

    assert house.brake.unplaced == 3
    house.bus.away = False
    house.hand = house.worker.hand = Hand()
    assert isinstance(await house.worker.settle(record), Parked)
    assert house.brake.unplaced == 0


async def test_who_is_struck_off_its_group_finishes_its_call_and_begins_no_other(store: FolderObjects) -> None:
    paid: list[int] = []

    async def run(script: ScriptWritten, job: Job) -> ImagesRendered:
        async def pay(bill: Bill) -> Made:
            paid.append(len(paid))
            house.hand.struck_off = lambda: True
            return Made(b"picture", "image/png")

        for scene in range(3):
            await job.artefacts.obtain({"scene": scene}, pay, lambda made: None)
        return await paints(script, job)

    house = House(store, run)
    outcome = await house.worker.settle(builders.record(builders.script_written()))

    assert isinstance(outcome, GivenBack)
    assert paid == [0]
    assert len([entry async for entry in store.list("artefacts/")]) == 2  # the picture and its facts
    assert house.bus.of(IMAGES_RENDERED) == []


async def test_who_may_be_struck_off_its_group_ends_what_costs_nothing_and_begins_no_call(store: FolderObjects) -> None:
    paid: list[str] = []

    async def run(script: ScriptWritten, job: Job) -> ImagesRendered:
        async def render(bill: Bill) -> Made:
            house.hand.unheard = lambda: True
            await job.progress(1, 2, "half of it")
            return Made(b"render", "video/mp4")

        async def pay(bill: Bill) -> Made:
            paid.append(script.job_id)
            return Made(b"picture", "image/png")

        await job.artefacts.obtain({"render": 1}, render, lambda made: None)
        await job.artefacts.obtain({"scene": 1}, pay, lambda made: None)
        return await paints(script, job)

    house, record = House(store, run, hand=Restless()), builders.record(builders.script_written())
    assert isinstance(await house.worker.settle(record), GivenBack)
    assert paid == []
    assert [each.label for each in house.progress()] == ["started", "half of it"]

    assert isinstance(await house.worker.settle(record), GivenBack)  # and does not even start
    assert len(house.progress()) == 2
    house.hand.unheard = lambda: False
    assert isinstance(await house.worker.settle(record), Emitted)  # the render is found
    assert len(paid) == 1


async def test_who_is_struck_off_its_group_parks_nothing_until_it_has_the_record_again(store: FolderObjects) -> None:
    async def run(script: ScriptWritten, job: Job) -> ImagesRendered:
        house.hand.struck_off = lambda: True
        raise Permanent("refused")

    house, record = House(store, run), builders.record(builders.script_written())
    assert isinstance(await house.worker.settle(record), GivenBack)
    assert (house.bus.parked, house.failed()) == ([], [])

    house.hand.struck_off = lambda: False
    assert isinstance(await house.worker.settle(record), Parked)


@pytest.mark.parametrize(("becomes", "calls"), [("kept", 1), ("somebody else's", 2), ("passed", 2)])
async def test_what_was_paid_for_is_held_until_its_partition_goes_or_goes_on(
    tmp_path: Path, becomes: str, calls: int
) -> None:
    class Full(FolderObjects):
        full = True

        async def put(self, key: str, data: bytes, *, content_type: str) -> None:
            if self.full and key.startswith("artefacts/"):
                raise Unavailable("the store is full", on="object store")
            await super().put(key, data, content_type=content_type)

    async def run(script: ScriptWritten, job: Job) -> ImagesRendered:
        async def pay(bill: Bill) -> Made:
            paid.append(script.job_id)
            return Made(b"picture", "image/png")

        await job.artefacts.obtain({"scene": 1}, pay, lambda made: None)
        return await paints(script, job)

    paid: list[str] = []
    store = Full(tmp_path)
    house, record = House(store, run), builders.record(builders.script_written())
    house.hand.close()
    assert isinstance(await house.worker.settle(record), GivenBack)

    store.full = False
    match becomes:
        case "kept":
            house.worker.assigned([(record.topic, record.partition)])
        case "somebody else's":
            house.worker.assigned([(record.topic, record.partition + 1)])
        case _:  # another replica had the partition in between, and has settled the record
            later = builders.script_written().model_copy(update={"job_id": str(uuid4())})
            assert isinstance(await house.worker.settle(builders.record(later)), Emitted)
    assert isinstance(await house.worker.settle(record), Emitted)
    assert paid.count(Envelope.from_kafka(record.headers, record.value).subject) == calls
