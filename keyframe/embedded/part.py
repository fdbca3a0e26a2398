"""What Kafka and Postgres have in common: a server that runs as long as its context."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from signal import Signals
from typing import ClassVar, NoReturn, Self

from keyframe.embedded.folder import DataFolder
from keyframe.embedded.ports import until_bound
from keyframe.embedded.process import GRACE, Program, Supervised
from keyframe.embedded.record import Record
from keyframe.embedded.report import Ready, Report, Starting


class Part(ABC):
    """A server of one's own; a subclass says how its data are made and how it is started.

    Args:
        folder: the data folder, which the caller holds.
        report: is told of progress.
        choose_port: a port that is likely free.
    """

    name: ClassVar[str]
    stops: ClassVar[tuple[Signals, ...]]
    limit: ClassVar[float] = 180.0
    """Seconds that a start may take: on a busy machine, or after a crash that left much to recover."""

    address: str
    """host:port, once the server is started."""
    _server: Supervised

    def __init__(self, folder: DataFolder, report: Report, choose_port: Callable[[], int]) -> None:
        self._log = folder.logs / f"{self.name.lower()}.log"
        self._record = Record(folder.run / f"{self.name.lower()}.json")
        self._report = report
        self._choose_port = choose_port

    async def __aenter__(self) -> Self:
        """Ends what an earlier run left, prepares the data and starts the server.

        Raises:
            EmbeddedError: it cannot be had; nothing of it is left running.
        """
        began = asyncio.get_running_loop().time()
        await self._record.end(self.stops, GRACE)
        await self.prepare()
        await until_bound(self._start)
        self._report(Ready(self.name, self.address, asyncio.get_running_loop().time() - began))
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stops the server."""
        await self._server.stop()

    async def ended(self) -> NoReturn:
        """Returns never; raises `PartFailed` when the server ends by itself. Cancel it before the context ends."""
        status = await self._server.wait()
        raise self._server.failure(f"ended by itself with status {status}")

    @abstractmethod
    async def prepare(self) -> None:
        """Has programs and data ready, whole or not at all."""

    @abstractmethod
    def server(self) -> Program:
        """The server on ports chosen anew, which sets `address`."""

    @abstractmethod
    def is_ready(self, server: Supervised) -> bool:
        """Whether the server takes its clients."""

    async def settle(self) -> None:  # noqa: B027 - most parts have nothing to do here
        """What remains to do once the server takes its clients."""

    def program(
        self,
        argv: Sequence[str],
        folder: Path,
        owner: tuple[int, int] | None = None,
        stdin: int = asyncio.subprocess.DEVNULL,
    ) -> Program:
        """A program of this part, with the part's log and record."""
        return Program(self.name, argv, folder, self._log, self._record, self.stops, owner, stdin)

    async def _start(self) -> None:
        """Starts the server, or leaves nothing of it running."""
        self._report(Starting(self.name, "starts"))
        server = await Supervised.start(self.server())
        try:
            await server.until(lambda: self.is_ready(server), self.limit)
            await self.settle()
        except BaseException:
            await server.stop()
            raise
        self._server = server
