"""Structured log lines: one JSON object each, with the request's ids, and no feature values."""

from __future__ import annotations

import logging
import re
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from .wire import Exchange

LOGGER: Final = logging.getLogger("onnxport.serving")
_MOST_CHARACTERS: Final = 200
_TRACEPARENT: Final = re.compile(rb"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
"""Version, trace, parent, flags: https://www.w3.org/TR/trace-context."""


class JsonLines(logging.Formatter):
    """A record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        fields: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **({} if record.name == LOGGER.name else {"logger": record.name}),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(fields, default=str).decode()


def log_to_stderr() -> None:
    """Log lines of the service go to standard error, and so do the warnings of libraries: every line is JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.getLogger().handlers = [handler]
    LOGGER.handlers = [handler]
    LOGGER.propagate = False
    LOGGER.setLevel(logging.INFO)
    logging.captureWarnings(capture=True)


def log(level: int, event: str, /, **fields: Any) -> None:  # ruff: ignore[ANN401] - whatever JSON can hold
    """One line: what happened, and to what."""
    LOGGER.log(level, event, extra={"fields": fields})


def describe(exchange: Exchange) -> dict[str, Any]:
    """What a log line says about a request: ids, route, status; nothing of its body."""
    fields: dict[str, Any] = {
        "request_id": exchange.request_id.decode("latin-1"),
        "method": exchange.method.decode("latin-1"),
        "path": exchange.path.decode("utf-8", "replace")[:_MOST_CHARACTERS],
        "status": exchange.status,
        "peer": exchange.peer,
    }
    parent = exchange.headers.get(b"traceparent", b"")
    if found := _TRACEPARENT.fullmatch(parent):
        fields |= {"trace_id": found[1].decode(), "traceparent": parent.decode()}
    return fields | (exchange.notes or {})
