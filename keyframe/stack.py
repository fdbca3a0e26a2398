"""The six services in one process, on embedded parts. The code of a stage does not know."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Coroutine
from typing import Any, TypeVar

from pydantic import SecretStr

from keyframe.embedded.report import Report
from keyframe.embedded.settings import StackSettings
from keyframe.embedded.stack import Parts, embedded_parts
from runtime.health import Health
from runtime.http import look_whether_free
from runtime.kafka import KafkaLog
from runtime.objects import ObjectStore
from runtime.process import attach, follow_cancels, run_on_log
from runtime.settings import CommonSettings, S3Settings
from runtime.stage import AnyStage
from runtime.stores import object_store, public_store
from runtime.tracing import TraceSettings, exporting
from services.assembler.app import AssemblerSettings
from services.assembler.app import build as assembler
from services.gateway.app import GatewaySettings
from services.gateway.server import running_gateway
from services.images.app import ImagesSettings
from services.images.app import build as images
from services.script.app import ScriptSettings
from services.script.app import build as script
from services.storage.app import StorageSettings
from services.storage.app import build as storage
from services.voice.app import VoiceSettings
from services.voice.app import build as voice

Result = TypeVar("Result")

STATIC_ID = "embedded"
"""One process holds the folder's lock, so its consumers can be static members: a restart takes over at once."""

DRAIN = 3.0
"""Seconds for the records in hand at the end. What they were at is done again by the next start, from what is kept."""


def all_stages(store: ObjectStore, public: ObjectStore | None) -> list[AnyStage]:
    """The five stages as the environment sets them."""
    return [
        script(ScriptSettings()),
        images(ImagesSettings()),
        voice(VoiceSettings()),
        assembler(AssemblerSettings()),
        storage(StorageSettings(), store, public),
    ]


@contextlib.asynccontextmanager
async def running_stack(settings: StackSettings, gateway_port: int | None, report: Report) -> AsyncGenerator["Stack"]:
    """Everything for as long as the context is open.

    Raises:
        EmbeddedError: a part cannot be had.
        AddressTaken: another program has the gateway's port.
        InvalidSetting: a setting has a value that it cannot have.
    """
    gateway = GatewaySettings() if gateway_port is None else GatewaySettings(gateway_port=gateway_port)
    look_whether_free(gateway.gateway_host, gateway.gateway_port)  # before anything is started for nothing
    async with exporting("keyframe", TraceSettings()), embedded_parts(settings, report) as parts:
        common = CommonSettings(storage_folder=parts.objects)
        s3 = S3Settings()
        store, published = object_store(common, s3), public_store(common, s3)
        stages = all_stages(store, published)
        kafka = KafkaLog(parts.kafka, "keyframe-embedded", graceful=DRAIN)
        cancels, budget = follow_cancels(kafka), common.job_budget_usd
        attached = [attach(stage, kafka, store, cancels, budget=budget, static_id=STATIC_ID) for stage in stages]
        stopping, joined = asyncio.Event(), asyncio.Event()
        gateway = gateway.model_copy(update={"postgres_dsn": SecretStr(parts.postgres_dsn)})
        async with running_gateway(gateway, parts.kafka, store, published, static_id=STATIC_ID) as address:
            chores = [chore for each in attached for chore in each.chores]
            working = asyncio.create_task(run_on_log(kafka, stopping, joined=joined.set, chores=chores))
            try:
                await _first(asyncio.create_task(joined.wait()), working)
                token = gateway.api_token.get_secret_value() if gateway.api_token else None
                health = Health([vitals for each in attached for vitals in each.vitals])
                yield Stack(address, token, parts, health, working)
            finally:
                stopping.set()
                await working


class Stack:
    """A stack that runs."""

    def __init__(
        self, address: str, token: str | None, parts: Parts, health: Health, working: asyncio.Task[None]
    ) -> None:
        self.address = address
        self.token = token
        self.health = health
        """Of the five stages; the gateway answers for itself."""
        self.log_file = parts.logs / "keyframe.log"
        """Where the services' log belongs, beside those of the parts."""
        self._parts = parts
        self._working = working

    async def ended(self) -> None:
        """Returns, or raises why, when a part or the stages end by themselves."""
        await _first(asyncio.create_task(self._parts.ended()), self._working)

    async def unless_ended(self, work: Coroutine[Any, Any, Result]) -> Result:
        """The result of `work`; raises what ended the stack where that came first."""
        doing, ended = asyncio.create_task(work), asyncio.create_task(self.ended())
        try:
            await asyncio.wait((doing, ended), return_when=asyncio.FIRST_COMPLETED)
            if not doing.done():
                ended.result()
            return doing.result()
        finally:
            for task in (doing, ended):
                task.cancel()
            await asyncio.gather(doing, ended, return_exceptions=True)


async def _first(awaited: asyncio.Task[Any], other: asyncio.Task[Any]) -> None:
    """Waits for the first of two tasks to end and raises what it raised; `awaited` does not outlive this."""
    try:
        done, _ = await asyncio.wait((awaited, other), return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        awaited.cancel()
        await asyncio.gather(awaited, return_exceptions=True)
