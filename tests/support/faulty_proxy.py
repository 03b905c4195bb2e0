"""A proxy in front of Azurite that counts requests and does to them what networks do."""

from __future__ import annotations

import http.client
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Literal, Self

if TYPE_CHECKING:
    from collections.abc import Callable

Kind = Literal["status", "refuse", "lose answer", "cut body", "stall"]
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What happens to a request.

    `status`: it is answered with `status` and never forwarded. `refuse`: the connection ends instead.
    `lose answer`: it is forwarded, then the connection ends. `cut body`: half of the answer's body comes.
    `stall`: nothing comes.
    """

    kind: Kind
    status: int = 503
    retry_after: int | None = None


Plan = "Callable[[str, str], Fault | None]"


def nothing(_method: str, _path: str) -> Fault | None:
    return None


class FaultyProxy:
    """Listens on a free port of loopback; `plan` is asked what to do with each request, by method and path."""

    def __init__(self, target_port: int) -> None:
        self.target_port = target_port
        self.plan: Callable[[str, str], Fault | None] = nothing
        self.requests: list[str] = []
        self.closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"proxy": self}))
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def first(times: int, fault: Fault, when: Callable[[str, str], bool] = lambda _method, _path: True) -> Plan:
    """The plan in which `fault` happens to the first `times` requests for which `when` holds."""
    left = iter(range(times))

    def plan(method: str, path: str) -> Fault | None:
        return fault if when(method, path) and next(left, None) is not None else None

    return plan


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16
    disable_nagle_algorithm = True
    proxy: FaultyProxy

    def log_message(self, *_: object) -> None:
        return

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.proxy.requests.append(f"{self.command} {self.path}")
        fault = self.proxy.plan(self.command, self.path)
        if fault is None or fault.kind in {"lose answer", "cut body"}:
            self._forward(body, fault.kind if fault else None)
        elif fault.kind == "status":
            pause = [("Retry-After", str(fault.retry_after))] if fault.retry_after else []
            self._answer(fault.status, pause, b"", 0)
        else:
            self.proxy.closing.wait(30 if fault.kind == "stall" else 0)
            self.close_connection = True

    do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = _serve  # ruff: ignore[N815] - http.server's names

    def _forward(self, body: bytes, kind: str | None) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.proxy.target_port, timeout=30)
        try:
            connection.request(self.command, self.path, body, dict(self.headers.items()))
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        self.close_connection = kind is not None
        if kind == "lose answer":
            return
        length = int(response.headers.get("Content-Length") or len(content))
        sent = content[: len(content) // 2] if kind == "cut body" else content
        self._answer(response.status, response.getheaders(), sent, length)

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes, length: int) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)
