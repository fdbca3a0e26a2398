"""Long answers that come to an end: whoever hangs up, or takes no lines any more, leaves nothing held."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest
from starlette.types import Message

from services.gateway.problems import Problem
from services.gateway.streams import Line, begun, streamed
from tests.waiting import until

SCOPE: dict[str, Any] = {"type": "http", "path": "/", "asgi": {"spec_version": "2.3"}}


class Work:
    """Tells one line, and then nothing: it is at work until it is ended, and tidies up in several steps."""

    def __init__(self) -> None:
        self.let_go = False

    async def lines(self) -> AsyncGenerator[Line]:
        try:
            yield {"event": "progress"}
            await asyncio.Event().wait()
        finally:
            for _ in range(5):
                await asyncio.sleep(0)
            self.let_go = True


class Other:
    """The other side of a connection: it takes lines up to one of this event."""

    def __init__(self, last: bytes, *, hangs_up: bool) -> None:
        self._last, self._hangs_up = last, hangs_up
        self._reached = asyncio.Event()
        self.taken: list[bytes] = []

    async def receive(self) -> Message:
        await self._reached.wait()
        if not self._hangs_up:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if self._last in message.get("body", b""):
            self._reached.set()
            await asyncio.Event().wait()
        self.taken.append(message.get("body", b""))


def _quick(work: Work) -> Callable[..., Any]:
    return streamed(work.lines(), heartbeat=0.01, taken=0.1)


@pytest.mark.parametrize("last", [b"progress", b"alive"])
@pytest.mark.parametrize("hangs_up", [True, False])
async def test_who_takes_no_line_any_more_ends_the_work(last: bytes, hangs_up: bool):
    work, other = Work(), Other(last, hangs_up=hangs_up)
    await _quick(work)(SCOPE, other.receive, other.send)
    assert work.let_go
    assert b"" not in other.taken[1:]  # which would say that the answer is whole


async def test_who_hangs_up_between_two_lines_ends_the_work():
    work, taken = Work(), list[Message]()
    gone = asyncio.Event()

    async def receive() -> Message:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        taken.append(message)

    answering = asyncio.create_task(streamed(work.lines())(SCOPE, receive, send))
    await until(lambda: len(taken) == 2)
    gone.set()
    await answering
    await until(lambda: work.let_go)
    assert len(taken) == 2


async def test_what_is_taken_in_time_is_whole():
    async def lines() -> AsyncGenerator[Line]:
        for number in range(3):
            yield {"event": "progress", "number": number}

    bodies = list[bytes]()

    async def send(message: Message) -> None:
        bodies.append(message.get("body", b""))

    await streamed(lines())(SCOPE, Other(b"nothing", hangs_up=False).receive, send)
    assert bodies[1:] == [b'{"event": "progress", "number": %d}\n' % number for number in range(3)] + [b""]


async def test_who_is_gone_before_the_first_line_ends_the_work():
    work = Work()

    async def gone(message: Message) -> None:
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await streamed(await begun(work.lines()))(SCOPE, Other(b"", hangs_up=False).receive, gone)
    await until(lambda: work.let_go)


async def test_what_is_refused_before_the_first_line_is_raised():
    async def refusing() -> AsyncGenerator[Line]:
        raise Problem(409, "Not now.")
        yield {}

    with pytest.raises(Problem, match="Not now"):
        await begun(refusing())
