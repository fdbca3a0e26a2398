"""How long a job was in each stage and on its whole way, read off what is known of it."""

from collections.abc import Iterator

from runtime.metrics import JOB_SECONDS, JOB_STAGE_SECONDS
from schemas.topics import STAGES
from services.gateway.known import JobView, RevisionView

_PUBLISHED = len(STAGES)
"""The position of the chain's last event; that of a stage's answer is one above that of what it takes."""


def observe(before: JobView | None, after: JobView | None) -> None:
    """Measures what has come to be known of a job: each time once, in whatever order its events come."""
    for number, revision in after.revisions.items() if after else ():
        earlier = before.revisions.get(number) if before else None
        for first, last, seconds in _new(earlier, revision):
            if last - first == 1:
                JOB_STAGE_SECONDS.labels(STAGES[first]).observe(seconds)
            else:
                JOB_SECONDS.observe(seconds)


def _new(before: RevisionView | None, after: RevisionView) -> Iterator[tuple[int, int, float]]:
    """Two positions of the chain of which both times are known since now, and the seconds between them."""
    ways = [*((position, position + 1) for position in range(_PUBLISHED)), (0, _PUBLISHED)]
    for first, last in ways:
        knew = before is not None and first in before.emitted and last in before.emitted
        if first in after.emitted and last in after.emitted and not knew:
            yield first, last, max(0.0, (after.emitted[last] - after.emitted[first]).total_seconds())
