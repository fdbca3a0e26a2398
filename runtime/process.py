"""A process of stages: health first, then the log, then work, until a signal asks it to drain."""

import asyncio
import os
import random
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from runtime.brake import Brake
from runtime.cancellations import Cancellations
from runtime.errors import Unavailable
from runtime.gate import Gate
from runtime.hand import Hand
from runtime.health import Health, Vitals
from runtime.http import AddressTaken, serving
from runtime.kafka import Consumer, KafkaLog, Subscription, Tail, ensure_topics, kafka_connection
from runtime.metrics import BRAKE_ON, READY
from runtime.objects import ObjectStore
from runtime.outcome import GivenBack
from runtime.records import Record
from runtime.retry import BACKOFF_CAP, HOLD_SLICE
from runtime.settings import CommonSettings, InvalidSetting, S3Settings, StageSettings
from runtime.stage import AnyStage, Chore
from runtime.stores import object_store
from runtime.telemetry import configure_logs
from runtime.tracing import TraceSettings, exporting
from runtime.worker import Worker
from schemas.topics import JOB_CANCELLED, TOPICS

log = structlog.get_logger(__name__)

RECONNECT_SECONDS = 2.0

HARD_EXIT_MARGIN = 10.0
"""Seconds beyond the drain after which the process ends whatever still hangs: a flush can hang for
minutes while the broker is away."""

EXIT_HUNG = 75

NOT_LIVE_SECONDS = 60.0
"""How long a process is not live before it ends itself: not everything that starts processes looks at /livez."""


@dataclass(frozen=True)
class Attached:
    """A stage on the log: what health looks at, and what runs beside its records."""

    vitals: Sequence[Vitals]
    chores: Sequence[Chore]


@dataclass(frozen=True)
class Cancels:
    """The cancels of jobs, as the stages of one process share them, and what brings them."""

    cancelled: Cancellations
    tail: Tail


def follow_cancels(kafka: KafkaLog) -> Cancels:
    """Declares that the process hears of cancels: of all that there are, before its first record."""
    cancelled = Cancellations()
    return Cancels(cancelled, kafka.tail(JOB_CANCELLED, cancelled.note))


def attach(
    stage: AnyStage,
    kafka: KafkaLog,
    store: ObjectStore,
    cancels: Cancels | None = None,
    *,
    budget: float | None = None,
    static_id: str | None = None,
) -> Attached:
    """Declares a stage's consumers on the log.

    Args:
        cancels: what the stages of this process share; of its own where nothing is given.
        budget: US dollars that a job may cost.
        static_id: its consumers' id as static members of the group.
    """
    brake, gate = Brake(stage.settings.brake), Gate((store, *stage.required), stage.providers)
    cancels = cancels or follow_cancels(kafka)
    vitals: list[Vitals] = []
    for number in range(stage.settings.consumers):
        worker = Worker(stage, kafka, store, Hand(), brake, _jitter, gate, budget, cancelled=cancels.cancelled)
        member = _consumer(worker, kafka, f"{static_id}-{stage.name}-{number}" if static_id else None)
        vitals.append(Vitals(str(stage.name), member, brake, gate, stage.settings.deadline, cancels.tail))
    BRAKE_ON.labels(stage.name).set_function(lambda: float(brake.on))
    READY.labels(stage.name).set_function(lambda: float(not any(each.not_ready() for each in vitals)))
    return Attached(vitals, (gate.keep_looking, *stage.chores))


def _jitter(most: float) -> float:
    return random.uniform(0, most)  # noqa: S311 - it spreads load, it keeps no secret


def _consumer(worker: Worker, kafka: KafkaLog, static_id: str | None) -> Consumer:
    stage = worker.stage

    async def settle(record: Record) -> bool:
        structlog.contextvars.bind_contextvars(stage=str(stage.name))
        outcome = await worker.settle(record)
        log.info("settled", outcome=type(outcome).__name__, topic=record.topic, offset=record.offset)
        structlog.contextvars.clear_contextvars()
        return not isinstance(outcome, GivenBack)

    subscription = Subscription(
        group=f"keyframe.{stage.name}",
        topics=(stage.consumes,),
        drain=stage.settings.drain,
        longest=longest_hand(stage.settings),
        static_id=static_id,
    )
    return kafka.consume(subscription, worker.hand, settle, worker.assigned)


