"""A broker of one's own that can be killed and comes back where it was."""

import os
import signal
from collections.abc import Sequence
from pathlib import Path

from keyframe.embedded.folder import DataFolder
from keyframe.embedded.kafka import Kafka
from keyframe.embedded.ports import LOOPBACK, free_port
from keyframe.embedded.report import silent


class Broker(Kafka):
    """Apache Kafka on ports that stay.

    Args:
        doors: pairs of ports: a listener on the first, which tells its clients to come to the second. So each
            client can have a proxy of its own before the broker.
    """

    def __init__(self, folder: DataFolder, cache: Path, doors: Sequence[tuple[int, int]] = ()) -> None:
        ports = [free_port(), free_port()]
        self._doors = doors
        super().__init__(folder, cache, silent, choose_port=lambda: ports[self._turn()])
        self._turns = 0

    @property
    def group(self) -> int:
        """The process group."""
        return self._server.pid

    async def kill(self) -> None:
        """kill -9."""
        os.killpg(self.group, signal.SIGKILL)
        await self._server.wait()

    async def come_back(self) -> None:
        """Starts it again on what it left."""
        await self.__aenter__()

    def _turn(self) -> int:
        self._turns += 1
        return (self._turns - 1) % 2

    def _write_properties(self) -> None:
        super()._write_properties()
        file = self._home / "server.properties"
        text = file.read_text()
        for number, (port, shown) in enumerate(self._doors):
            text = (
                text.replace("\nlisteners=", f"\nlisteners=DOOR{number}://{LOOPBACK}:{port},")
                .replace("\nadvertised.listeners=", f"\nadvertised.listeners=DOOR{number}://{LOOPBACK}:{shown},")
                .replace("protocol.map=", f"protocol.map=DOOR{number}:PLAINTEXT,")
            )
        file.write_text(f"{text}num.network.threads=1\n")
