"""A process of stages: health first, then the log, then work, until a signal asks it to drain."""

import asyncio
import contextlib
import os
import random
import signal
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Sequence

import structlog
import uvicorn

from runtime.brake import Brake
from runtime.errors import Unavailable
from runtime.hand import Hand
from runtime.health import Health, Vitals
from runtime.kafka import Consumer, KafkaLog, Subscription, ensure_topics
from runtime.objects import ObjectStore
from runtime.outcome import GivenBack
from runtime.records import Record
from runtime.retry import BACKOFF_CAP, HOLD_SLICE
from runtime.settings import CommonSettings, S3Settings, StageSettings
from runtime.stage import AnyStage
from runtime.stores import object_store
from runtime.telemetry import configure_logs
from runtime.worker import Worker
from schemas.topics import TOPICS

log = structlog.get_logger(__name__)

RECONNECT_SECONDS = 2.0

HARD_EXIT_MARGIN = 10.0
"""Seconds beyond the drain after which the process ends whatever still hangs: a flush can hang for
minutes while the broker is away."""

EXIT_HUNG = 75


def attach(stage: AnyStage, kafka: KafkaLog, store: ObjectStore, static_id: str | None = None) -> list[Vitals]:
    """Declares a stage's consumers on the log."""
    brake = Brake(stage.settings.brake)
    return [
        Vitals(
            str(stage.name),
            _consumer(stage, kafka, store, brake, f"{static_id}-{stage.name}-{number}" if static_id else None),
            brake,
            stage.settings.deadline,
        )
        for number in range(stage.settings.consumers)
    ]


def _consumer(stage: AnyStage, kafka: KafkaLog, store: ObjectStore, brake: Brake, static_id: str | None) -> Consumer:
    worker = Worker(stage, kafka, store, Hand(), brake, jitter=lambda most: random.uniform(0, most))  # noqa: S311

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
    return kafka.consume(subscription, worker.hand, settle, worker.crashes.assigned)


def longest_hand(settings: StageSettings) -> float:
    """Seconds between two polls at the most: every try with its back-off, and one slice of a hold."""
    return settings.attempts * (settings.deadline + BACKOFF_CAP) + HOLD_SLICE.total_seconds()


async def connected(kafka: KafkaLog, bootstrap: str) -> None:
    """Waits for the broker, sees to the topics, joins the groups."""
    while True:
        try:
            await ensure_topics(bootstrap, TOPICS)
            return await kafka.start()
        except Unavailable as error:
            log.warning("waiting for Kafka", reason=str(error))
            await asyncio.sleep(RECONNECT_SECONDS)


@contextlib.asynccontextmanager
async def chores(stages: Sequence[AnyStage]) -> AsyncGenerator[None]:
    """Runs what stages do beside their records, for as long as the context is open."""
    tasks = [asyncio.create_task(chore()) for stage in stages for chore in stage.chores]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Quiet(uvicorn.Server):
    """A server whose signals are the process's own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


async def serve(stage: AnyStage, common: CommonSettings, store: ObjectStore) -> None:
    """Runs one stage until SIGTERM or SIGINT, then drains it."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopping.set)
    health = Health()
    server = _Quiet(
        uvicorn.Config(
            health.app(), host=common.health_host, port=common.health_port, log_level="warning", access_log=False
        )
    )
    serving = asyncio.create_task(server.serve())
    kafka = KafkaLog(common.kafka_bootstrap, f"keyframe-{stage.name}", graceful=stage.settings.drain)
    vitals = attach(stage, kafka, store)
    joining = asyncio.create_task(connected(kafka, common.kafka_bootstrap))
    asked = asyncio.create_task(stopping.wait())
    await asyncio.wait({joining, asked, serving}, return_when=asyncio.FIRST_COMPLETED)
    if joining.done() and not stopping.is_set():
        joining.result()
        health.vitals = vitals
        log.info("ready", stage=str(stage.name))
        async with chores([stage]):
            await asyncio.wait({asked, serving}, return_when=asyncio.FIRST_COMPLETED)
    joining.cancel()
    exit_hard_after(stage.settings.drain + HARD_EXIT_MARGIN)
    await kafka.stop()
    server.should_exit = True
    await serving


def exit_hard_after(seconds: float) -> None:
    """Ends the process then, if it still runs."""
    timer = threading.Timer(seconds, os._exit, [EXIT_HUNG])
    timer.daemon = True
    timer.start()


def main(build: Callable[[], AnyStage]) -> None:
    """The entry point of a stage's container."""
    common = CommonSettings()
    configure_logs(common)
    asyncio.run(serve(build(), common, object_store(common, S3Settings())))
