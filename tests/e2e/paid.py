"""The whole stack on stand-ins of the paid providers, and a search for keys in all that it tells."""

import json
import logging
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import quote, urlsplit
from uuid import uuid4

import asyncpg
import httpx
import pytest
import structlog
from pydantic import SecretStr

from keyframe.embedded.report import silent
from keyframe.embedded.settings import StackSettings
from keyframe.stack import Stack, running_stack
from runtime.settings import CommonSettings
from runtime.telemetry import configure_logs
from schemas.prices import usd
from schemas.topics import DEAD_LETTERS, TOPICS
from tests import images_server as nebius
from tests import openai_server as openai
from tests import polly_server as polly
from tests.e2e.outputs import events, objects, rows
from tests.parts.s3 import S3Server

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

OPENAI_KEY = "sk-proj-0penAI-s3cret-of-the-stand-in"
TOKEN = "t0ken-of-the-gateways-api"
DATABASE_PASSWORD = "passw0rd-of-the-status-view"


@dataclass(frozen=True)
class Sold:
    """What the stand-ins sold."""

    scripts: int
    pictures: int
    recordings: int
    """Requests for sound, and those for speech marks."""
    characters: int

    def since(self, before: Self) -> "Sold":
        """What was sold after `before`."""
        return Sold(
            self.scripts - before.scripts,
            self.pictures - before.pictures,
            self.recordings - before.recordings,
            self.characters - before.characters,
        )

    def prices(self) -> Mapping[str, float]:
        """What it costs by stage, by the price table and what the stand-ins say of a script's tokens."""
        tokens = {"input_tokens": 800.0 * self.scripts, "output_tokens": 600.0 * self.scripts}
        prices = {
            "script": usd("openai", "gpt-4o-mini", tokens),
            "images": usd("nebius", nebius.MODEL, {"images": float(self.pictures)}),
            "voice": usd("polly", "neural", {"characters": float(self.characters)}),
        }
        return {stage: round(price, 6) for stage, price in prices.items() if price}


@dataclass(frozen=True)
class Ground:
    """What the stack is not the owner of."""

    kafka_bootstrap: str
    postgres_dsn: str
    s3: S3Server
    s3_connection: "S3Client"


@dataclass
class Paid:
    """A stack that runs on the stand-ins."""

    openai: openai.OpenAIServer
    nebius: nebius.ImagesServer
    polly: polly.PollyServer
    ground: Ground
    database: str
    buckets: tuple[str, str]
    """The private and the public one."""
    logs: StringIO
    stack: Stack
    api: httpx.AsyncClient
    answers: list[bytes] = field(default_factory=list[bytes])
    """All that was answered to `api`."""

    def sold(self) -> Sold:
        """What the stand-ins have sold so far."""
        return Sold(len(self.openai.chats), self.nebius.paid, len(self.polly.asked), self.polly.billed)

    async def note(self, response: httpx.Response) -> None:
        """Keeps an answer."""
        self.answers.append(await response.aread())

    def keys_in(self, content: bytes) -> list[str]:
        """The keys, by their variables, that stand in a text as they are or as in an address."""
        secrets = {
            "OPENAI_API_KEY": OPENAI_KEY,
            "NEBIUS_API_KEY": nebius.KEY,
            "AWS_ACCESS_KEY_ID": polly.ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": polly.SECRET_KEY,
            "S3_ACCESS_KEY_ID": self.ground.s3.access_key,
            "S3_SECRET_ACCESS_KEY": self.ground.s3.secret_key,
            "KEYFRAME_API_TOKEN": TOKEN,
            "KEYFRAME_POSTGRES_DSN": DATABASE_PASSWORD,
        }
        forms = {name: (secret.encode(), quote(secret, safe="").encode()) for name, secret in secrets.items()}
        return [name for name, written in forms.items() if any(form in content for form in written)]

    async def places_of_keys(self, job_id: str) -> list[str]:
        """Where a key stands that must stand nowhere; every place is one where the job is told of."""
        told = {
            "an answer of the API": b"\n".join(self.answers),
            "the logs": self.logs.getvalue().encode(),
            "an event": await events(self.ground.kafka_bootstrap, TOPICS),
            "the database": await rows(self.database),
            "an object": await objects(self.ground.s3_connection, self.buckets),
        }
        assert [place for place, content in told.items() if job_id.encode() not in content] == []
        return [f"{name} in {place}" for place, content in told.items() for name in self.keys_in(content)]

    async def is_parked(self, job_id: str) -> bool:
        """Whether a dead-letter queue has a record of the job."""
        return job_id.encode() in await events(self.ground.kafka_bootstrap, DEAD_LETTERS)


