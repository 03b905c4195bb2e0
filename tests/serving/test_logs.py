"""Log lines are one JSON object each, with the request's ids, and never break on what a caller sends."""

from __future__ import annotations

import io
import json
import logging
import sys
from typing import TYPE_CHECKING, Any

import pytest
from onnxport.serving.logs import LOGGER, JsonLines, describe, log, log_to_stderr
from onnxport.serving.wire import Exchange

if TYPE_CHECKING:
    from collections.abc import Iterator

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Caller:
    """Who asked; answers are dropped."""

    peer = "10.0.0.7"

    def send(self, exchange: Exchange, data: bytes) -> None:
        del exchange, data


def asked(path: bytes = b"/score/quote", **headers: bytes) -> Exchange:
    exchange = Exchange(Caller(), b"POST", path, {name.encode(): value for name, value in headers.items()}, b"{}")
    exchange.request_id = b"r-1"
    exchange.status = 422
    return exchange


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """What has been written to standard error so far, after `log_to_stderr`."""
    loggers = [LOGGER, logging.getLogger("opentelemetry")]
    before = [(one, one.handlers, one.propagate, one.level) for one in loggers]
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    log_to_stderr()
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    for logger, handlers, propagate, level in before:
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)


def test_a_line_says_when_how_bad_what_and_to_what(logged: Any) -> None:
    log(logging.WARNING, "the store is away", model="quote", seconds=1.5, where={"a": object})
    logging.getLogger("opentelemetry.exporter").error("nobody takes the spans")
    first, second = logged()
    assert first["time"].endswith("+00:00")
    assert (first["level"], first["event"], first["model"], first["seconds"]) == (
        "warning",
        "the store is away",
        "quote",
        1.5,
    )
    assert (second["level"], second["event"]) == ("error", "nobody takes the spans")


def test_an_exception_stays_on_its_line() -> None:
    error = ValueError("two\nlines")
    record = LOGGER.makeRecord("x", 40, "f", 1, "broken", (), (ValueError, error, None))
    line = JsonLines().format(record)
    assert "\n" not in line
    assert "ValueError: two" in json.loads(line)["exception"]


def test_a_request_is_described_by_its_ids_route_and_status() -> None:
    exchange = asked(traceparent=TRACE.encode())
    exchange.notes = {"caller": "app"}
    assert describe(exchange) == {
        "request_id": "r-1",
        "method": "POST",
        "path": "/score/quote",
        "status": 422,
        "peer": "10.0.0.7",
        "trace_id": TRACE.split("-")[1],
        "traceparent": TRACE,
        "caller": "app",
    }


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"nonsense",
        TRACE.encode() + b"-x",
        TRACE.upper().encode(),
        b"00-" + b"0" * 32 + b"-b7ad6b7169203331-01",
        b"00-0af7651916cd43dd8448eb211c80319c-" + b"0" * 16 + b"-01",
        b'00-"}\xff\n-b7ad6b7169203331-01',
    ],
)
def test_a_traceparent_that_is_none_is_left_out(header: bytes) -> None:
    assert not {"trace_id", "traceparent"} & set(describe(asked(traceparent=header)))


def test_long_paths_are_cut_and_strange_ones_do_not_break_the_line(logged: Any) -> None:
    log(logging.INFO, "answered", **describe(asked(b"/\xff\n" + b"x" * 5_000)))
    (line,) = logged()
    assert len(line["path"]) == 200
    assert line["path"].startswith("/\ufffd\nx")
