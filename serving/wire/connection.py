"""One connection: requests parsed as they arrive, answered in the order in which they came."""

from __future__ import annotations

import asyncio
from collections import deque
from time import perf_counter
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote_to_bytes

import httptools

from ..fault import BAD_REQUEST, HEADERS_TOO_LARGE, TIMEOUT, TOO_LARGE, Fault
from .exchange import Exchange, clean_id

if TYPE_CHECKING:
    from .listener import Listener

LINGER_SECONDS = 2.0
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection(asyncio.Protocol):
    """A caller's connection."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._limits = listener.limits
        self._parser: Any = httptools.HttpRequestParser(self)
        self._queue: deque[Exchange] = deque()
        self._transport: asyncio.Transport | None = None
        self._deaf = False  # what arrives is no longer read
        self._receiving = False  # a request has begun and is not whole
        self._choked = False  # the caller does not read
        self._full = False  # too many of its requests wait
        self._lingers = False
        self._long = False  # what came may hold headers beyond the limit
        self._since = listener.now
        self._in_head = False
        self._head_bytes = 0
        self._url = b""
        self._last_url = b""
        self._path = b""
        self._headers: dict[bytes, bytes] = {}
        self._parts: list[bytes] = []
        self._size = 0
        self._upgrade = False
        self._peer = ""

    @property
    def peer(self) -> str:
        """The caller's address."""
        if not self._peer and self._transport is not None:
            found = self._transport.get_extra_info("peername")
            self._peer = str(found[0]) if isinstance(found, tuple) and found else "local"
        return self._peer

    # -- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A caller has come; one too many is told so."""
        self._transport = stream = cast("asyncio.Transport", transport)  # uvloop's have no base in asyncio
        if not self._listener.opened(self):
            self._deaf = True
            self._listener.refuse_connection(stream)

    def connection_lost(self, exc: Exception | None) -> None:
        """The caller has gone; answers under way go nowhere."""
        del exc
        self._deaf = True
        self._transport = None
        self._queue.clear()
        self._listener.closed(self)

    def pause_writing(self) -> None:
        """The caller does not read: no more of its requests are taken."""
        self._choked = True
        self._press()

    def resume_writing(self) -> None:
        """The caller reads again."""
        self._choked = False
        self._press()

    def eof_received(self) -> bool:
        """The caller sends no more; what it asked is still answered."""
        if not self._queue:
            return False
        self._deaf = True
        self._queue[-1].keep_alive = False
        return True

    def data_received(self, data: bytes) -> None:
        """Bytes have come: whole requests in them are answered, now or at the end of this turn of the loop."""
        if self._deaf:
            return
        if self._in_head:
            self._head_bytes += len(data)
        self._long = self._in_head or len(data) > self._limits.header_bytes
        with self._listener.turn:
            self._feed(data)

    def _feed(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._deaf = True
        except (httptools.HttpParserError, ValueError) as error:
            if not self._deaf:
                self._fail(BAD_REQUEST, "broken-request", f"this is no HTTP/1.1 request: {error}")
            return
        if self._in_head and self._head_bytes > self._limits.header_bytes and not self._deaf:
            self._fail(
                HEADERS_TOO_LARGE, "large-headers", f"more than {self._limits.header_bytes} bytes of headers"
            )

    # -- httptools

    def on_message_begin(self) -> None:
        """A request begins."""
        self._receiving = self._in_head = True
        self._since = self._listener.now
        self._head_bytes = 0
        self._url = b""
        self._headers = {}
        self._parts = []
        self._size = 0

    def on_url(self, url: bytes) -> None:
        """A part of the URL."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header."""
        self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        """All headers are there: what cannot be answered is refused before its body comes."""
        if self._deaf:
            return
        self._in_head = False
        headers = self._headers
        if self._long and _size(self._url, headers) > self._limits.header_bytes:
            self._fail(
                HEADERS_TOO_LARGE, "large-headers", f"more than {self._limits.header_bytes} bytes of headers"
            )
            return
        if b"host" not in headers and self._parser.get_http_version() == "1.1":
            self._fail(BAD_REQUEST, "broken-request", "a request of HTTP/1.1 names its host")
            return
        length = headers.get(b"content-length")
        if length is not None and int(length) > self._limits.body_bytes:
            self._too_large()
            return
        self._upgrade = self._parser.should_upgrade()
        if b"expect" in headers and headers[b"expect"].lower() == b"100-continue":
            self._encourage()

    def _encourage(self) -> None:
        """The caller waits with its body until it is told to go on."""
        if not self._queue and self._transport is not None:
            self._transport.write(_CONTINUE)

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        if self._deaf:
            return
        self._parts.append(body)
        self._size += len(body)
        if self._size > self._limits.body_bytes:
            self._too_large()

    def on_message_complete(self) -> None:
        """The request is whole: it is handled."""
        if self._deaf:
            return
        self._receiving = False
        self._since = self._listener.now
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        exchange = self._exchange(body)
        exchange.keep_alive = (
            self._parser.should_keep_alive() and not self._upgrade and not self._listener.draining
        )
        self._deaf = not exchange.keep_alive
        self._listener.handle(exchange)
        if len(self._queue) >= self._limits.pipelined and not self._full:
            self._full = True
            self._press()

    def _exchange(self, body: bytes) -> Exchange:
        if self._url != self._last_url:  # callers that stay ask for the same again
            self._last_url, self._path = self._url, _path(self._url)
        exchange = Exchange(self, self._parser.get_method(), self._path, self._headers, body)
        exchange.started = perf_counter()
        given = self._headers.get(b"x-request-id")
        exchange.request_id = clean_id(given) or self._listener.next_id()
        self._queue.append(exchange)
        return exchange

    # -- answers

    def send(self, exchange: Exchange, data: bytes) -> None:
        """The answer goes out once all earlier requests of the connection are answered."""
        queue = self._queue
        self._listener.answered(exchange)
        if self._transport is None or not queue:
            return
        if queue[0] is not exchange:
            exchange.waiting = data
            return
        queue.popleft()
        self._transport.write(data)
        while queue and (waiting := queue[0].waiting) is not None:
            exchange = queue.popleft()
            self._transport.write(waiting)
        if not queue:
            self._since = self._listener.now
            if not exchange.keep_alive:
                self._finish()
        if self._full and len(queue) <= self._limits.pipelined // 2:
            self._full = False
            self._press()

    def _fail(self, status: int, code: str, message: str) -> None:
        exchange = self._exchange(b"")
        self._deaf = self._lingers = True
        self._receiving = self._in_head = False
        exchange.keep_alive = False
        exchange.refuse(Fault(status=status, code=code, message=message))

    def _too_large(self) -> None:
        self._fail(TOO_LARGE, "large-body", f"at most {self._limits.body_bytes} bytes of body are taken")

    def _finish(self) -> None:
        """The connection closes; a caller that still sends can read its answer first."""
        transport = self._transport
        if transport is None:
            return
        self._deaf = True
        if self._lingers and transport.can_write_eof():  # closing on unread bytes would reset the answer
            transport.write_eof()
            self._listener.loop.call_later(LINGER_SECONDS, transport.abort)
        else:
            transport.close()

    # -- time and pressure

    def check(self, now: float) -> None:
        """Called once a second: requests that do not arrive and connections without requests end."""
        if self._transport is None or self._deaf:
            return
        if self._receiving:
            if now - self._since > self._limits.request_seconds:
                self._fail(TIMEOUT, "slow-request", f"not received in {self._limits.request_seconds:g} s")
        elif not self._queue and now - self._since > self._limits.idle_seconds:
            self._transport.close()

    def drain(self) -> None:
        """An idle connection closes, a busy one after its answers."""
        if self._queue:
            self._queue[-1].keep_alive = False
        elif not self._receiving and self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """The connection is gone."""
        if self._transport is not None:
            self._transport.abort()

    def _press(self) -> None:
        """Reading stops while the caller does not read, or too many of its requests wait."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        wanted = not (self._choked or self._full)
        if wanted != transport.is_reading():
            (transport.resume_reading if wanted else transport.pause_reading)()


def _size(url: bytes, headers: dict[bytes, bytes]) -> int:
    return len(url) + sum(map(len, headers)) + sum(map(len, headers.values()))


def _path(url: bytes) -> bytes:
    """The path of a request target in origin or absolute form, decoded."""
    if not url.startswith(b"/"):
        _, mark, rest = url.partition(b"://")
        url = b"/" + rest.partition(b"/")[2] if mark else url
    url = url.partition(b"?")[0]
    return unquote_to_bytes(url) if b"%" in url else url