@asynccontextmanager
async def paid_stack(ground: Ground, folder: Path, **settings: str) -> AsyncGenerator[Paid]:
    """The stack on stand-ins of OpenAI, Nebius, Polly and R2, in a new database and new buckets."""
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        openai_fake, nebius_fake = await enter(openai.openai_server()), await enter(nebius.images_server())
        polly_fake, database = await enter(polly.polly_server()), await enter(_database(ground.postgres_dsn))
        openai_fake.key = OPENAI_KEY
        openai_fake.chat(openai.said(json.dumps(openai.script(3, words=38))))
        buckets = (f"private-{uuid4()}", f"public-{uuid4()}")
        for bucket in buckets:
            ground.s3_connection.create_bucket(Bucket=bucket)
        environment = stack.enter_context(pytest.MonkeyPatch.context())
        chosen = _environment(openai_fake.url, nebius_fake.url, polly_fake.url, ground.s3, buckets)
        for name, value in {**chosen, **settings}.items():
            environment.setenv(name, value)
        logs = stack.enter_context(_logs())
        where = StackSettings(data=folder, kafka_bootstrap=ground.kafka_bootstrap, postgres_dsn=SecretStr(database))
        running = await enter(running_stack(where, 0, silent))
        headers = {"Authorization": f"Bearer {TOKEN}"}
        api = await enter(httpx.AsyncClient(base_url=running.address, headers=headers, timeout=30))
        paid = Paid(openai_fake, nebius_fake, polly_fake, ground, database, buckets, logs, running, api)
        api.event_hooks["response"].append(paid.note)
        yield paid


def _environment(
    openai_url: str, nebius_url: str, polly_url: str, s3: S3Server, buckets: tuple[str, str]
) -> Mapping[str, str]:
    """The settings of the paid providers; their keys end in a line break, as those read from a file do."""
    return {
        "KEYFRAME_ASSEMBLER_SHORT_SIDE": "240",
        "KEYFRAME_API_TOKEN": f"{TOKEN}\n",
        "KEYFRAME_SCRIPT_PROVIDER": "openai",
        "OPENAI_API_KEY": f"{OPENAI_KEY}\n",
        "OPENAI_BASE_URL": openai_url,
        "KEYFRAME_IMAGES_PROVIDER": "nebius",
        "NEBIUS_API_KEY": f"{nebius.KEY}\n",
        "NEBIUS_BASE_URL": nebius_url,
        "KEYFRAME_VOICE_PROVIDER": "polly",
        "AWS_ACCESS_KEY_ID": f"{polly.ACCESS_KEY}\n",
        "AWS_SECRET_ACCESS_KEY": f"{polly.SECRET_KEY}\n",
        "AWS_REGION": polly.REGION,
        "AWS_ENDPOINT_URL_POLLY": polly_url,
        "KEYFRAME_STORAGE_PROVIDER": "s3",
        "S3_ENDPOINT_URL": s3.endpoint,
        "S3_ACCESS_KEY_ID": f"{s3.access_key}\n",
        "S3_SECRET_ACCESS_KEY": f"{s3.secret_key}\n",
        "S3_REGION": "us-east-1",
        "S3_BUCKET": buckets[0],
        "S3_PUBLIC_BUCKET": buckets[1],
    }


@contextmanager
def _logs() -> Generator[StringIO]:
    """All that a process of the stack writes to its log."""
    written, root, before = StringIO(), logging.getLogger(), structlog.get_config()
    others, root.handlers = root.handlers, []  # pytest's, which would be closed
    configure_logs(CommonSettings(log_level="debug"), written)
    ours, root.handlers = root.handlers, [*root.handlers, *others]
    for handler in ours:
        handler.addFilter(lambda record: record.name != "werkzeug")  # moto, which tells of signed addresses
    try:
        yield written
    finally:
        structlog.configure(**before)
        for handler in ours:
            root.removeHandler(handler)


@asynccontextmanager
async def _database(server: str) -> AsyncGenerator[str]:
    """A new database, whose owner logs in with a password that can be searched for."""
    name = f"paid_{uuid4().hex}"
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{DATABASE_PASSWORD}'")
        await connection.execute(f"CREATE DATABASE {name} OWNER {name}")
        parts = urlsplit(server)
        place = parts.netloc.rpartition("@")[2]
        yield parts._replace(netloc=f"{name}:{DATABASE_PASSWORD}@{place}", path=f"/{name}").geturl()
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await connection.execute(f"DROP ROLE {name}")
    finally:
        await connection.close()
