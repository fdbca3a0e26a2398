"""How often, how long and how far apart a record is tried: pure decisions."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from runtime.artefacts import Artefacts
from runtime.errors import Permanent, StageError, Unavailable
from runtime.settings import StageSettings

BACKOFF_BASE, BACKOFF_CAP = 0.5, 30.0
"""Seconds. Full jitter: uniform between 0 and the cap of the try (AWS Architecture Blog, 2015)."""

HOLD_BASE, HOLD_CAP = 1.0, 30.0
"""Seconds; never less than the base, whatever the other side asks for."""

HOLD_SLICE = timedelta(seconds=120)
"""How long a hold lasts before the record is given back and polled again, so that the consumer keeps polling."""

Jitter = Callable[[float], float]
"""Draws a number between 0 and its argument."""


@dataclass(frozen=True)
class Retry:
    """Try again then."""

    next_try: datetime


@dataclass(frozen=True)
class Hold:
    """Wait for who is away; the record stays in hand."""

    on: str
    reason: str
    since: datetime
    next_try: datetime


@dataclass(frozen=True)
class GiveUp:
    """Park the record."""

    code: str
    reason: str


Verdict = Retry | Hold | GiveUp


@dataclass
class Trial:
    """What is known of a record's tries in this process; it survives a give-back, not a restart."""

    turn: tuple[str, int]
    """Whose tries they are: a record's id and how often it was redriven."""
    tries: int = 0
    refused_since: datetime | None = None
    refusals: int = 0
    next_try: datetime | None = None
    waits_for: str | None = None
    """Who is away, where that is why there is a next try."""
    given_up: GiveUp | None = None
    """Kept so that a park that fails does not run the stage again."""
    artefacts: Artefacts | None = None
    """Those of the last try, with what they cost so far."""


def judge(failure: Exception, trial: Trial, settings: StageSettings, now: datetime, jitter: Jitter) -> Verdict:
    """What to do after a failed try; the failure is counted in `trial`."""
    cause = innermost(failure)
    if isinstance(cause, Unavailable):
        verdict = _held(cause, trial, settings, now, jitter)
    else:
        verdict = _counted(cause, trial, settings, now, jitter)
    match verdict:
        case GiveUp():
            trial.given_up = verdict
        case Retry(next_try):
            trial.next_try, trial.waits_for = next_try, None
        case Hold(on=on, next_try=next_try):
            trial.next_try, trial.waits_for = next_try, on
    return verdict


def _counted(cause: BaseException, trial: Trial, settings: StageSettings, now: datetime, jitter: Jitter) -> Verdict:
    trial.tries += 1
    if isinstance(cause, Permanent):
        return GiveUp("permanent", str(cause))
    if trial.tries >= settings.attempts:
        return GiveUp("exhausted", _sentence(cause, settings))
    return Retry(now + timedelta(seconds=jitter(min(BACKOFF_CAP, BACKOFF_BASE * 2**trial.tries))))


def _held(refusal: Unavailable, trial: Trial, settings: StageSettings, now: datetime, jitter: Jitter) -> Verdict:
    since = trial.refused_since = trial.refused_since or now
    trial.refusals += 1
    if not refusal.refused and (now - since).total_seconds() >= settings.patience:
        return GiveUp("unavailable", str(refusal))
    after = jitter(min(HOLD_CAP, HOLD_BASE * 2 ** min(trial.refusals, 10)))
    if refusal.retry_after is not None:
        after = refusal.retry_after
    if not refusal.refused:  # whoever asks for more than our patience is asked once more at its end
        after = min(after, settings.patience - (now - since).total_seconds())
    after = max(after, HOLD_BASE)
    return Hold(refusal.on, str(refusal), since, now + timedelta(seconds=after))


def innermost(failure: BaseException) -> BaseException:
    """The failure itself, or the gravest one inside an exception group."""
    if not isinstance(failure, BaseExceptionGroup):
        return failure
    group = cast("BaseExceptionGroup[BaseException]", failure)
    return min(map(innermost, group.exceptions), key=lambda one: not isinstance(one, Permanent))


def _sentence(cause: BaseException, settings: StageSettings) -> str:
    match cause:
        case StageError():
            return str(cause)
        case TimeoutError():
            return f"a try took longer than its {settings.deadline:g} seconds"
        case _:
            return f"an unexpected error ({type(cause).__name__}); the log has the details"