def longest_hand(settings: StageSettings) -> float:
    """Seconds between two polls at the most: every try with its back-off, and one slice of a hold."""
    return settings.attempts * (settings.deadline + BACKOFF_CAP) + HOLD_SLICE.total_seconds()


async def connected(kafka: KafkaLog) -> None:
    """Waits for the broker, sees to the topics, joins the groups."""
    while True:
        try:
            await ensure_topics(kafka.connection, TOPICS)
            await kafka.start()
        except Unavailable as error:
            kafka.unjoined = str(error)
            log.warning("waiting for Kafka", reason=str(error))
            await asyncio.sleep(RECONNECT_SECONDS)
        else:
            kafka.unjoined = None
            return


async def run_on_log(
    kafka: KafkaLog,
    stopping: asyncio.Event,
    *,
    joined: Callable[[], None] = lambda: None,
    chores: Sequence[Chore] = (),
) -> None:
    """Joins the groups, works until it is asked to stop, drains. `joined` is called once records can come."""
    joining = asyncio.create_task(connected(kafka))
    asked = asyncio.create_task(stopping.wait())
    beside: list[asyncio.Task[Any]] = []
    try:
        await asyncio.wait({joining, asked}, return_when=asyncio.FIRST_COMPLETED)
        if not asked.done():
            joining.result()
            joined()
            beside = [asyncio.create_task(chore()) for chore in chores]
            # A chore runs for as long as the process does: one that ends has died of a bug, and so does the process.
            done, _ = await asyncio.wait({asked, *beside}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
    finally:
        for task in (joining, asked, *beside):
            task.cancel()
        await asyncio.gather(joining, asked, *beside, return_exceptions=True)
        await kafka.stop()


async def serve(stage: AnyStage, common: CommonSettings, store: ObjectStore) -> None:
    """Runs one stage until SIGTERM or SIGINT, then drains it."""
    stopping = stop_on_signals(stage.settings.drain)
    kafka = KafkaLog(kafka_connection(common), f"keyframe-{stage.name}", graceful=stage.settings.drain)
    attached = attach(stage, kafka, store, budget=common.job_budget_usd)
    health = Health(attached.vitals, lambda: kafka.unjoined)

    def joined() -> None:
        log.info("joined", stage=str(stage.name))

    async with (
        exporting(f"keyframe-{stage.name}", TraceSettings()),
        serving(health.app(), common.health_host, common.health_port),
    ):
        ending = partial(_end_when_not_live, health)
        await run_on_log(kafka, stopping, joined=joined, chores=(*attached.chores, ending))


async def _end_when_not_live(health: Health) -> None:
    problems = await health.until_not_live(NOT_LIVE_SECONDS)
    log.critical("not live: the process ends, to be started again", problems=problems)
    os._exit(EXIT_HUNG)  # what hangs would not be drained either


def stop_on_signals(drain: float) -> asyncio.Event:
    """An event that SIGTERM and SIGINT set; from then on the process ends within the drain, whatever hangs."""
    stopping = asyncio.Event()

    def stop() -> None:
        if not stopping.is_set():
            stopping.set()
            timer = threading.Timer(drain + HARD_EXIT_MARGIN, os._exit, [EXIT_HUNG])
            timer.daemon = True
            timer.start()

    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop)
    return stopping


def main(build: Callable[[], AnyStage]) -> None:
    """The entry point of a stage's container; what was foreseen ends it with one sentence."""
    try:
        common = CommonSettings()
        configure_logs(common)
        asyncio.run(serve(build(), common, object_store(common, S3Settings())))
    except (InvalidSetting, AddressTaken) as error:
        sys.exit(str(error))
