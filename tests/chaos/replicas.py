"""The services, each replica a process of its own that is started again when it ends, as an orchestrator would."""

import asyncio
import contextlib
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.chaos.proxy import Proxy

LOOK_EVERY, NOT_LIVE = 3.0, 3
"""Seconds between two looks at liveness, and how many in a row must fail before a replica is killed."""

_IN_HAND = re.compile(r"^keyframe_records_in_hand\{.*\} ([\d.]+)$", re.MULTILINE)
_WAITING = re.compile(r"^keyframe_records_waiting\{.*\} ([\d.]+)$", re.MULTILINE)


@dataclass
class Replica:
    """One process of a service.

    Args:
        doors: to the broker, and to the object store or the database.
        at_once: the paid calls that it may have under way or not yet kept.
    """

    name: str
    service: str
    module: str
    environment: Mapping[str, str]
    doors: tuple[Proxy, ...]
    health: str
    log: Path
    at_once: int
    client: httpx.AsyncClient
    ends: list[str] = field(default_factory=list)
    """How it ended where nobody killed it."""
    paused: bool = False
    _process: asyncio.subprocess.Process | None = None
    _killed: bool = False
    _stopped: bool = False

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", self.module),
                env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **self.environment},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def keep(self) -> None:
        """Starts it again whenever it has ended, and ends it where it says that it must be restarted."""
        silent = 0
        while True:
            assert self._process is not None
            with contextlib.suppress(TimeoutError):
                status = await asyncio.wait_for(self._process.wait(), LOOK_EVERY)
                if not self._killed:
                    self.ends.append(f"ended by itself with status {status}")
                self._killed, silent = False, 0
                await asyncio.sleep(0.5)
                await self.start()
                continue
            silent = 0 if self.paused or await self._lives() else silent + 1
            if silent == NOT_LIVE:
                self.ends.append("was not live, and was killed")
                self.kill()

    async def _lives(self) -> bool:
        try:
            return (await self.client.get(f"{self.health}/livez")).status_code != 503
        except httpx.TransportError:
            return True  # it starts, or is being killed; a process that hangs is seen by its record

    async def has_work(self) -> bool:
        """Whether it has a record in hand, by its own metrics."""
        return await self._counts(_IN_HAND)

    async def waits(self) -> bool:
        """Whether what it has in hand waits for somebody."""
        return await self._counts(_WAITING)

    async def _counts(self, gauge: re.Pattern[str]) -> bool:
        try:
            metrics = (await self.client.get(f"{self.health}/metrics", timeout=1.0)).text
        except httpx.HTTPError:
            return False
        return any(float(count) for count in gauge.findall(metrics))

    async def is_ready(self) -> bool:
        path = "readyz" if self.service != "gateway" else "metrics"
        try:
            return (await self.client.get(f"{self.health}/{path}", timeout=2.0)).is_success
        except httpx.HTTPError:
            return False

    async def until_ready(self, seconds: float) -> bool:
        """Waits until it is ready; says whether that was in time."""
        deadline = time.monotonic() + seconds
        while not (ready := await self.is_ready()) and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        return ready

    def kill(self) -> None:
        """kill -9 of the process alone: what it has started is left behind, as after an OOM."""
        assert self._process is not None
        self._killed = True
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    def pause(self) -> None:
        self.paused = True
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)
        self.paused = False

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    async def end(self) -> None:
        if self._process is not None:
            self._signal(signal.SIGKILL)
            await self._process.wait()


@asynccontextmanager
async def kept(replicas: list[Replica], patience: float) -> AsyncIterator[None]:
    """The replicas, all ready, for as long as the context is open."""
    keepers: list[asyncio.Task[None]] = []
    try:
        for replica in replicas:
            await replica.start()
            keepers.append(asyncio.create_task(replica.keep()))
        if not all(await asyncio.gather(*(replica.until_ready(patience) for replica in replicas))):
            raise TimeoutError("the services did not become ready; their logs say why")
        yield
    finally:
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)
        for replica in replicas:
            await replica.end()
