"""Spans of requests reach a real OTLP/HTTP receiver: the caller's trace goes on, and no value leaves."""

from __future__ import annotations

import builtins
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from onnxport.artifacts import UsageError
from onnxport.serving.settings import load_settings
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.serving.conftest import Running, running, settings_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from onnxport.releases import Releases

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CALLER = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "vendor=1", "x-request-id": "r-1"}
ROW = {"data": [["red", 1, True, 1.0]]}


class Collector:
    """An OTLP/HTTP receiver on loopback: what it was sent, decoded."""

    def __init__(self) -> None:
        self.requests: list[ExportTraceServiceRequest] = []
        found = self.requests

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                assert (self.path, self.headers["content-type"]) == ("/v1/traces", "application/x-protobuf")
                found.append(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.send_header("content-type", "application/x-protobuf")
                self.end_headers()
                self.wfile.write(ExportTraceServiceResponse().SerializeToString())

            def log_message(self, format: str, *args: object) -> None:  # ruff: ignore[A002] - the base's name
                del format, args

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def spans(self) -> list[Any]:
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    found = Collector()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{found.server.server_port}")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
    yield found
    found.server.shutdown()
    found.server.server_close()


@contextmanager
def traced(store: Releases, **onnx: Any) -> Iterator[Running]:
    """A service that sends what it has when it stops."""
    with running(settings_for(store, onnx={"tracing": True, **onnx})) as service:
        yield service


def values(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


def test_a_request_becomes_a_span_in_the_callers_trace(store: Releases, collector: Collector) -> None:
    with traced(store) as service:
        assert service.ask("/score/quote", ROW, headers=CALLER).status == 200
        assert service.ask("/health/live").status == 200
    (span,) = collector.spans
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)
    assert span.trace_state == "vendor=1"
    assert (span.name, span.kind) == ("POST /score/quote", span.SPAN_KIND_SERVER)
    assert span.start_time_unix_nano < span.end_time_unix_nano
    assert values(span.attributes) == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "http.route": "/score/quote",
        "onnxport.request_id": "r-1",
        "onnxport.model": "quote",
        "onnxport.version": 1,
        "onnxport.served_by": "onnx",
    }
    resource = values(collector.requests[0].resource_spans[0].resource.attributes)
    assert (resource["service.name"], resource["deployment.environment.name"]) == ("onnxport", "test")


def test_a_request_without_a_trace_begins_one_and_the_environment_names_the_service(
    store: Releases, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "scoring")
    with traced(store) as service:
        service.ask("/score/quote", ROW, headers={"traceparent": "nonsense"})
        service.ask("/score/quote", ROW)
    first, second = collector.spans
    assert first.parent_span_id == second.parent_span_id == b""
    assert first.trace_id != second.trace_id
    assert values(collector.requests[0].resource_spans[0].resource.attributes)["service.name"] == "scoring"


def test_refusals_are_spans_without_values_and_unknown_paths_are_not_named(
    store: Releases, collector: Collector
) -> None:
    with traced(store) as service:
        assert service.ask("/score/quote", {"data": [["secret-colour", 1, True, 1.0]]}).status == 400
        assert service.ask("/score/secret-path", ROW).status == 404
    refused, unknown = collector.spans
    assert values(refused.attributes)["http.response.status_code"] == 400
    assert refused.status.code == refused.status.STATUS_CODE_UNSET
    assert (unknown.name, "http.route" in values(unknown.attributes)) == ("POST", False)
    assert b"secret" not in b"".join(request.SerializeToString() for request in collector.requests)


def test_a_model_without_a_release_is_an_error_of_the_service(store: Releases, collector: Collector) -> None:
    with traced(store, models={"quote": {"reference": "quote@nowhere"}}) as service:
        assert service.ask("/score/quote", ROW).status == 503
    (span,) = collector.spans
    assert span.status.code == span.status.STATUS_CODE_ERROR


def test_a_collector_that_is_away_delays_nobody(store: Releases, collector: Collector) -> None:
    collector.server.shutdown()
    collector.server.server_close()
    with traced(store) as service:
        for _ in range(3):
            assert service.ask("/score/quote", ROW).status == 200


def test_the_callers_sampling_is_kept(
    store: Releases, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_always_off")
    with traced(store) as service:
        service.ask("/score/quote", ROW)
        service.ask("/score/quote", ROW, headers=CALLER)
    assert [span.trace_id.hex() for span in collector.spans] == [TRACE]


@pytest.mark.parametrize(
    ("environment", "config", "expected"),
    [
        ({}, "", False),
        ({}, ", tracing: true", True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, "", True),
        ({"OTEL_TRACES_EXPORTER": "none"}, ", tracing: true", False),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "true"}, ", tracing: true", False),
    ],
)
def test_tracing_is_off_unless_file_or_environment_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], config: str, expected: bool
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    path = tmp_path / "onnxport.yaml"
    path.write_text(f"onnx: {{models: {{quote: {{}}}}{config}}}")
    assert load_settings(path).onnx.tracing is expected


def test_without_tracing_nothing_of_opentelemetry_is_loaded_and_nobody_but_the_service_hears_of_answers(
    start: Callable[..., Running],
) -> None:
    import subprocess
    import sys

    code = "import sys, onnxport.serving.server; print(any(n.startswith('opentelemetry') for n in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
    from onnxport.serving.server import _answered
    from onnxport.serving.service import Service

    told = _answered(service := Service.__new__(Service), None)
    assert told == service.answered
    assert start().ask("/score/quote", ROW).status == 200


def test_tracing_without_the_extra_is_a_usage_error_that_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from onnxport.serving.tracing import Tracing

    original = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("opentelemetry"):
            raise ModuleNotFoundError(f"No module named {name!r}")
        return original(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError) as error:
        Tracing("1")
    assert "onnxport[serve,otel]" in (error.value.hint or "")


def test_log_lines_of_answers_say_which_release_answered_in_which_trace(
    start: Callable[..., Running], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", logger="onnxport.serving"):
        start(onnx={"log": "all"}).ask("/score/quote", ROW, headers=CALLER)
    (line,) = [record.__dict__["fields"] for record in caplog.records if record.message == "answered"]
    assert json.loads(json.dumps(line)) == line
    assert (line["model"], line["version"], line["served_by"]) == ("quote", 1, "onnx")
    assert (line["request_id"], line["trace_id"], line["traceparent"]) == ("r-1", TRACE, CALLER["traceparent"])
