"""The bill of a job: what paid calls are expected to cost is reserved first, what they did cost is charged.

A call that would take the job over its budget is not made.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from runtime.errors import Permanent
from schemas.costs import Charge


def _goes_on() -> None:
    """Nobody stops the job."""


@dataclass
class Budget:
    """What a job may cost, over all stages and all calls at once."""

    limit: float | None
    """US dollars; None is no limit."""
    spent: float = 0.0
    reserved: float = 0.0
    look: Callable[[], None] = _goes_on
    """Raises where the job has been stopped: no paid call may begin any more."""

    def reserve(self, usd: float) -> None:
        """Raises `Permanent` where the job could cost more than it may, and what `look` raises."""
        self.look()
        if self.limit is not None and self.spent + self.reserved + usd > self.limit:
            raise Permanent(
                f"the next call could cost ${usd:.4f}, and ${self.spent + self.reserved:.4f} of this job's budget"
                f" of ${self.limit:.2f} is spent or promised (KEYFRAME_JOB_BUDGET_USD)"
            )
        self.reserved += usd


@dataclass
class Bill:
    """What one artefact costs while it is made: adapters reserve before each paid call and charge after it."""

    budget: Budget
    charges: list[Charge] = field(default_factory=list[Charge])
    _reserved: list[float] = field(default_factory=list[float])
    """For each call that is not charged yet, the oldest first."""

    def reserve(self, usd: float | None) -> None:
        """To be called before a paid call with the most that it can cost; None is an unknown price.

        Raises:
            Permanent: the job's budget does not reach.
        """
        self.budget.reserve(usd or 0.0)
        self._reserved.append(usd or 0.0)

    def charge(self, charge: Charge) -> None:
        """To be called when a paid call was answered, well or badly: it is paid for, no longer promised."""
        if self._reserved:
            self.budget.reserved -= self._reserved.pop(0)
        self.budget.spent += charge.usd or 0.0
        self.charges.append(charge)

    def close(self) -> None:
        """Lets go of what was reserved; what was charged stays."""
        self.budget.reserved -= sum(self._reserved)
        self._reserved.clear()
