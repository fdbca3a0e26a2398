"""A collector on loopback: takes OTLP over HTTP, and gives the spans as a test looks at them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from runtime.http import serving
from runtime.tracing import TraceSettings

ROOT = ""


@dataclass(frozen=True)
class Seen:
    """A span as it was exported."""

    span: Span
    service: str

    @property
    def name(self) -> str:
        return self.span.name

    @property
    def id(self) -> str:
        return self.span.span_id.hex()

    @property
    def parent(self) -> str:
        """The id of the parent; empty of a root."""
        return self.span.parent_span_id.hex()

    @property
    def trace(self) -> str:
        return self.span.trace_id.hex()

    @property
    def attributes(self) -> dict[str, Any]:
        return {each.key: getattr(each.value, str(each.value.WhichOneof("value"))) for each in self.span.attributes}

    @property
    def failure(self) -> str | None:
        """What the span's status says of a failure."""
        return self.span.status.message if self.span.status.code == self.span.status.STATUS_CODE_ERROR else None


@dataclass
class Collector:
    """What has come in."""

    settings: TraceSettings
    spans: list[Seen] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def named(self, name: str) -> list[Seen]:
        return [each for each in self.spans if each.name == name]

    def children(self, parent: Seen) -> list[Seen]:
        return [each for each in self.spans if each.parent == parent.id]

    def take(self, body: bytes) -> None:
        self.bodies.append(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            [service] = [each.value.string_value for each in resource.resource.attributes if each.key == "service.name"]
            self.spans += [Seen(span, service) for scope in resource.scope_spans for span in scope.spans]


@asynccontextmanager
async def collecting() -> AsyncGenerator[Collector]:
    """A collector for as long as the context is open; its settings name it."""

    async def take(request: Request) -> Response:
        collector.take(await request.body())
        return Response(ExportTraceServiceResponse().SerializeToString(), media_type="application/x-protobuf")

    async with serving(Starlette(routes=[Route("/v1/traces", take, methods=["POST"])]), "127.0.0.1", 0) as address:
        collector = Collector(TraceSettings(otel_exporter_otlp_endpoint=address))
        yield collector
