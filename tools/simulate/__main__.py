"""The chain on paper.

python -m tools.simulate                                   writes docs/scale.md and its plots
python -m tools.simulate --record URL RUN.json             reads a measured run off a gateway (KEYFRAME_API_TOKEN)
python -m tools.simulate --check RUN.json                  simulates the same jobs and shows both
"""

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from schemas.topics import PARTITIONS, STAGES, ServiceName
from tools.simulate.check import compare, read, recorded
from tools.simulate.measured import Providers, measured
from tools.simulate.plan import VOLUMES, bounds, latency, plan
from tools.simulate.report import compared, page

DOCS = Path("docs")
RUNS = Path(__file__).parent / "runs"
"""Measured runs that the page is held against."""


def written() -> None:
    """The page and its plots."""
    from tools.simulate.plots import growth, ladder  # noqa: PLC0415 - half a second that the check does not need

    inputs = measured()
    planned = {
        name: [(each, latency(inputs, each)) for videos in VOLUMES for each in [plan(inputs, videos, name)]]
        for name in get_args(Providers)
    }
    runs_out = {name: bounds(inputs, name) for name in get_args(Providers)}
    growth(DOCS / "scale-growth.png", planned)
    ladder(DOCS / "scale-bounds.png", runs_out)
    checks = "\n\n".join(f"{_title(path)}\n\n{compared(compare(read(path)))}" for path in sorted(RUNS.glob("*.json")))
    (DOCS / "scale.md").write_text(
        page(inputs, planned, runs_out, checks or "No run is recorded yet."), encoding="utf-8"
    )


def _title(path: Path) -> str:
    run = read(path)
    replicas = ", ".join(f"{stage} {count}" for stage, count in run.replicas.items())
    return f"`{path.name}`, {len(run.jobs)} jobs; replicas: {replicas}."


def replicas(said: str) -> Mapping[ServiceName, int]:
    """`images=4,voice=2`; one of each other stage."""
    given = dict(part.split("=") for part in said.split(",") if part)
    return {stage: int(given.get(stage, "1")) for stage in STAGES}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?", help="RUN.json, for --record")
    parser.add_argument("--check", type=Path, metavar="RUN.json")
    parser.add_argument("--record", metavar="URL")
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--replicas", type=replicas, default=replicas(""))
    parser.add_argument("--partitions", type=int, default=PARTITIONS)
    parser.add_argument("--seconds", choices=get_args(Providers), help="those of measured.toml instead of the run's")
    chosen = parser.parse_args()
    if chosen.record:
        token = os.environ.get("KEYFRAME_API_TOKEN")
        run = recorded(chosen.record, chosen.jobs, chosen.replicas, chosen.partitions, token)
        chosen.file.write_text(run.model_dump_json(indent=1), encoding="utf-8")
    elif chosen.check:
        known = measured() if chosen.seconds else None
        sys.stdout.write(compared(compare(read(chosen.check), known, chosen.seconds or "offline")) + "\n")
    else:
        written()


if __name__ == "__main__":
    main()
