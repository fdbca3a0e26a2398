"""An HTTP server inside a process that has its own signals and its own end."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, Generator
from typing import Any

import uvicorn

GRACE_SECONDS = 5
"""For requests that are being answered when the server stops."""


class AddressTaken(Exception):
    """Somebody else listens at the address, or it is not ours to listen at."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(f"{host}:{port} cannot be listened at: {reason}")
        self.host = host
        self.port = port


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Signals are the process's own."""
        yield


@contextlib.asynccontextmanager
async def serving(app: Any, host: str, port: int) -> AsyncGenerator[str]:
    """Serves an ASGI app for as long as the context is open; gives its address. Port 0 takes a free one.

    Raises:
        AddressTaken: before anything is served.
    """
    listener = _listener(host, port)
    bound = listener.getsockname()[1]
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=GRACE_SECONDS
    )
    server = _Server(config)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started and not running.done():  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        if running.done():
            running.result()
            raise RuntimeError("the server ended at its start; the log says why")
        yield f"http://{f'[{host}]' if ':' in host else host}:{bound}"
    finally:
        server.should_exit = True
        await running


def look_whether_free(host: str, port: int) -> None:
    """Raises `AddressTaken` where nothing could listen there now."""
    _listener(host, port).close()


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise AddressTaken(host, port, error.strerror or str(error)) from error
    return listener
