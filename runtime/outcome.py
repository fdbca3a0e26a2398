"""What became of a record."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Emitted:
    """The stage ran; its answer is remembered and published."""

    event_id: str


@dataclass(frozen=True)
class Repeated:
    """The answer was remembered from an earlier delivery; it is published again and no work was done."""

    event_id: str


@dataclass(frozen=True)
class Parked:
    """The stage gave up: the record lies in the dead-letter queue and `job.failed` is published."""

    code: str
    reason: str


@dataclass(frozen=True)
class Cancelled:
    """The user has stopped the job: the record is settled without an answer."""


@dataclass(frozen=True)
class GivenBack:
    """The record is not done: it is polled again, here or by whoever has the partition next."""

    why: str


Outcome = Emitted | Repeated | Parked | Cancelled | GivenBack
