"""What goes wrong: a deck of faults for each target, drawn from a seed, each played until it landed on work in hand."""

import asyncio
import os
import random
import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from schemas.topics import STAGES, ServiceName
from tests.chaos.parts import Disk
from tests.chaos.providers import Call
from tests.chaos.proxy import Proxy, Shut, work_under_way
from tests.chaos.replicas import Replica
from tests.chaos.world import World

SESSION = 10.0
"""Seconds after which the broker gives a silent member's partitions to another (runtime/kafka/log.py)."""

EACH = 5
"""Faults of each kind that must land."""

LONG = (SESSION + 1.0, SESSION + 4.0)
SHORT = (0.5, 4.0)
"""Seconds of a pause or a cut, and of how long something that was killed stays away."""

MOST_GAP = 15.0
"""Seconds for which a target is left alone at the most."""

PATIENCE = 20.0
"""Seconds to wait for work to land on, and for a disk that is full to be noticed."""

KINDS = {
    "stage": ("killed", "paused", "cut off"),
    "gateway": ("killed", "paused", "cut off"),
    "broker": ("killed", "paused", "cut off"),
    "database": ("killed", "paused", "cut off"),
    "store": ("killed", "paused", "cut off", "filled up"),
    "scratch": ("filled up",),
}


@dataclass(frozen=True)
class Plan:
    """A fault to come."""

    target: str
    action: str
    seconds: float
    stage: ServiceName
    how: Shut
    gap: float
    """Seconds before it."""


@dataclass(frozen=True)
class Fault:
    """A fault that landed."""

    plan: Plan
    on: str
    began: float
    ended: float
    work: int
    """Requests, or records, that it found under way."""
    in_flight: tuple[Call, ...] = ()
    """Paid calls whose result it may have cost."""

    @property
    def kind(self) -> str:
        return f"{self.plan.target} {self.plan.action}"


def deck(rng: random.Random, target: str, gap: tuple[float, float]) -> list[Plan]:
    """`EACH` of each kind, one of the pauses and cuts longer than a session, in a drawn order."""
    plans = [
        Plan(
            target,
            action,
            rng.uniform(*(LONG if number == 0 and action in ("paused", "cut off") else SHORT)),
            STAGES[number % len(STAGES)],
            "refused" if number % 2 else "silent",
            rng.uniform(*gap),
        )
        for action in KINDS[target]
        for number in range(EACH)
    ]
    rng.shuffle(plans)
    return plans


