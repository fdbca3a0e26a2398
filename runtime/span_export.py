"""Spans to a collector, by OpenTelemetry's SDK. Imported only where spans are exported."""

import threading

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from runtime.tracing import next_span_id, next_trace_id

LAST_SECONDS = 5.0
"""For the spans that are still here when the process ends."""


class _Ids(RandomIdGenerator):
    """The ids that were asked for, else random ones."""

    def generate_trace_id(self) -> int:
        return next_trace_id.get() or super().generate_trace_id()

    def generate_span_id(self) -> int:
        return next_span_id.get() or super().generate_span_id()

    def is_trace_id_random(self) -> bool:
        return False


class SpanExport:
    """A tracer whose spans go to an address in batches.

    Every trace is recorded: a `traceparent` on the log always says so, and who samples does it in the collector.
    """

    def __init__(self, service: str, address: str) -> None:
        self._processor = BatchSpanProcessor(OTLPSpanExporter(address))
        provider = TracerProvider(
            ALWAYS_ON, Resource.create({"service.name": service}), shutdown_on_exit=False, id_generator=_Ids()
        )
        provider.add_span_processor(self._processor)
        self.tracer = provider.get_tracer("keyframe")

    def close(self) -> None:
        """Sends what is left; blocks for a few seconds at the most, whatever the collector does."""
        last = threading.Thread(target=self._processor.shutdown, daemon=True)
        last.start()
        last.join(LAST_SECONDS)
