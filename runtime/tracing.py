"""Traces: one shows a job from its request to its video. Nothing is recorded unless an endpoint is set.

A job is a trace, and an event is the span of its publishing: schemas/envelope.py derives both ids, so that a
redelivery emits the same bytes. A stage's span hangs under the span that published its record, and the one that
publishes its answer hangs under the stage's. Attributes hold names and numbers, no text of a user or a provider.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Generator, Mapping
from contextvars import ContextVar
from uuid import UUID

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, NoOpTracer, Span, SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from pydantic_settings import SettingsConfigDict

from runtime.cancellations import Stopped
from runtime.hand import GivenUp
from runtime.records import Record
from runtime.settings import Settings
from schemas.envelope import Envelope

TRACEPARENT = "traceparent"

_W3C = TraceContextTextMapPropagator()
_tracer: Tracer = NoOpTracer()

next_trace_id: ContextVar[int | None] = ContextVar("next_trace_id", default=None)
next_span_id: ContextVar[int | None] = ContextVar("next_span_id", default=None)
"""The ids that the next span gets; it draws them where they are None."""


class TraceSettings(Settings):
    """The standard variables; OTEL_EXPORTER_OTLP_HEADERS and the others are read from the environment alone."""

    model_config = SettingsConfigDict(env_prefix="")

    otel_exporter_otlp_endpoint: str | None = None
    """Who takes OTLP over HTTP, such as http://tempo:4318; there are no traces where it is not set."""
    otel_exporter_otlp_traces_endpoint: str | None = None
    """The same for traces alone, with the path."""

    @property
    def address(self) -> str | None:
        """Where spans are posted to."""
        if self.otel_exporter_otlp_traces_endpoint or not self.otel_exporter_otlp_endpoint:
            return self.otel_exporter_otlp_traces_endpoint
        return f"{self.otel_exporter_otlp_endpoint.rstrip('/')}/v1/traces"


@contextlib.asynccontextmanager
async def exporting(service: str, settings: TraceSettings) -> AsyncGenerator[None]:
    """Spans of this process are exported under the service's name for as long as the context is open."""
    global _tracer  # noqa: PLW0603 - as the logs, they are configured once for a process
    if settings.address is None:
        yield
        return
    from runtime.span_export import SpanExport  # noqa: PLC0415 - 5 MB that nobody else pays for

    export = SpanExport(service, settings.address)
    _tracer = export.tracer
    try:
        yield
    finally:
        _tracer = NoOpTracer()
        await asyncio.to_thread(export.close)


@contextlib.contextmanager
def requested(name: str, job_id: str, client: str | None) -> Generator[None]:
    """The root: a request that is to become a job. The client's own `traceparent` becomes a link."""
    given = trace.get_current_span(_W3C.extract({TRACEPARENT: client or ""}, Context())).get_span_context()
    links = [Link(given)] if given.is_valid else []
    with _ids(UUID(job_id).hex):
        span = _tracer.start_span(name, Context(), kind=SpanKind.SERVER, links=links)
    with _open(span):
        yield


@contextlib.contextmanager
def delivered(name: str, record: Record) -> Generator[Span]:
    """A stage has a record in hand: a child of the span that published it."""
    parent = next((raw for header, raw in record.headers if header == TRACEPARENT), None) or b""
    context = _W3C.extract({TRACEPARENT: parent.decode("ascii", "replace")}, Context())
    attributes = {
        "messaging.system": "kafka",
        "messaging.destination.name": record.topic,
        "messaging.destination.partition.id": str(record.partition),
        "messaging.kafka.offset": record.offset,
    }
    with _open(_tracer.start_span(name, context, kind=SpanKind.CONSUMER, attributes=attributes)) as span:
        yield span


@contextlib.contextmanager
def part(name: str, attributes: Mapping[str, str]) -> Generator[Span]:
    """A part of the work in hand."""
    with _open(_tracer.start_span(name, attributes=attributes)) as span:
        yield span


@contextlib.contextmanager
def publishing(envelope: Envelope, *, again: bool = False) -> Generator[None]:
    """An event goes to the log; what takes it from there is a child of this span. Outside of any span it is a root.

    The id in the event's `traceparent` belongs to the publish that succeeded first: one that fails, or that publishes
    `again`, draws its own.
    """
    began, failure = time.time_ns(), None
    try:
        yield
    except BaseException as error:
        failure = error
        raise
    finally:
        _, trace_id, span_id, _ = envelope.traceparent.split("-")
        with _ids(trace_id, None if again or failure is not None else span_id):
            span = _tracer.start_span(f"publish {envelope.type}", kind=SpanKind.PRODUCER, start_time=began)
        if failure is not None:
            failed(span, type(failure).__name__)
        span.end()


def noted(event: str, attributes: Mapping[str, str | float]) -> None:
    """Something happened in the span at hand."""
    trace.get_current_span().add_event(event, attributes)


def failed(span: Span, kind: str) -> None:
    """What the span stands for failed. Its kind alone: the log has the reason, under the same trace."""
    span.set_status(StatusCode.ERROR, kind)


@contextlib.contextmanager
def _ids(trace_id: str, span_id: str | None = None) -> Generator[None]:
    """The ids in hexadecimal that a span gets: the trace's unless it has a parent, its own unless that is None."""
    given = next_trace_id.set(int(trace_id, 16)), next_span_id.set(int(span_id, 16) if span_id else None)
    try:
        yield
    finally:
        next_trace_id.reset(given[0])
        next_span_id.reset(given[1])


@contextlib.contextmanager
def _open(span: Span) -> Generator[Span]:
    with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield span
        except (GivenUp, Stopped) as end:  # given back to its topic, or cancelled by its user: nothing has failed
            span.set_attribute("keyframe.ended", type(end).__name__)
            raise
        except BaseException as error:
            failed(span, type(error).__name__)
            raise
