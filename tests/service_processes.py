"""The services as they are run for real: processes of their own, by `python -m services.<name>`."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from keyframe.embedded.ports import LOOPBACK, free_port
from schemas.topics import ServiceName

STOP_SECONDS = 30.0
INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV", "XDG_CACHE_HOME")


@dataclass(frozen=True)
class ServiceProcess:
    """A process of one service."""

    name: str
    process: asyncio.subprocess.Process
    address: str
    """Of its health and metrics; the gateway's own page is elsewhere."""
    log: Path

    async def readiness(self) -> str | None:
        """What /readyz answers, or None while nothing does."""
        try:
            async with httpx.AsyncClient() as client:
                return (await client.get(f"{self.address}/readyz")).text
        except httpx.TransportError:
            return None

    async def says(self, sentence: str, seconds: float = 120.0) -> None:
        """Returns once its readiness says this."""
        async with asyncio.timeout(seconds):
            while True:
                if sentence in (await self.readiness() or ""):
                    return
                assert self.process.returncode is None, self.log.read_text()
                await asyncio.sleep(0.1)

    async def ready(self) -> None:
        """Returns once it is ready."""
        await self.says('"ok":true')


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """These settings and none of whoever runs the tests."""
    own = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {**own, "KEYFRAME_ENV_FILE": os.devnull, **settings}


@asynccontextmanager
async def running_service(name: str, settings: Mapping[str, str], folder: Path) -> AsyncGenerator[ServiceProcess]:
    """The service for as long as the context is open; its log lies in the folder."""
    port, log = free_port(), folder / f"{name}.log"
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", f"services.{name}"),
            env=environment({**settings, "KEYFRAME_HEALTH_PORT": str(port)}),
            stdout=output,
            stderr=output,
        )
    try:
        yield ServiceProcess(name, process, f"http://{LOOPBACK}:{port}", log)
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), STOP_SECONDS)
            except TimeoutError:
                process.kill()
        await process.wait()


@dataclass(frozen=True)
class Running:
    """The six services, and the gateway's address."""

    address: str
    services: tuple[ServiceProcess, ...]


@asynccontextmanager
async def running_services(settings: Mapping[str, Mapping[str, str]], folder: Path) -> AsyncGenerator[Running]:
    """All six, ready, each with settings of its own."""
    port = free_port()
    async with AsyncExitStack() as stack:
        started: list[ServiceProcess] = []
        for name in ServiceName:
            own = {**settings[name], "KEYFRAME_GATEWAY_PORT": str(port)}
            started.append(await stack.enter_async_context(running_service(name, own, folder)))
        gateway, *stages = started
        await asyncio.gather(*(stage.ready() for stage in stages))
        address = f"http://{LOOPBACK}:{port}"
        await _gateway_ready(gateway, address)
        yield Running(address, tuple(started))


async def _gateway_ready(gateway: ServiceProcess, address: str) -> None:
    async with httpx.AsyncClient() as client, asyncio.timeout(120):
        while True:
            try:
                answer = await client.get(f"{address}/readyz")
                if answer.is_success:
                    return
            except httpx.TransportError:
                pass
            assert gateway.process.returncode is None, gateway.log.read_text()
            await asyncio.sleep(0.1)


async def run_module(module: str, settings: Mapping[str, str]) -> tuple[int, str]:
    """Runs `python -m module` to its end; its status and all that it wrote."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module),
        env=environment(settings),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(120):
        output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()
