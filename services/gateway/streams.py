"""Answers that take long: JSON objects, one a line, while the gateway is at it (NDJSON).

Every line has an `event`. The last one is `done`, or `error` with a `detail`; an answer without either was cut off.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import structlog
from fastapi.responses import StreamingResponse

from runtime.errors import StageError
from services.gateway.problems import Problem

MEDIA_TYPE = "application/x-ndjson"

HEARTBEAT_SECONDS = 10.0
"""A line is sent at least this often, so that nobody between us takes the connection for dead."""

Line = Mapping[str, Any]

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("gateway")


def streamed(lines: AsyncGenerator[Line]) -> StreamingResponse:
    """The lines as they come; whatever ends them early is the last line. Whoever hangs up ends them too."""
    return StreamingResponse(_written(lines), media_type=MEDIA_TYPE)


async def _written(lines: AsyncGenerator[Line]) -> AsyncGenerator[str]:
    try:
        async for line in _with_heartbeats(lines):
            yield json.dumps(dict(line)) + "\n"
    except (Problem, StageError) as error:
        yield json.dumps({"event": "error", "detail": str(error)}) + "\n"
    except Exception:
        logger.exception("a long answer failed")
        yield json.dumps({"event": "error", "detail": "This is a bug; the log has it."}) + "\n"
    finally:
        await lines.aclose()


async def _with_heartbeats(lines: AsyncGenerator[Line]) -> AsyncGenerator[Line]:
    async def following() -> Line | None:
        return await anext(lines, None)

    waiting = asyncio.create_task(following())
    try:
        while True:
            done, _ = await asyncio.wait({waiting}, timeout=HEARTBEAT_SECONDS)
            if not done:
                yield {"event": "alive"}
                continue
            line = waiting.result()
            if line is None:
                return
            yield line
            waiting = asyncio.create_task(following())
    finally:
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
