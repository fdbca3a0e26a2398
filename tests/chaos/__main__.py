"""The chaos suite: `python -m tests.chaos [JOBS=…] [SEED=…]`. docs/chaos.md says what it does and how to read it."""

import argparse
import asyncio
import contextlib
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from keyframe.embedded.errors import EmbeddedError
from tests.chaos import invariants
from tests.chaos.faults import EACH, KINDS, Chaos
from tests.chaos.load import Load, all_through
from tests.chaos.parts import NoDisk, NoStore
from tests.chaos.providers import Till
from tests.chaos.world import new_seed, world

FAKED_FROM = 200
"""Jobs from which on videos are only pretended to be rendered."""

SETTLE_SECONDS = 600.0
WIDTH, LONG_WIDTH = 8, 40
TELL_SECONDS = 60.0

LATENCY = (0.2, 1.2)
"""Seconds that a paid call takes."""

GAP, LONG_GAP = (2.0, 7.0), (5.0, 20.0)
"""Seconds between two faults on the same target, in the long form the second."""


def options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--jobs", type=int, default=30, help="jobs at least")
    parser.add_argument("--seed", type=int, default=None, help="repeats the plan of a run; drawn where it is not given")
    parser.add_argument("--width", type=int, help="jobs on their way at once: 8, in the long form 40")
    parser.add_argument("--calm", action="store_true", help="no fault at all")
    parser.add_argument("--keep", action="store_true", help="keep the folder of logs and data")
    # As make and people write them: JOBS=1000 SEED=7
    named = [f"--{name.lower()}={value}" for name, mark, value in (word.partition("=") for word in argv) if mark]
    plain = [word for word in argv if "=" not in word]
    return parser.parse_args([*plain, *(word.replace("----", "--") for word in named)])


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {text}", flush=True)


async def shaken(given: argparse.Namespace, seed: int, folder: Path) -> int:
    """Runs it all; the exit status."""
    (folder / "data").mkdir(parents=True)
    rng = random.Random(f"{seed} latency")  # noqa: S311 - it must be drawn again
    till = Till(folder / "paid", rng, LATENCY)
    is_long = given.jobs >= FAKED_FROM
    async with world(folder, till, given.jobs, is_long, say) as shaking:
        say(f"{len(shaking.replicas)} processes of six services are ready")
        began = time.monotonic()
        load = Load(shaking.api, till, seed, given.jobs, given.width or (LONG_WIDTH if is_long else WIDTH))
        chaos = Chaos(shaking, seed, LONG_GAP if is_long else GAP, say, again=is_long)
        await _storm(given, load, chaos)
        say(f"the last fault is over after {time.monotonic() - began:.0f} s; waiting for the jobs")
        settled = await _settle(load)
        seconds = time.monotonic() - began
        say("looking" if settled else f"not settled within {SETTLE_SECONDS:.0f} s; looking all the same")
        found = await invariants.check(shaking, load.accepted, chaos.landed)
        found.figures["answers to the users"] = ", ".join(f"{each} {n}×" for each, n in load.answers.most_common())
        found.figures["operators"] = str(dict(load.done))
        found.figures["parked"] = str(dict(await invariants.parked_on(shaking)))
    if not given.calm:
        found.wrong += [
            f"{kind}: {chaos.counts()[kind]} landed, not {EACH}" for kind in _kinds() if chaos.counts()[kind] < EACH
        ]
    _report(seed, seconds, chaos, found)
    return 1 if found.wrong else 0


async def _storm(given: argparse.Namespace, load: Load, chaos: Chaos) -> None:
    """Load and faults, until there were enough of both."""
    enough, stopping = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        following = group.create_task(load.follow())
        telling = group.create_task(_tell(load))
        asking = group.create_task(load.ask(enough))
        playing = None if given.calm else group.create_task(chaos.play(stopping))
        while not (given.calm or chaos.done):  # noqa: ASYNC110
            await asyncio.sleep(0.2)
        enough.set()
        await asking
        stopping.set()
        if playing is not None:
            await playing
        following.cancel()
        telling.cancel()


async def _tell(load: Load) -> None:
    """Says now and then how far it is; for ever."""
    while True:
        await asyncio.sleep(TELL_SECONDS)
        through = sum(job.is_through for job in load.accepted)
        say(f"{through} of {len(load.accepted)} accepted jobs are through")


async def _settle(load: Load) -> bool:
    following = asyncio.create_task(load.follow())
    try:
        return await all_through(load, SETTLE_SECONDS)
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


def _kinds() -> list[str]:
    return [f"{target} {action}" for target, actions in KINDS.items() for action in actions]


def _report(seed: int, seconds: float, chaos: Chaos, found: invariants.Found) -> None:
    print(f"\nseed {seed}, {seconds:.0f} s\n\n| fault | landed | missed | longest s | paid calls in flight |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for kind in _kinds():
        own = [fault for fault in chaos.landed if fault.kind == kind]
        longest = max((fault.ended - fault.began for fault in own), default=0.0)
        flight = sum(len(fault.in_flight) for fault in own)
        print(f"| {kind} | {len(own)} | {chaos.missed[kind]} | {longest:.1f} | {flight} |")
    print()
    for name, figure in found.figures.items():
        print(f"{name}: {figure}")
    print("\nall invariants hold" if not found.wrong else f"\n{len(found.wrong)} things are wrong:")
    for sentence in found.wrong:
        print(f"- {sentence}")


def main(argv: Sequence[str]) -> int:
    given = options(argv)
    seed = given.seed if given.seed is not None else new_seed()
    print(f"seed {seed}: python -m tests.chaos JOBS={given.jobs} SEED={seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="keyframe-chaos-"))
    folder.chmod(0o755)  # Postgres runs as another user where we are root
    status = 1
    try:
        status = asyncio.run(shaken(given, seed, folder / "run"))
    except NoStore:
        print("the object store is versitygw, and it cannot be built here: install Go", file=sys.stderr)
    except NoDisk:
        print("disks that are filled up need a tmpfs of their own: run this as root", file=sys.stderr)
    except EmbeddedError as error:
        print(error, file=sys.stderr)
    finally:
        if status and not given.keep:
            print(f"logs and data are kept in {folder}", file=sys.stderr)
        elif not given.keep:
            shutil.rmtree(folder, ignore_errors=True)
    return status


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main(sys.argv[1:]))
