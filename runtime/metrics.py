"""Every metric, named once with its meaning.

    python -m runtime.metrics > docs/metrics.md

Labels have few values (stages, outcomes, providers); a job's id is never one. Counters begin at 0 with each process.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

disable_created_metrics()

REGISTRY = CollectorRegistry()
"""Our own: nothing that a library counts about itself gets in, beside the process's memory, time and files."""
ProcessCollector(registry=REGISTRY)

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4

RECORD_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 900)
JOB_BUCKETS = (0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 900, 1800, 3600)
REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""Seconds."""


@dataclass(frozen=True)
class Declared:
    """A metric, as documentation and the checks of dashboards and alerts see it."""

    name: str
    kind: str
    """`counter`, `gauge` or `histogram`."""
    meaning: str
    labels: tuple[str, ...]

    @property
    def series(self) -> tuple[str, ...]:
        """The names that can be queried."""
        return tuple(f"{self.name}_{part}" for part in _PARTS) if self.kind == "histogram" else (self.name,)


_PARTS = ("bucket", "count", "sum")

DECLARED: list[Declared] = []


def _declared(name: str, kind: str, meaning: str, labels: Sequence[str]) -> None:
    DECLARED.append(Declared(name, kind, meaning, tuple(labels)))


def _counter(name: str, meaning: str, *labels: str) -> Counter:
    _declared(name, "counter", meaning, labels)
    return Counter(name, meaning, labels, registry=REGISTRY)


def _gauge(name: str, meaning: str, *labels: str) -> Gauge:
    _declared(name, "gauge", meaning, labels)
    return Gauge(name, meaning, labels, registry=REGISTRY)


def _histogram(name: str, meaning: str, *labels: str, buckets: Sequence[float]) -> Histogram:
    _declared(name, "histogram", meaning, labels)
    return Histogram(name, meaning, labels, registry=REGISTRY, buckets=buckets)


# Of every stage.
RECORDS = _counter(
    "keyframe_records_total",
    "Records that came to an outcome: emitted, repeated (from memory), parked, cancelled, given_back (polled again).",
    "stage",
    "outcome",
)
RECORD_SECONDS = _histogram(
    "keyframe_record_seconds",
    "Time that a record was in hand until its outcome, tries, back-offs and holds included.",
    "stage",
    "outcome",
    buckets=RECORD_BUCKETS,
)
RECORDS_IN_HAND = _gauge("keyframe_records_in_hand", "Records that are worked at or wait in hand.", "stage")
RECORDS_WAITING = _gauge(
    "keyframe_records_waiting",
    "Records in hand that wait for their next try, by who is away; back-off where nobody is.",
    "stage",
    "on",
)
RECORDS_PARKED = _counter(
    "keyframe_records_parked_total",
    "Records that were sent to the dead-letter queue: permanent, exhausted, unavailable, undecodable or crashed.",
    "stage",
    "code",
)
TRIES_FAILED = _counter(
    "keyframe_tries_failed_total",
    "Tries that failed: transient, unavailable, permanent, timeout, or unexpected (a bug).",
    "stage",
    "kind",
)
ARTEFACTS = _counter(
    "keyframe_artefacts_total",
    "Artefacts asked for: made, found (nothing was paid again), or damaged (found, and made as well).",
    "stage",
    "how",
)
PAID_CALLS = _counter(
    "keyframe_paid_calls_total", "Calls to providers that are paid for.", "stage", "provider", "model"
)
UNPRICED_CALLS = _counter(
    "keyframe_unpriced_calls_total",
    "Paid calls to models that schemas/prices.toml has no price for: what they cost is counted nowhere.",
    "stage",
    "provider",
    "model",
)
PAID_USD = _counter("keyframe_paid_usd_total", "What paid calls cost, in US dollars.", "stage", "provider", "model")
PAID_CALL_SECONDS = _histogram(
    "keyframe_paid_call_seconds",
    "How long paid calls took.",
    "stage",
    "provider",
    "model",
    buckets=RECORD_BUCKETS,
)
BRAKE_ON = _gauge(
    "keyframe_brake_on", "1 while the stage has stopped taking records after unexpected errors in a row.", "stage"
)
READY = _gauge("keyframe_stage_ready", "1 while records can move; /readyz says why they cannot.", "stage")

# Of the gateway.
CONSUMER_LAG = _gauge(
    "keyframe_consumer_lag_records",
    "Records of a topic that a consumer group has not committed yet; looked at every 15 seconds.",
    "group",
    "topic",
)
JOBS = _gauge("keyframe_jobs", "Jobs of the status view by status; looked at every 15 seconds.", "status")
JOB_STAGE_SECONDS = _histogram(
    "keyframe_job_stage_seconds",
    "Time of a job in a stage: from the event that the stage takes to the one that it emits, lag and holds included.",
    "stage",
    buckets=JOB_BUCKETS,
)
JOB_SECONDS = _histogram(
    "keyframe_job_seconds", "Time of a job from its request to the published video.", buckets=JOB_BUCKETS
)
PROJECTION_FAULT = _gauge(
    "keyframe_projection_fault", "1 while the last batch of events is not in the status view; /readyz says why."
)
PROJECTION_SKIPPED = _counter(
    "keyframe_projection_skipped_total", "Records that were no events, or that the database refused."
)
HTTP_REQUESTS = _counter(
    "keyframe_http_requests_total",
    "Requests that the gateway answered; a route is its template, none where there is none.",
    "route",
    "method",
    "status",
)
HTTP_REQUEST_SECONDS = _histogram(
    "keyframe_http_request_seconds",
    "Time until the gateway began its answer: how long a client takes for a file or a long answer does not count.",
    "route",
    "method",
    buckets=REQUEST_BUCKETS,
)


def exposed() -> bytes:
    """The metrics of this process in Prometheus's text format, `CONTENT_TYPE`."""
    return generate_latest(REGISTRY)


def page() -> str:
    """docs/metrics.md."""
    rows = "\n".join(
        f"| `{one.name}` | {one.kind} | {', '.join(f'`{label}`' for label in one.labels)} | {one.meaning} |"
        for one in DECLARED
    )
    return f"""# Metrics

Written from `runtime/metrics.py` by `make schemas`. A stage serves them at `/metrics` on its health port, the gateway
on a health port of its own (`KEYFRAME_HEALTH_HOST`, `KEYFRAME_HEALTH_PORT`), never on the public one. `keyframe up`
serves none. Beside these there are the usual `process_*` of the Python client.

| name | type | labels | meaning |
| --- | --- | --- | --- |
{rows}
"""


if __name__ == "__main__":
    sys.stdout.write(page())
