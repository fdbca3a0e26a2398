"""One replica of a stage against two and four, and against one with four consumers.

    python -m tests.bench.replicas --latency 3 --seconds 60

Every replica is a process as its container runs it; its painter takes `latency` seconds for a record and no CPU, as
a provider does. There is always more to do on every partition. What counts is the time between the first and the last
answer on the log within the window, after every consumer has given one.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from signal import SIGTERM

from keyframe.embedded.ports import LOOPBACK
from runtime.kafka import Connection, KafkaLog, ensure_topics
from runtime.process import main as run_stage
from runtime.settings import StageSettings
from runtime.stage import AnyStage, Job, Stage
from schemas.envelope import derive_id
from schemas.events import ScriptWritten
from schemas.topics import JOB_CANCELLED, SCRIPT_WRITTEN, ServiceName, Topic
from tests.bench.own_parts import own_parts
from tests.builders import envelope, script_written

MEBIBYTE = 1024 * 1024
ESTABLISHED = "01"
SETUPS = {"one": (1, 1), "two": (2, 1), "four": (4, 1), "one_of_four_consumers": (1, 4)}
"""Replicas, and the consumers of each."""


def stage(run: str, latency: float, consumers: int) -> AnyStage:
    """A stage whose provider takes a while."""

    async def paint(script: ScriptWritten, job: Job) -> ScriptWritten:
        await asyncio.sleep(latency)
        return script

    reads, writes = topics(run)
    settings = StageSettings(consumers=consumers)
    return Stage(ServiceName.IMAGES, reads, writes, paint, lambda job: job, settings)


def topics(run: str) -> tuple[Topic, Topic]:
    """What the stage of a run reads and writes."""
    return replace(SCRIPT_WRITTEN, name=f"bench.{run}.in.v1"), replace(SCRIPT_WRITTEN, name=f"bench.{run}.out.v1")


@asynccontextmanager
async def replicas(
    number: int, consumers: int, run: str, latency: float, bootstrap: str, folder: Path
) -> AsyncGenerator[Sequence[int]]:
    """So many processes for as long as the context is open; their ids."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "KEYFRAME_ENV_FILE": os.devnull,
        "KEYFRAME_KAFKA_BOOTSTRAP": bootstrap,
        "KEYFRAME_STORAGE_PROVIDER": "folder",
        "KEYFRAME_STORAGE_FOLDER": str(folder),
        "KEYFRAME_HEALTH_HOST": LOOPBACK,
        "KEYFRAME_HEALTH_PORT": "0",
    }
    command = (sys.executable, "-m", "tests.bench.replicas", "--stage", run, str(latency), str(consumers))
    quiet = asyncio.subprocess.DEVNULL
    started = [
        await asyncio.create_subprocess_exec(*command, env=environment, stdout=quiet, stderr=quiet)
        for _ in range(number)
    ]
    try:
        yield [process.pid for process in started]
    finally:
        for process in started:
            if process.returncode is None:
                process.send_signal(SIGTERM)
        await asyncio.gather(*(process.wait() for process in started))


async def throughput(bootstrap: str, run: str, consumers: int, seconds: float) -> float:
    """Answers a second, over a window that begins when there are two for each consumer."""
    _, writes = topics(run)
    log = KafkaLog(Connection(bootstrap), "bench")
    async with log.reading() as reading:
        start = await reading.starts([writes])
        while sum((await reading.ends([writes])).values()) < 2 * consumers:  # noqa: ASYNC110 - of other processes
            await asyncio.sleep(0.2)
        began = time.time() * 1000
        await asyncio.sleep(seconds)
        end = await reading.ends([writes])
        times = [record.timestamp async for records in reading.read(start, end) for record in records]
    inside = sorted(each for each in times if each >= began)
    # The first of each consumer begins its time. Where they go in step that is exact, else a little too low.
    return (len(inside) - consumers) / (inside[-1] - inside[0]) * 1000


def resident(process: int) -> float:
    """MiB."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / MEBIBYTE


def connections(process: int, port: int) -> int:
    """To a port."""
    sockets = {each.readlink().name for each in Path(f"/proc/{process}/fd").iterdir() if each.is_symlink()}
    lines = [line.split() for line in Path(f"/proc/{process}/net/tcp").read_text().splitlines()[1:]]
    theirs = [line for line in lines if line[2].endswith(f":{port:04X}") and line[3] == ESTABLISHED]
    return sum(f"socket:[{line[9]}]" in sockets for line in theirs)


async def measure(latency: float = 3.0, seconds: float = 60.0) -> dict[str, float]:
    """Answers a second of each setup, the ratios to one replica, and what a replica weighs."""
    told: dict[str, float] = {}
    async with own_parts() as parts:
        await ensure_topics(Connection(parts.bootstrap), [JOB_CANCELLED])
        log = KafkaLog(Connection(parts.bootstrap), "bench")
        await log.start()
        port = int(parts.bootstrap.rpartition(":")[2])
        for name, (number, consumers) in SETUPS.items():
            reads, writes = topics(name)
            await ensure_topics(log.connection, [reads, writes])
            enough = round(4 * 3 * (seconds / latency + 10))  # so that the replica with the least has enough
            jobs = [derive_id(name, at) for at in range(enough)]
            await asyncio.gather(
                *(log.publish(reads, envelope(script_written(job_id=job), type=reads.name)) for job in jobs)
            )
            with tempfile.TemporaryDirectory() as folder:
                async with replicas(number, consumers, name, latency, parts.bootstrap, Path(folder)) as processes:
                    told[f"{name}_per_second"] = await throughput(parts.bootstrap, name, number * consumers, seconds)
                    told[f"{name}_mib_each"] = sum(map(resident, processes)) / number
                    told[f"{name}_connections_each"] = sum(connections(process, port) for process in processes) / number
        await log.stop()
    for name in SETUPS:
        told[f"{name}_over_one"] = told[f"{name}_per_second"] / told["one_per_second"]
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latency", type=float, default=3.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--stage", nargs=3, metavar=("RUN", "LATENCY", "CONSUMERS"), help="be a replica")
    asked = parser.parse_args()
    if asked.stage:
        run, latency, consumers = asked.stage
        return run_stage(lambda: stage(run, float(latency), int(consumers)))
    for name, value in asyncio.run(measure(asked.latency, asked.seconds)).items():
        print(f"{name}: {value:.2f}")
    return None


if __name__ == "__main__":
    main()
