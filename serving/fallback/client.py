"""A small HTTP/1.1 client on the event loop.

On asyncio and the parser that the service has already: a deadline ends a request for good. A thread that waits in
`http.client` would stay behind, and a library would be one more dependency.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import httptools

if TYPE_CHECKING:
    from collections.abc import Mapping

_IDLE: Final = 8
_READ: Final = 1 << 16
_LARGEST: Final = 64 << 20


class NoAnswer(OSError):
    """The server closed the connection, or what it sent is no HTTP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer.

    Attributes:
        status: HTTP status.
        body: As a whole.
    """

    status: int
    body: bytes


class HttpClient:
    """Posts to one URL, over connections that it keeps."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._tls is not None else 80)
        path = parts.path or "/"
        self._target = f"{path}?{parts.query}" if parts.query else path
        self._authority = parts.netloc.rpartition("@")[2]
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def post(self, body: bytes, headers: Mapping[str, str]) -> Response:
        """The server's answer to `body`; a kept connection that has died meanwhile is replaced once.

        Raises:
            OSError: It cannot be reached, or does not answer in HTTP.
        """
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        lines += f"host: {self._authority}\r\ncontent-length: {len(body)}\r\n"
        head = f"POST {self._target} HTTP/1.1\r\n{lines}\r\n"
        data = head.encode("latin-1") + body
        if self._idle:
            try:
                return await self._exchange(*self._idle.pop(), data)
            except OSError:
                self.close()
        reader, writer = await asyncio.open_connection(self._host, self._port, ssl=self._tls)
        return await self._exchange(reader, writer, data)

    def close(self) -> None:
        """No connection is kept."""
        while self._idle:
            self._idle.pop()[1].close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes) -> Response:
        reading = _Reading()
        try:
            writer.write(data)
            await writer.drain()
            while not reading.complete:
                reading.take(await reader.read(_READ))
        except BaseException:
            writer.close()
            raise
        if reading.keep_alive and len(self._idle) < _IDLE:
            self._idle.append((reader, writer))
        else:
            writer.close()
        return Response(status=reading.status, body=b"".join(reading.parts))


class _Reading:
    """What the parser has seen of an answer."""

    def __init__(self) -> None:
        self._parser: Any = httptools.HttpResponseParser(self)
        self.parts: list[bytes] = []
        self.size = 0
        self.status = 0
        self.keep_alive = False
        self.complete = False

    def take(self, data: bytes) -> None:
        """More of the answer has come.

        Raises:
            NoAnswer: There is no more, it is no HTTP, or too much.
        """
        if not data:
            raise NoAnswer("the connection was closed before the answer was whole")
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            raise NoAnswer(f"what came is no HTTP: {error}") from error
        if self.size > _LARGEST:
            raise NoAnswer("the answer is too large")

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self.parts.append(body)
        self.size += len(body)

    def on_message_complete(self) -> None:
        """The answer is whole."""
        self.status = self._parser.get_status_code()
        self.keep_alive = self._parser.should_keep_alive()
        self.complete = True
