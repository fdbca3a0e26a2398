"""Writing records just as they are: null values, and headers that are no text."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from runtime.errors import Permanent
from runtime.kafka.admin import translated
from runtime.kafka.connection import Connection
from runtime.records import Record

STOP_TIMEOUT = 5.0
WRITE_TIMEOUT_MS = 20_000

MAX_REQUEST_BYTES = 2 * 1024 * 1024
"""Above what a broker takes, so that it is the broker who refuses."""


@asynccontextmanager
async def writer(connection: Connection) -> AsyncGenerator["Writer"]:
    """A writer for as long as the context is open. Raises `Unavailable`."""
    producer = AIOKafkaProducer(
        **connection.options,
        acks="all",
        enable_idempotence=True,
        request_timeout_ms=WRITE_TIMEOUT_MS,
        max_request_size=MAX_REQUEST_BYTES,
    )
    try:
        with translated():
            await producer.start()
        yield Writer(producer)
    finally:
        with contextlib.suppress(KafkaError, OSError, TimeoutError):
            async with asyncio.timeout(STOP_TIMEOUT):
                await producer.stop()


class Writer:
    """Writes records."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer: Any = producer

    async def put(self, record: Record) -> None:
        """Writes a record to its topic, where its key leads; returns once every in-sync replica has it.

        Raises:
            Unavailable: no acknowledgement came in time. The log may have the record even so.
            Permanent: it is too large.
        """
        headers = [(name, raw or b"") for name, raw in record.headers]
        with translated():
            try:
                async with asyncio.timeout(WRITE_TIMEOUT_MS / 1000):
                    await self._producer.send_and_wait(record.topic, record.value, key=record.key, headers=headers)
            except MessageSizeTooLargeError as error:
                raise Permanent(f"a record of {len(record.value or b'')} bytes is too large for Kafka") from error
