"""From aiokafka's records to ours, past FastStream's parser."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from runtime.records import Record


def record_of(raw: Any) -> Record:
    return Record(raw.topic, raw.partition, raw.offset, raw.timestamp, tuple(raw.headers), raw.key, raw.value)


def _safe(raw: Any) -> Any:
    """FastStream's parser fails on a null header, and the record would be lost: it gets a readable copy."""
    headers = [(name, (value or b"").decode("utf-8", "replace").encode()) for name, value in raw.headers]
    return replace(raw, headers=headers)


async def parse_record(raw: Any, original: Callable[[Any], Awaitable[Any]]) -> Any:
    message = await original(_safe(raw))
    message.raw_message = raw
    return message


async def parse_batch(raw: Any, original: Callable[[Any], Awaitable[Any]]) -> Any:
    message = await original(tuple(map(_safe, raw)))
    message.raw_message = raw
    return message


async def undecoded(message: Any) -> Any:
    return message.body