@dataclass
class Chaos:
    """Plays the decks of all targets at once."""

    world: World
    seed: int
    gap: tuple[float, float]
    say: Callable[[str], None]
    again: bool = False
    """Whether decks are played again for as long as there is load."""
    landed: list[Fault] = field(default_factory=list)
    missed: Counter[str] = field(default_factory=Counter)
    _played: set[str] = field(default_factory=set)
    """The targets whose first deck is through."""

    @property
    def done(self) -> bool:
        """Whether every kind has landed as often as it must."""
        return self._played == set(KINDS)

    async def play(self, stopping: asyncio.Event) -> None:
        """Plays deck after deck until it is told to stop, and ends the faults that it has begun."""
        async with asyncio.TaskGroup() as group:
            for target in KINDS:
                group.create_task(self._lane(target, stopping))

    def counts(self) -> Counter[str]:
        return Counter(fault.kind for fault in self.landed)

    async def _lane(self, target: str, stopping: asyncio.Event) -> None:
        rng = random.Random(f"{self.seed} {target}")  # noqa: S311 - it must be drawn again
        lasted = 0.0
        while not stopping.is_set() and (self.again or target not in self._played):
            left = deck(rng, target, self.gap)
            while left:
                # What was away long is there as long before it goes again: else nothing would ever be done.
                await _within(stopping.wait(), max(left[0].gap, min(lasted, MOST_GAP)))
                if stopping.is_set():
                    return
                plan = await self._next(left)
                began = time.monotonic()
                fault = await self._inflict(plan)
                lasted = time.monotonic() - began
                if fault is None:
                    self.missed[f"{plan.target} {plan.action}"] += 1
                    continue
                left.remove(plan)
                self.landed.append(fault)
                seconds = fault.ended - fault.began
                self.say(f"{fault.on} {plan.action} for {seconds:.1f} s, with {fault.work} under way")
            self._played.add(target)

    async def _next(self, left: Sequence[Plan]) -> Plan:
        """The next of the deck; of those for a stage, the next one whose stage has a record in hand."""
        if left[0].target == "stage":
            deadline = time.monotonic() + PATIENCE
            while time.monotonic() < deadline:
                for plan in left:
                    if await self._busy(plan.stage, 0.0) is not None:
                        return plan
                await asyncio.sleep(0.1)
        return left[0]

    async def _inflict(self, plan: Plan) -> Fault | None:
        match plan.target:
            case "stage":
                return await self._on_replica(plan, await self._busy(plan.stage, 1.0))
            case "gateway":
                work = await work_under_way(self.world.gateway.doors, PATIENCE)
                return await self._on_replica(plan, self.world.gateway if work else None)
            case "scratch":
                return await self._on_scratch(plan)
            case "store" if plan.action == "filled up":
                return await self._on_disk(plan)
            case _:
                return await self._on_part(plan)

    async def _busy(self, stage: ServiceName, seconds: float = PATIENCE) -> Replica | None:
        """A replica of the stage that has a record in hand."""
        deadline = time.monotonic() + seconds
        while True:
            for replica in self.world.of(stage):
                if not replica.paused and await replica.has_work():
                    return replica
            if time.monotonic() >= deadline:
                return None
            await asyncio.sleep(0.05)

    async def _on_replica(self, plan: Plan, replica: Replica | None) -> Fault | None:
        if replica is None:
            return None
        lasts = plan.action == "killed" or plan.seconds > SESSION
        flight = self._flight([replica]) if lasts else ()
        began = time.monotonic()
        match plan.action:
            case "killed":
                replica.kill()
                await self._is_back(replica)
            case "paused":
                replica.pause()
                await asyncio.sleep(plan.seconds)
                replica.go_on()
            case _:
                await self._cut(replica.doors, plan)
                flight += self._flight([replica]) if lasts else ()
        return Fault(plan, replica.name, began, time.monotonic(), 1, flight)

    async def _is_back(self, replica: Replica) -> None:
        """A gateway that is killed at each start would let no work in."""
        if replica is self.world.gateway:
            await replica.until_ready(3 * PATIENCE)

    async def _on_part(self, plan: Plan) -> Fault | None:
        """The broker, the database or the store."""
        part, doors = self.world.part(plan.target)
        work = await work_under_way(doors, PATIENCE)
        if not work:
            return None
        pays = plan.target != "database" and (plan.action == "killed" or plan.seconds > SESSION)
        flight = self._flight(self.world.stages) if pays else ()
        began = time.monotonic()
        match plan.action:
            case "killed":
                await part.kill()
                await asyncio.sleep(plan.seconds)
                await part.come_back()
            case "paused":
                os.killpg(part.group, signal.SIGSTOP)
                await asyncio.sleep(plan.seconds)
                os.killpg(part.group, signal.SIGCONT)
            case _:
                await self._cut(doors, plan)
        flight += self._flight(self.world.stages) if pays else ()
        return Fault(plan, plan.target, began, time.monotonic(), work, flight)

    async def _cut(self, doors: Sequence[Proxy], plan: Plan) -> None:
        by = f"{plan.target} {plan.action}"
        for one in doors:
            one.shut(by, plan.how)
        await asyncio.sleep(plan.seconds)
        for one in doors:
            one.reopen(by)

    async def _on_disk(self, plan: Plan) -> Fault | None:
        """The store's disk is full until the store has refused something for it."""
        doors = self.world.part("store")[1]
        if not await work_under_way(doors, PATIENCE):
            return None

        def refused() -> int:
            return sum(one.errors for one in doors)

        return await self._filled(plan, refused, self.world.store_disk)

    async def _on_scratch(self, plan: Plan) -> Fault | None:
        """The disk that videos are rendered on is full until a render has failed for it."""
        replica = await self._busy(ServiceName.ASSEMBLER)
        if replica is None or await replica.waits():
            return None

        def refused() -> int:
            logs = (replica.log.read_text(errors="replace") for replica in self.world.of(ServiceName.ASSEMBLER))
            return sum(len(re.findall(r'"on": "(?:scratch )?disk"', log)) for log in logs)

        return await self._filled(plan, refused, self.world.scratch_disk)

    async def _filled(self, plan: Plan, refused: Callable[[], int], disk: Disk) -> Fault | None:
        before, began = refused(), time.monotonic()
        disk.fill()
        try:
            await asyncio.sleep(plan.seconds)
            while refused() == before and time.monotonic() < began + PATIENCE:
                disk.fill()  # what somebody has removed since
                await asyncio.sleep(0.1)
            work = refused() - before
        finally:
            disk.free()
        return Fault(plan, plan.target, began, time.monotonic(), work) if work else None

    def _flight(self, replicas: Sequence[Replica]) -> tuple[Call, ...]:
        return tuple(
            call
            for replica in replicas
            if replica.at_once
            for call in self.world.till.in_flight(replica.name, replica.at_once)
        )


async def _within(waiting: "asyncio.Future[object] | object", seconds: float) -> None:
    try:
        await asyncio.wait_for(waiting, seconds)  # type: ignore[arg-type]
    except TimeoutError:
        return
