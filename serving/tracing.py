"""OpenTelemetry spans of requests for predictions, sent by OTLP/HTTP as the standard OTEL_* variables say.

A span is made when its request is answered, with the times that the exchange remembers anyway: without tracing no
request does anything for it. It holds no feature values.
"""

from __future__ import annotations

import time
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from onnxport.artifacts import UsageError

if TYPE_CHECKING:
    from collections.abc import Container

    from .wire import Exchange

_FAILED: Final = 500
_FLUSH_MS: Final = 3_000
_NOTES: Final = {"model": "onnxport.model", "version": "onnxport.version", "served_by": "onnxport.served_by"}


class Tracing:
    """Makes spans and hands them to a thread that sends them."""

    def __init__(self, version: str) -> None:
        """Spans are sent from now on.

        Raises:
            UsageError: The extra `otel` is not installed.
        """
        try:
            from opentelemetry import trace  # ruff: ignore[PLC0415] - an extra
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # ruff: ignore[PLC0415] - an extra
                OTLPSpanExporter,
            )
            from opentelemetry.sdk.resources import Resource  # ruff: ignore[PLC0415] - an extra
            from opentelemetry.sdk.trace import TracerProvider  # ruff: ignore[PLC0415] - an extra
            from opentelemetry.sdk.trace.export import BatchSpanProcessor  # ruff: ignore[PLC0415] - an extra
            from opentelemetry.trace.propagation.tracecontext import (  # ruff: ignore[PLC0415] - an extra
                TraceContextTextMapPropagator,
            )
        except ModuleNotFoundError as error:
            raise UsageError(
                f"onnx.tracing needs OpenTelemetry: {error}",
                hint="Install it: pip install 'onnxport[serve,otel]'.",
            ) from error
        resource = Resource.create({"service.version": version})
        if str(resource.attributes["service.name"]).startswith("unknown_service"):  # nothing in OTEL_*
            resource = resource.merge(Resource({"service.name": "onnxport"}))
        self._provider: Final = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer: Final = self._provider.get_tracer("onnxport.serving", version)
        self._extract: Final = TraceContextTextMapPropagator().extract
        self._trace: Final = trace

    def answered(self, exchange: Exchange, known: Container[bytes]) -> None:
        """An answer to a POST goes out: it becomes a span, a child of the caller's `traceparent`.

        Args:
            exchange: The request and its answer's status.
            known: The paths that are routes: others are not named, there is no end to them.
        """
        if exchange.method != b"POST":
            return
        trace, now = self._trace, time.time_ns()
        carrier = {
            name: exchange.headers[name.encode()].decode("latin-1")
            for name in ("traceparent", "tracestate")
            if name.encode() in exchange.headers
        }
        attributes: dict[str, Any] = {
            "http.request.method": "POST",
            "http.response.status_code": exchange.status,
            "onnxport.request_id": exchange.request_id.decode("latin-1"),
        }
        name = "POST"
        if exchange.path in known:
            attributes["http.route"] = route = exchange.path.decode()
            name = f"POST {route}"
        notes = exchange.notes or {}
        attributes |= {full: notes[short] for short, full in _NOTES.items() if short in notes}
        span = self._tracer.start_span(
            name,
            context=self._extract(carrier),
            kind=trace.SpanKind.SERVER,
            attributes=attributes,
            start_time=now - int((perf_counter() - exchange.started) * 1e9),
        )
        if exchange.status >= _FAILED:
            span.set_status(trace.StatusCode.ERROR)
        span.end(now)

    def close(self) -> None:
        """What is left is sent, for at most a few seconds."""
        self._provider.force_flush(_FLUSH_MS)
        self._provider.shutdown()
