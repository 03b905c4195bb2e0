"""What all connections of a process share: limits, the clock, the turn of the loop, draining."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from ..fault import unavailable
from .connection import LINGER_SECONDS, Connection
from .exchange import Exchange, problem_body

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable

    from ..settings import Limits

_FULL = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nconnection: close\r\n"


class Turn:
    """Work that is put off to the end of the loop's turn, when all that has arrived is read.

    With one connection there is nobody to wait for: the work runs as soon as the bytes that came are read.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._due: list[Callable[[], None]] = []
        self._scheduled = False
        self.alone = False
        self._reading = False

    def __enter__(self) -> Self:
        self._reading = True
        return self

    def __exit__(self, *_: object) -> None:
        self._reading = False
        if self._due and not self._scheduled:
            self._run()

    def at_end(self, work: Callable[[], None]) -> None:
        """`work` is called once, at the end of this turn."""
        self._due.append(work)
        if not self._scheduled and not (self.alone and self._reading):
            self._scheduled = True
            self._loop.call_soon(self._run)

    def _run(self) -> None:
        self._scheduled = False
        due, self._due = self._due, []
        for work in due:
            work()


class Listener:
    """Accepts connections, hands whole requests to `handle`, and tells `answered` of each answer."""

    def __init__(
        self,
        handle: Callable[[Exchange], None],
        answered: Callable[[Exchange], None],
        limits: Limits,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.handle = handle
        self.answered = answered
        self.limits = limits
        self.loop = loop
        self.turn = Turn(loop)
        self.now = loop.time()
        self.draining = False
        self._connections: set[Connection] = set()
        self._servers: list[asyncio.Server] = []
        self._ids = itertools.count(1)
        self._prefix = secrets.token_hex(6).encode()
        self._sweeper: asyncio.TimerHandle | None = None
        self._empty: asyncio.Event | None = None

    async def listen(self, sock: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        """Connections on `sock` are accepted."""
        options: dict[str, Any] = {}
        if tls is not None:  # a caller that stays silent delays neither others nor the end
            patience = {
                "ssl_handshake_timeout": self.limits.request_seconds,
                "ssl_shutdown_timeout": LINGER_SECONDS,
            }
            options = {"ssl": tls, **patience}
        self._servers.append(await self.loop.create_server(lambda: Connection(self), sock=sock, **options))
        if self._sweeper is None:
            self._sweep()

    def next_id(self) -> bytes:
        """An id for a request that brought none."""
        return b"%b-%x" % (self._prefix, next(self._ids))

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._connections)

    def opened(self, connection: Connection) -> bool:
        """Whether there is room for `connection`."""
        self._connections.add(connection)
        self.turn.alone = len(self._connections) == 1
        return len(self._connections) <= self.limits.connections and not self.draining

    def closed(self, connection: Connection) -> None:
        """A connection has ended."""
        self._connections.discard(connection)
        if self._empty is not None and not self._connections:
            self._empty.set()
        self.turn.alone = len(self._connections) == 1

    def refuse_connection(self, transport: asyncio.Transport) -> None:
        """One connection too many is told so and closed, once it has had the time to read that."""
        body = problem_body(unavailable("too-many-connections", "too many connections; try again"))
        transport.write(b"%bcontent-length: %d\r\n\r\n%b" % (_FULL, len(body), body))
        if transport.can_write_eof():
            transport.write_eof()
            self.loop.call_later(LINGER_SECONDS, transport.abort)
        else:
            transport.close()

    async def drain(self, seconds: float) -> None:
        """Nobody new is accepted; requests under way are answered, for at most `seconds`."""
        self.draining = True
        for server in self._servers:
            server.close()
        for connection in list(self._connections):
            connection.drain()
        self._empty = asyncio.Event()
        if self._connections:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), seconds)
        for connection in list(self._connections):
            connection.abort()
        if self._sweeper is not None:
            self._sweeper.cancel()

    def _sweep(self) -> None:
        self.now = self.loop.time()
        for connection in list(self._connections):
            connection.check(self.now)
        self._sweeper = self.loop.call_later(1.0, self._sweep)
