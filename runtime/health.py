"""Liveness and readiness of a stage. They look at the consumer, not only at the broker.

Not live means: restart me. Not ready means: I am here, but records do not move.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from runtime.brake import Brake
from runtime.gate import Gate
from runtime.hand import Doing, Hand
from runtime.metrics import CONTENT_TYPE, exposed

STALE_READY, STALE_LIVE = 30.0, 180.0
"""Seconds without an answer from the broker for an idle consumer's partitions."""

MISPLACED = 3
"""Tries in a row to place a record that may fail before it is worth telling."""

OVERDUE = 60.0
"""Seconds over its deadline after which a record will not end by itself."""


class Member(Protocol):
    """What is looked at of a consumer."""

    @property
    def hand(self) -> Hand: ...
    @property
    def partitions(self) -> int: ...
    @property
    def seconds_since_poll(self) -> float | None: ...


class Heard(Protocol):
    """What is looked at of a topic that is followed without a group."""

    @property
    def silent(self) -> float:
        """Seconds since the brokers last answered."""
        ...


@dataclass(frozen=True)
class Vitals:
    """One consumer of a stage, and what it is allowed."""

    name: str
    member: Member
    brake: Brake
    gate: Gate
    deadline: float
    cancels: Heard | None = None
    """What follows the cancels of jobs."""

    def not_live(self) -> str | None:
        """Why the process must be restarted, or None."""
        hand, since = self.member.hand, self.member.seconds_since_poll
        if hand.doing is Doing.WORK and hand.seconds > self.deadline + OVERDUE:
            return f"{self.name}: a record is {hand.seconds - self.deadline:.0f} s over its deadline"
        if hand.doing is Doing.IDLE and since is not None and since > STALE_LIVE:
            return f"{self.name}: the consumer is stuck, it has not heard from the broker for {since:.0f} s"
        return None

    def not_ready(self) -> str | None:
        """Why records do not move, or None."""
        since = self.member.seconds_since_poll
        if self.brake.on:
            return f"{self.name}: stopped after {self.brake.in_a_row} unexpected errors in a row; see the log"
        if self.brake.unplaced >= MISPLACED:
            return f"{self.name}: a record could not be emitted or parked {self.brake.unplaced} times; see the log"
        if self.gate.refusal is not None:
            return f"{self.name}: {self.gate.refusal}"
        if self.member.partitions == 0:
            return f"{self.name}: no partition is assigned yet"
        if self.member.hand.doing is Doing.IDLE and since is not None and since > STALE_READY:
            return f"{self.name}: the broker has not answered for {since:.0f} s"
        if self.cancels is not None and self.cancels.silent > STALE_READY:
            return f"{self.name}: cancels of jobs have not been heard for {self.cancels.silent:.0f} s"
        return self.not_live()


async def _metrics(_: Request) -> Response:
    return Response(exposed(), media_type=CONTENT_TYPE)


METRICS = Route("/metrics", _metrics)


def metrics_app() -> Starlette:
    """/metrics of a process that answers for its health elsewhere."""
    return Starlette(routes=[METRICS])


@dataclass
class Health:
    """All consumers of a process."""

    vitals: Sequence[Vitals] = ()
    unjoined: Callable[[], str | None] = lambda: None
    """Why the process has not joined its groups."""

    def app(self) -> Starlette:
        """/livez and /readyz: 200, or 503 with the reasons; and /metrics."""
        return Starlette(
            routes=[
                Route("/livez", self._route(Vitals.not_live)),
                Route("/readyz", self._route(Vitals.not_ready, joined=True)),
                METRICS,
            ]
        )

    def problems(self, look: Callable[[Vitals], str | None] = Vitals.not_ready) -> list[str]:
        """What is wrong, a sentence each."""
        return [problem for one in self.vitals if (problem := look(one)) is not None]

    async def until_not_live(self, patience: float, pause: float = 5.0) -> list[str]:
        """Why the process must be restarted, once that has been so for `patience` seconds. Looks every `pause`."""
        since = time.monotonic()
        while True:
            problems = self.problems(Vitals.not_live)
            if not problems:
                since = time.monotonic()
            elif time.monotonic() - since >= patience:
                return problems
            await asyncio.sleep(pause)

    def _route(
        self, look: Callable[[Vitals], str | None], *, joined: bool = False
    ) -> Callable[[Request], Awaitable[JSONResponse]]:
        async def answer(_: Request) -> JSONResponse:  # in the loop, where assignments change
            why = self.unjoined() if joined else None
            problems = [why] if why else self.problems(look)
            return JSONResponse({"ok": not problems, "problems": problems}, 503 if problems else 200)

        return answer
