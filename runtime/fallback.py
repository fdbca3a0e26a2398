"""A chain of providers: the next one steps in for one that has been away for too long."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from runtime.clock import Clock, utc_now
from runtime.errors import Unavailable

Provider = TypeVar("Provider")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Served(Generic[Result]):
    """A result, and who it is owed to."""

    result: Result
    degraded: str | None
    """Why the first provider of the chain did not serve, where it did not."""


FORGOTTEN = timedelta(minutes=10)
"""Without a refusal for so long nobody knows that a provider is still away: records that wait ask every half minute."""


@dataclass(frozen=True)
class _Absence:
    """When a provider was first unavailable, and when last."""

    since: datetime
    seen: datetime


@dataclass
class Fallback(Generic[Provider]):
    """The providers of a stage in the order of preference; shared by its records.

    Args:
        after: how long a provider must have been unavailable before the next steps in.
    """

    providers: Sequence[Provider]
    after: timedelta
    clock: Clock = utc_now
    _away: dict[int, "_Absence"] = field(default_factory=dict[int, "_Absence"], init=False)

    def chain(self) -> "Chain[Provider]":
        """The chain for one record, beginning at the provider that is preferred."""
        return Chain(self, tuple(range(len(self.providers))))

    def came_back(self, position: int) -> None:
        """The provider has served."""
        self._away.pop(position, None)

    def left(self, position: int) -> float:
        """Notes that the provider was unavailable; the seconds until it has been for too long, if above 0."""
        now = self.clock()
        absence = self._away.get(position)
        if absence is None or now - absence.seen > FORGOTTEN:
            absence = _Absence(now, now)
        self._away[position] = _Absence(absence.since, now)
        return (absence.since + self.after - now).total_seconds()


@dataclass
class Chain(Generic[Provider]):
    """One record's way along the chain: once the next provider has stepped in, it does all that is left."""

    _fallback: Fallback[Provider]
    _order: tuple[int, ...]
    _step: int = 0
    _reason: str | None = None

    def among(self, suits: Callable[[Provider], bool]) -> "Chain[Provider]":
        """The chain without the stand-ins that do not suit the record; the first choice stays."""
        first, *others = self._order
        return Chain(self._fallback, (first, *(each for each in others if suits(self._fallback.providers[each]))))

    async def call(self, use: Callable[[Provider], Awaitable[Result]]) -> Served[Result]:
        """Uses the provider at hand.

        Raises:
            Unavailable: it is away, and not for long enough, or there is no other. It asks for no longer a wait
                than until the next may step in.
        """
        while True:
            step = self._step
            position = self._order[step]
            try:
                result = await use(self._fallback.providers[position])
            except Unavailable as away:
                left = self._fallback.left(position)
                if step + 1 == len(self._order):
                    raise
                if left > 0:
                    away.retry_after = left if away.retry_after is None else min(left, away.retry_after)
                    raise
                if step == self._step:  # several calls may fail at once; one step is enough
                    self._step, self._reason = step + 1, str(away)
            else:
                self._fallback.came_back(position)
                return Served(result, self._reason if step else None)
