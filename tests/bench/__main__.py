"""All benchmarks in turn, and docs/benchmarks.md from what they measured: `python -m tests.bench`

python -m tests.bench --only hand_off latency     some of them; the others keep their part of the document
python -m tests.bench --quick                     few rounds, and nothing is written
"""

import argparse
import asyncio
import importlib
import os
import platform
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtime.clock import utc_now
from schemas.topics import ServiceName
from tests.bench.latency import CROWD
from tests.bench.replicas import SETUPS

DOC = Path("docs/benchmarks.md")
Measured = Mapping[str, float]


@dataclass(frozen=True)
class Bench:
    """One of them, and how it is told."""

    tell: Callable[[Measured], str]
    quick: Mapping[str, Any]
    """What to measure with when it is only tried."""


def _hand_off(told: Measured) -> str:
    lines = ["| | records a second | raw aiokafka is faster by |", "| --- | --- | --- |"]
    lines.append(f"| raw aiokafka | {told['raw_per_second']:.0f} | |")
    for store, where in (("folder", "on the disk"), ("memory", "in memory")):
        if f"{store}_per_second" in told:
            per_second, ratio = told[f"{store}_per_second"], told[f"raw_over_{store}"]
            lines.append(f"| a stage, answers in a folder {where} | {per_second:.0f} | {ratio:.2f} × |")
    return "\n".join(lines)


def _latency(told: Measured) -> str:
    lines = ["| in flight | jobs | p50 | p99 | jobs a second |", "| --- | --- | --- | --- | --- |"]
    for name, at_once in (("alone", 1), ("crowd", CROWD)):
        p50, p99 = told[f"{name}_p50_seconds"], told[f"{name}_p99_seconds"]
        rate, jobs = told[f"{name}_jobs_per_second"], told[f"{name}_jobs"]
        lines.append(f"| {at_once} | {jobs:.0f} | {p50:.2f} s | {p99:.2f} s | {rate:.1f} |")
    return "\n".join(lines)


def _footprint(told: Measured) -> str:
    videos = [video for video in ("short", "usual") if f"{video}_gateway_idle_mib" in told]
    last = videos[-1]
    lines = ["| service | idle | after a video | most | its children at most |", "| --- | --- | --- | --- | --- |"]
    for name in ServiceName:
        values = (told[f"{last}_{name}_{when}_mib"] for when in ("idle", "after", "most", "children_most"))
        lines.append(f"| {name} | {' | '.join(f'{value:.0f} MiB' for value in values)} |")
    lines += ["", f"| bytes of one video | {' | '.join(videos)} |", f"| --- |{' --- |' * len(videos)}"]
    sizes = sorted({name.partition("_")[2] for name in told if name.endswith("_bytes")})
    for name in sizes:
        values = [told.get(f"{video}_{name}", 0) for video in videos]
        where = name.removesuffix("_bytes")
        records = [told.get(f"{video}_{where}_records") for video in videos]
        cells = [
            f"{value:,.0f}" + (f" in {count:.0f}" if count else "")
            for value, count in zip(values, records, strict=True)
        ]
        lines.append(f"| `{where}` | {' | '.join(cells)} |")
    log = [sum(told.get(f"{video}_{name}", 0) for name in sizes if "keyframe." in name) for video in videos]
    lines.append(f"| all of the log | {' | '.join(f'{value:,.0f}' for value in log)} |")
    return "\n".join(lines)


def _replicas(told: Measured) -> str:
    lines = ["| replicas × consumers | records a second | against one | a replica: memory | connections to Kafka |"]
    lines.append("| --- | --- | --- | --- | --- |")
    for name, (number, consumers) in SETUPS.items():
        rate, ratio = told[f"{name}_per_second"], told[f"{name}_over_one"]
        memory, sockets = told[f"{name}_mib_each"], told[f"{name}_connections_each"]
        lines.append(f"| {number} × {consumers} | {rate:.2f} | {ratio:.2f} × | {memory:.0f} MiB | {sockets:.0f} |")
    return "\n".join(lines)


def _view_rebuild(told: Measured) -> str:
    lines = [f"| {told['events']:,.0f} events | a second | COPY is faster by |", "| --- | --- | --- |"]
    for name, what in (("copy", "bare COPY"), ("rebuild", "rebuild"), ("projector", "live projector")):
        rate = told[f"{name}_per_second"]
        lines.append(f"| {what} | {rate:,.0f} | {told['copy_per_second'] / rate:.1f} × |")
    return "\n".join(lines)


BENCHES = {
    "hand_off": Bench(_hand_off, {"records": 100, "rounds": 1}),
    "replicas": Bench(_replicas, {"latency": 0.5, "seconds": 10.0}),
    "view_rebuild": Bench(_view_rebuild, {"events": 5_000}),
    "latency": Bench(_latency, {"alone": 5, "crowd": CROWD}),
    "footprint": Bench(_footprint, {"videos": ("short",)}),
}


def machine() -> str:
    """What was measured on."""
    model = re.search(r"model name\s*: (.+)", _read("/proc/cpuinfo")) or ["", platform.processor() or "unknown"]
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores ({model[1]}), {platform.system()} {platform.release()},"
        f" Python {platform.python_version()}, load {load:.1f} at the start"
    )


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def written(document: str, name: str, part: str) -> str:
    """The document with a benchmark's part in its place, between its two marks."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, found, rest = document.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise SystemExit(f"{DOC} has no place for {name}: {begin} … {end}")
    return f"{before}{begin}\n{part}\n{end}{after}"


def main(names: list[str], *, quick: bool) -> None:
    """Runs them one after the other; each is written as soon as it is there."""
    for name in names:
        bench, where, when = BENCHES[name], machine(), f"{utc_now():%Y-%m-%d}"
        measure = importlib.import_module(f"tests.bench.{name}").measure
        told = asyncio.run(measure(**(bench.quick if quick else {})))
        part = bench.tell(told)
        print(f"{name}\n{part}\n", flush=True)
        if not quick:
            DOC.write_text(written(DOC.read_text(), name, f"{part}\n\n{when}, {where}."))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=BENCHES, default=list(BENCHES))
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    main(asked.only, quick=asked.quick)
