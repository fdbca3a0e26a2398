"""What a service takes in memory, and a video in bytes on the log and in the store.

    python -m tests.bench.footprint

The six services run as processes of their own on an embedded Kafka, an embedded Postgres and a folder, with the
offline providers. They are looked at when they are ready and idle; then one short video is made (3 scenes, 15 s, 360p)
and one of the usual kind (10 scenes, 60 s, 1080p). Linux alone tells the memory of a process.
"""

import argparse
import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from runtime.kafka import Connection, KafkaLog
from schemas.topics import TOPICS, ServiceName
from tests.bench.own_parts import OwnParts, own_parts
from tests.e2e.following import once
from tests.service_processes import Running, ServiceProcess, running_services

MB = 1024 * 1024
SHORT = {"scene_count": 3, "target_seconds": 15}
USUAL = {"scene_count": 10, "target_seconds": 60}
IDLE_SECONDS = 5.0
ENDS = ("completed", "failed")
AREAS = ("artefacts", "answers", "scratch", "published", ".types")


@dataclass(frozen=True)
class Memory:
    """Of a process, in bytes."""

    now: int
    most: int


def memory(pid: int) -> Memory:
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return Memory(*(int(lines[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM")))


def children(pid: int) -> list[int]:
    """Every process below one."""
    found = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [each for child in found for each in (child, *children(child))]


class Watch:
    """Samples what the children of processes take; they are gone when the work is done."""

    def __init__(self, services: Sequence[ServiceProcess]) -> None:
        self._pids = {service.name: service.process.pid for service in services}
        self.most = dict.fromkeys(self._pids, 0)

    async def keep_looking(self) -> None:
        while True:
            for name, pid in self._pids.items():
                taken = 0
                for child in _safely(children, pid, []):
                    taken += _safely(memory, child, Memory(0, 0)).now
                self.most[name] = max(self.most[name], taken)
            await asyncio.sleep(0.2)


def _safely(look: Any, pid: int, otherwise: Any) -> Any:
    try:
        return look(pid)
    except (OSError, KeyError):  # it has ended
        return otherwise


async def on_the_log(bootstrap: str) -> Mapping[str, tuple[int, int]]:
    """Records, and bytes of keys, values and headers, by topic."""
    found: dict[str, tuple[int, int]] = {}
    async with KafkaLog(Connection(bootstrap), "bench").reading() as reading:
        async for records in reading.read(await reading.starts(TOPICS), await reading.ends(TOPICS)):
            for record in records:
                count, size = found.get(record.topic, (0, 0))
                headers = sum(len(name) + len(value or b"") for name, value in record.headers)
                own = len(record.key or b"") + len(record.value or b"") + headers
                found[record.topic] = count + 1, size + own
    return found


def in_the_store(folder: Path) -> Mapping[str, int]:
    """Bytes by area."""
    return {area: sum(path.stat().st_size for path in (folder / area).rglob("*") if path.is_file()) for area in AREAS}


@asynccontextmanager
async def running(parts: OwnParts, logs: Path, short_side: int) -> AsyncGenerator[Running]:
    shared = {
        "KEYFRAME_KAFKA_BOOTSTRAP": parts.bootstrap,
        "KEYFRAME_POSTGRES_DSN": parts.postgres_dsn,
        "KEYFRAME_STORAGE_FOLDER": str(parts.folder),
        "KEYFRAME_ASSEMBLER_SHORT_SIDE": str(short_side),
    }
    async with running_services(dict.fromkeys(ServiceName, shared), logs) as services:
        yield services


async def made(address: str, length: Mapping[str, int]) -> None:
    async with httpx.AsyncClient(base_url=address, timeout=30) as api:
        accepted = await api.post(
            "/api/v1/generate", json={"prompt": "Why coral reefs matter", "style": "Educational", **length}
        )
        status = await once(api, accepted.headers["Location"], lambda status: status["status"] in ENDS, seconds=1800)
        assert status["status"] == "completed", status["error"]


async def measure(videos: Sequence[str] = ("short", "usual")) -> dict[str, float]:
    """MiB of each service, and bytes of each video by topic and by area."""
    told: dict[str, float] = {}
    for video in videos:
        length, short_side = (SHORT, 360) if video == "short" else (USUAL, 1080)
        async with own_parts() as parts, running(parts, parts.logs, short_side) as services:
            await asyncio.sleep(IDLE_SECONDS)
            idle = {service.name: memory(service.process.pid).now for service in services.services}
            watch = Watch(services.services)
            watching = asyncio.create_task(watch.keep_looking())
            await made(services.address, length)
            watching.cancel()
            for service in services.services:
                used = memory(service.process.pid)
                told[f"{video}_{service.name}_idle_mib"] = idle[service.name] / MB
                told[f"{video}_{service.name}_after_mib"] = used.now / MB
                told[f"{video}_{service.name}_most_mib"] = used.most / MB
                told[f"{video}_{service.name}_children_most_mib"] = watch.most[service.name] / MB
            for topic, (records, size) in (await on_the_log(parts.bootstrap)).items():
                told[f"{video}_{topic}_records"] = records
                told[f"{video}_{topic}_bytes"] = size
            for area, size in in_the_store(parts.folder).items():
                told[f"{video}_{area}_bytes"] = size
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", nargs="+", choices=("short", "usual"), default=["short", "usual"])
    for name, value in asyncio.run(measure(parser.parse_args().videos)).items():
        print(f"{name}: {value:,.1f}")


if __name__ == "__main__":
    main()
