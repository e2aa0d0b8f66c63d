"""Where time goes, for an OpenTelemetry collector: a span for each request, with nothing about anybody in it.

Loaded only if there is a collector. FastAPI's own telemetry stays off: it sends paths and queries, which name patients,
and the words of errors, which may hold their values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode

from service.api.metrics import METHODS, NO_ROUTE
from service.api.shell import PROBES

if TYPE_CHECKING:
    from fastapi import FastAPI
    from opentelemetry.trace import Span, Tracer
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_SECONDS_TO_SEND = 2.0
MOST_WAITING = 2048


class Collector:
    """What spans are sent to: by a thread of its own, some at a time. While it is away, spans are dropped.

    Its environment variables count (OTEL_EXPORTER_OTLP_HEADERS, OTEL_TRACES_SAMPLER, OTEL_RESOURCE_ATTRIBUTES, ...).
    """

    def __init__(self, endpoint: str) -> None:
        exporter = OTLPSpanExporter(endpoint=endpoint, timeout=MOST_SECONDS_TO_SEND)
        self._provider = TracerProvider(
            resource=Resource.create({SERVICE_NAME: "recurrence-risk"}), shutdown_on_exit=False
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=MOST_WAITING))

    def watch(self, app: FastAPI) -> None:
        """Have every request of an app traced; to be called after all other middleware is added."""
        app.add_middleware(Tracing, tracer=self._provider.get_tracer("service"))

    def close(self) -> None:
        """Send the rest, if the collector takes it, and stop."""
        self._provider.shutdown()


class Tracing:
    """Middleware around everything: one span a request, but none for the probes, which ask all the time."""

    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        self.app = app
        self.tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["path"] in PROBES:
            await self.app(scope, receive, send)
            return
        status = 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        # What an error says may hold values: it is not written down.
        with self.tracer.start_as_current_span(
            "request", kind=SpanKind.SERVER, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                await self.app(scope, receive, noting)
            finally:
                _describe(span, scope, status)


def _describe(span: Span, scope: Scope, status: int) -> None:
    """Name a span by the route's template, which the shell has found, and what came of it."""
    method = scope["method"] if scope["method"] in METHODS else "other"
    route = scope["state"]["template"] or NO_ROUTE
    span.update_name(f"{method} {route}")
    span.set_attributes(
        {
            "http.request.method": method,
            "http.route": route,
            "http.response.status_code": status,
            "request_id": scope["state"]["request_id"],
        }
    )
    if status >= 500:
        span.set_status(StatusCode.ERROR)
