"""One request and its answer."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Protocol

import orjson

if TYPE_CHECKING:
    from ..fault import Fault

JSON: Final = b"application/json"
TEXT: Final = b"text/plain; charset=utf-8"
_STATUS: Final = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
_CLOSE: Final = b"connection: close\r\n"
_LONGEST_ID: Final = 128


class Sender(Protocol):
    """Who brings answers to the caller."""

    def send(self, exchange: Exchange, data: bytes) -> None:
        """The answer goes out once all earlier requests of the connection are answered."""
        ...

    @property
    def peer(self) -> str:
        """The caller's address."""
        ...


class Exchange:
    """One request, to be answered exactly once.

    Attributes:
        method: `POST`, `GET`, …
        path: The path of the URL, decoded, without its query.
        headers: By lower-case name.
        body: As a whole.
        keep_alive: Whether the connection stays open after the answer.
        request_id: The caller's `x-request-id`, or one of ours.
        started: When it had arrived, seconds of a monotonic clock.
        status: The answer's status; 0 before there is one.
        waiting: The answer's bytes while earlier requests of the connection wait for theirs.
        notes: What others remember about it: the principal, the model.
    """

    __slots__ = (
        "_sender",
        "body",
        "headers",
        "keep_alive",
        "method",
        "notes",
        "path",
        "request_id",
        "started",
        "status",
        "waiting",
    )

    def __init__(  # ruff: ignore[PLR0917] - made once for every request: keywords cost
        self, sender: Sender, method: bytes, path: bytes, headers: dict[bytes, bytes], body: bytes
    ) -> None:
        self._sender = sender
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
        self.keep_alive = True
        self.request_id = b""
        self.started = 0.0
        self.status = 0
        self.waiting: bytes | None = None
        self.notes: dict[str, Any] | None = None

    @property
    def peer(self) -> str:
        """The caller's address."""
        return self._sender.peer

    def answer(self, status: int, body: bytes, content_type: bytes = JSON, headers: bytes = b"") -> None:
        """The request is answered with `body`; `headers` are whole lines."""
        self.send(status, b"%bcontent-type: %b\r\n%b" % (_STATUS[status], content_type, headers), body)

    def refuse(self, fault: Fault) -> None:
        """The request is answered with the reason why not, in the product's own form."""
        self.answer(fault.status, problem_body(fault), headers=fault.header_lines)

    def send(self, status: int, head: bytes, body: bytes) -> None:
        """The request is answered; `head` is status line and headers but for the common ones."""
        if self.status:
            return
        self.status = status
        end = b"" if self.keep_alive else _CLOSE
        shown = b"" if self.method == b"HEAD" else body
        self._sender.send(
            self,
            b"%bx-content-type-options: nosniff\r\nx-request-id: %b\r\n%bcontent-length: %d\r\n\r\n%b"
            % (head, self.request_id, end, len(body), shown),
        )


def problem_body(fault: Fault) -> bytes:
    """The reason as the product's own JSON."""
    error = {"code": fault.code, "message": fault.message, "path": fault.path}
    return orjson.dumps({"error": error | ({"details": dict(fault.details)} if fault.details else {})})


def clean_id(given: bytes | None) -> bytes:
    """`given` if it can stand in a header and a log line, else empty."""
    if not given:
        return b""
    fine = len(given) <= _LONGEST_ID and given.isascii() and given.decode("latin-1").isprintable()
    return given if fine else b""
