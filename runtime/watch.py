"""What is measured and traced of a stage's records, kept out of the worker."""

import contextlib
import re
import time
from collections.abc import Coroutine, Generator
from dataclasses import dataclass
from typing import Any, get_args

from runtime import tracing
from runtime.errors import Permanent, Transient, Unavailable
from runtime.metrics import RECORD_SECONDS, RECORDS, RECORDS_IN_HAND, RECORDS_PARKED, RECORDS_WAITING, TRIES_FAILED
from runtime.outcome import Outcome, Parked
from runtime.records import Record

BACK_OFF = "back-off"
"""What a record waits for where nobody is away."""

CODES = ("permanent", "exhausted", "unavailable", "undecodable", "crashed")
KINDS = ("transient", "unavailable", "permanent", "timeout", "unexpected")


@dataclass(frozen=True)
class Watch:
    """Watches the records of one stage."""

    stage: str

    def __post_init__(self) -> None:
        # From 0 on: Prometheus sees no increase in a series that begins at 1. The first one parked is to warn, and a
        # stage whose first record takes long is not stuck.
        for outcome in get_args(Outcome):
            RECORDS.labels(self.stage, _snake(outcome.__name__))
        for code in CODES:
            RECORDS_PARKED.labels(self.stage, code)
        for kind in KINDS:
            TRIES_FAILED.labels(self.stage, kind)

    async def settling(self, record: Record, settled: Coroutine[Any, Any, Outcome]) -> Outcome:
        """The outcome of a record, counted, timed and traced."""
        began = time.monotonic()
        with RECORDS_IN_HAND.labels(self.stage).track_inprogress(), tracing.delivered(self.stage, record) as span:
            outcome = await settled
            name = _snake(type(outcome).__name__)
            RECORDS.labels(self.stage, name).inc()
            RECORD_SECONDS.labels(self.stage, name).observe(time.monotonic() - began)
            span.set_attribute("keyframe.outcome", name)
            if isinstance(outcome, Parked):
                RECORDS_PARKED.labels(self.stage, outcome.code).inc()
                tracing.failed(span, outcome.code)
        return outcome

    def failed(self, failure: BaseException) -> None:
        """A try failed."""
        kind = _kind(failure)
        TRIES_FAILED.labels(self.stage, kind).inc()
        on = {"keyframe.on": failure.on} if isinstance(failure, Unavailable) else {}
        tracing.noted("try failed", {"keyframe.kind": kind, **on})

    @contextlib.contextmanager
    def waiting(self, on: str | None) -> Generator[None]:
        """A record in hand waits for somebody, or for its next try."""
        on = on or BACK_OFF
        with RECORDS_WAITING.labels(self.stage, on).track_inprogress(), tracing.part("wait", {"keyframe.on": on}):
            yield


def _kind(failure: BaseException) -> str:
    match failure:
        case Transient() | Permanent() | Unavailable():
            return _snake(type(failure).__name__)
        case TimeoutError():
            return "timeout"
        case _:
            return "unexpected"


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
