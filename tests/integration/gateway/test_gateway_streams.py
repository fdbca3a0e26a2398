"""Clients that read nothing, over a real socket, and the turns in Postgres that their answers hold."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi.responses import StreamingResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

from runtime.http import serving
from services.gateway.ports import StatusView
from services.gateway.shadow import LOCK as REBUILD
from services.gateway.streams import Line, streamed
from services.gateway.turns import MENDING, REPLAY
from tests.gateways import GatewayUnderTest
from tests.integration.gateway.test_gateway_rebuild import comes
from tests.waiting import until

LINES = 2_000
TEXT = "x" * 10_000
"""So many lines with so much text are more than the buffers between the two sides hold."""

TURNS: dict[int, Callable[[StatusView], AbstractAsyncContextManager[Any]]] = {
    MENDING: lambda view: view.mending(30),
    REPLAY: lambda view: view.replaying(),
    REBUILD: lambda view: view.rebuilding(),
}


def held(turn: int) -> str:
    return f"select 1 from pg_locks where locktype = 'advisory' and objid = {turn} and granted"  # noqa: S608


class Work:
    """Has its turn for as long as it tells lines."""

    def __init__(self, view: StatusView, turn: int, taken: float) -> None:
        self._view, self._turn, self._taken = view, turn, taken
        self.told = 0

    async def answer(self, request: Request) -> StreamingResponse:
        return streamed(self._lines(), taken=self._taken)

    async def _lines(self) -> AsyncGenerator[Line]:
        async with TURNS[self._turn](self._view):
            for self.told in range(1, LINES + 1):
                yield {"event": "progress", "text": TEXT}
            yield {"event": "done"}


@asynccontextmanager
async def asked(work: Work) -> AsyncGenerator[socket.socket]:
    """A connection on which the work was asked for, of which nothing is read."""
    async with serving(Starlette(routes=[Route("/", work.answer)]), "127.0.0.1", 0) as address:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(client, ("127.0.0.1", urlsplit(address).port))
            await loop.sock_sendall(client, b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
            yield client


@pytest.mark.parametrize("turn", TURNS, ids=["mending", "replay", "rebuild"])
async def test_a_client_that_reads_nothing_does_not_keep_a_turn(gateway: GatewayUnderTest, tables: str, turn: int):
    work = Work(gateway.view, turn, taken=0.5)
    async with asked(work):
        await until(lambda: work.told)
        await comes(tables, held(turn), False)
        assert work.told < LINES
        async with TURNS[turn](gateway.view):
            pass  # the next one has it while the connection is open still


async def test_a_client_that_pauses_gets_the_whole_answer(gateway: GatewayUnderTest, tables: str):
    work = Work(gateway.view, MENDING, taken=200)
    async with asked(work) as client:
        told = -1
        while work.told != told or not told:  # until the other side waits for us
            told = work.told
            await asyncio.sleep(0.2)
        assert told < LINES
        await comes(tables, held(MENDING), True)
        answer = b""
        while not answer.endswith(b"\r\n0\r\n\r\n"):
            piece = await asyncio.get_running_loop().sock_recv(client, 1_000_000)
            assert piece, "it was cut off"
            answer = answer[-100:] + piece
    assert b'{"event": "done"}\n' in answer
    await comes(tables, held(MENDING), False)
