"""A door before a server: it passes bytes on, knows what is under way, and can be shut."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from keyframe.embedded.ports import LOOPBACK

PIECE = 256 * 1024

Shut = Literal["refused", "silent"]
"""`refused`: connections are reset, new ones too. `silent`: nothing comes through, and nobody is told."""

Asks = Callable[[], Callable[[bytes], bool]]
"""Makes, for a connection, what says whether bytes of the client ask for work."""


def anything() -> Callable[[bytes], bool]:
    """Whatever a client sends is a request."""
    return lambda piece: True


KAFKA_WORK = (0, 8)
"""The API keys of Produce and OffsetCommit: a fetch is always under way, and a heartbeat is no work."""


def kafka_work() -> Callable[[bytes], bool]:
    """Finds the requests that write in the stream of a Kafka client: each begins with its length and its API key."""
    head, left = b"", 0

    def asks(piece: bytes) -> bool:
        nonlocal head, left
        found = False
        while piece:
            if left:
                skipped = min(left, len(piece))
                piece, left = piece[skipped:], left - skipped
                continue
            head, piece = head + piece[: 6 - len(head)], piece[6 - len(head) :]
            if len(head) == 6:
                length, key = struct.unpack(">ih", head)
                found |= key in KAFKA_WORK
                head, left = b"", length - 2
        return found

    return asks


@dataclass(eq=False)
class Line:
    """One connection through the door."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    waits: bool = False
    """Whether the client has asked for work and has no answer yet."""

    def cut(self) -> None:
        for writer in (self.client, self.server):
            connection: Any = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()


@dataclass
class Proxy:
    """The door's own port, and the one behind it."""

    behind: int
    asks: Asks = anything
    port: int = 0
    errors: int = 0
    """Answers of HTTP servers that begin with a status of 500 or more."""
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever a client asks for work."""
    _lines: set[Line] = field(default_factory=set)
    _shut: dict[str, Shut] = field(default_factory=dict)
    _passes: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def under_way(self) -> int:
        """Requests for work without an answer yet."""
        return sum(line.waits for line in self._lines)

    def shut(self, by: str, how: Shut) -> None:
        """Shuts the door until whoever shut it, and everybody else who did, opens it again."""
        self._shut[by] = how
        self._turned()
        if how == "refused":
            for line in list(self._lines):
                line.cut()

    def reopen(self, by: str) -> None:
        self._shut.pop(by, None)
        self._turned()

    def _turned(self) -> None:
        if "silent" in self._shut.values():
            self._passes.clear()
        else:
            self._passes.set()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._passes.wait()
        try:
            if "refused" in self._shut.values():
                raise ConnectionRefusedError
            behind, server = await asyncio.open_connection(LOOPBACK, self.behind)
        except OSError:
            writer.transport.abort()
            return
        line = Line(writer, server)
        self._lines.add(line)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._to_server(reader, line, self.asks()))
                group.create_task(self._to_client(behind, line))
        except* OSError:
            pass
        finally:
            self._lines.discard(line)
            line.client.transport.abort()
            line.server.transport.abort()

    async def _to_server(self, reader: asyncio.StreamReader, line: Line, asks: Callable[[bytes], bool]) -> None:
        while piece := await reader.read(PIECE):
            if asks(piece):
                line.waits = True
                self.asked.set()
            await self._passes.wait()
            line.server.write(piece)
            await line.server.drain()
        raise ConnectionResetError

    async def _to_client(self, reader: asyncio.StreamReader, line: Line) -> None:
        while piece := await reader.read(PIECE):
            await self._passes.wait()
            line.waits = False
            self.errors += piece.startswith(b"HTTP/1.1 5")
            line.client.write(piece)
            await line.client.drain()
        raise ConnectionResetError


@asynccontextmanager
async def door(behind: int, asks: Asks = anything) -> AsyncIterator[Proxy]:
    """An open door before a port, for as long as the context is."""
    proxy = Proxy(behind, asks)
    proxy.reopen("")
    connections: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        try:
            await proxy.connected(reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            connections.discard(task)

    server = await asyncio.start_server(connected, LOOPBACK, 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        for task in list(connections):
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)


async def work_under_way(doors: Sequence[Proxy], seconds: float) -> int:
    """How many requests are under way, as soon as there is one; 0 where there is none in time."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not (count := sum(one.under_way for one in doors)):
        for one in doors:
            one.asked.clear()
        waits = [asyncio.ensure_future(one.asked.wait()) for one in doors]
        left = deadline - asyncio.get_running_loop().time()
        done, pending = await asyncio.wait(waits, timeout=max(left, 0), return_when=asyncio.FIRST_COMPLETED)
        for each in pending:
            each.cancel()
        if not done:
            return 0
    return count
