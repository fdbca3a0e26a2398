"""Answers that take long: JSON objects, one a line, while the gateway is at it (NDJSON).

Every line has an `event`. The last one is `done`, or `error` with a `detail`; an answer without either was cut off.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

import structlog
from fastapi.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from runtime.errors import StageError
from services.gateway.problems import Problem

MEDIA_TYPE = "application/x-ndjson"

HEARTBEAT_SECONDS = 10.0
"""A line is sent at least this often, so that nobody between us takes the connection for dead."""

TAKEN_SECONDS = 60.0
"""How long a line waits for the other side to take it. Until it has, the work stands still, in whatever turn it is."""

Line = Mapping[str, Any]

logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("gateway")


def streamed(
    lines: AsyncGenerator[Line], *, heartbeat: float = HEARTBEAT_SECONDS, taken: float = TAKEN_SECONDS
) -> StreamingResponse:
    """The lines as they come; whatever ends them early is the last line.

    Whoever hangs up ends them too, and so does whoever takes none for `taken` seconds: that answer is cut off.
    """
    return _Streamed(_written(lines, heartbeat), taken)


async def begun(lines: AsyncGenerator[Line]) -> AsyncGenerator[Line]:
    """The lines, once the first one is there: what is raised before it is raised here, and can be an answer yet."""
    return _resumed(await anext(lines), lines)


async def _resumed(first: Line, others: AsyncGenerator[Line]) -> AsyncGenerator[Line]:
    async with aclosing(others):
        yield first
        async for line in others:
            yield line


class _Streamed(StreamingResponse):
    def __init__(self, written: AsyncGenerator[str], taken: float) -> None:
        super().__init__(written, media_type=MEDIA_TYPE)
        self._written, self._taken = written, taken

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_in_time(message: Message) -> None:
            async with asyncio.timeout(self._taken):
                await send(message)

        try:
            await super().__call__(scope, receive, send_in_time)
        except TimeoutError:
            logger.warning("an answer is cut off: nobody takes its lines", path=scope["path"], seconds=self._taken)
        finally:
            await self._written.aclose()  # where it ends in `send`, the lines do not know of it


async def _written(lines: AsyncGenerator[Line], heartbeat: float) -> AsyncGenerator[str]:
    async with aclosing(_with_heartbeats(lines, heartbeat)) as told:
        try:
            async for line in told:
                yield json.dumps(dict(line)) + "\n"
        except (Problem, StageError) as error:
            yield json.dumps({"event": "error", "detail": str(error)}) + "\n"
        except Exception:
            logger.exception("a long answer failed")
            yield json.dumps({"event": "error", "detail": "This is a bug; the log has it."}) + "\n"


async def _with_heartbeats(lines: AsyncGenerator[Line], seconds: float) -> AsyncGenerator[Line]:
    async def following() -> Line | None:
        return await anext(lines, None)

    waiting = asyncio.create_task(following())
    try:
        while True:
            done, _ = await asyncio.wait({waiting}, timeout=seconds)
            if not done:
                yield {"event": "alive"}
                continue
            line = waiting.result()
            if line is None:
                return
            yield line
            waiting = asyncio.create_task(following())
    finally:
        # In a task of its own: who hangs up cancels us again at each step.
        await asyncio.shield(asyncio.create_task(_closed(lines, waiting)))


async def _closed(lines: AsyncGenerator[Line], waiting: asyncio.Task[Line | None]) -> None:
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await lines.aclose()
