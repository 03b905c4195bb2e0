"""The way to Azure's public hosts, on loopback: a CONNECT proxy that holds a certificate for each of them."""

from __future__ import annotations

import re
import socket
import socketserver
import ssl
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import trustme

from .endpoints import INFERENCE_HOST

if TYPE_CHECKING:
    from collections.abc import Callable
    from http.server import BaseHTTPRequestHandler
    from pathlib import Path

SERVICE_HOSTS = (
    "management.azure.com",
    "login.microsoftonline.com",
    "eastus.api.azureml.ms",
)
BLOB_HOST = re.compile(r"[a-z0-9]+\.blob\.core\.windows\.net")
_BLOCK = 64 << 10


@dataclass(slots=True, kw_only=True)
class BlobTrouble:
    """What is wrong with the line to Blob storage.

    Attributes:
        cut_after: Connections break after so many bytes of answers; `None`: they hold.
        cuts: How many connections break.
        bytes_per_second: How fast answers come; `None`: as fast as they can.
        answer: What every request gets instead of Azurite's answer: a whole HTTP answer.
    """

    cut_after: int | None = None
    cuts: int = 0
    bytes_per_second: int | None = None
    answer: bytes | None = None


@dataclass(slots=True, kw_only=True)
class Front:
    """The proxy's state.

    Attributes:
        blobs: Where Azurite listens.
        handler: Answers for all hosts but Blob storage.
        ca_file: The authority that signed the hosts' certificates, PEM.
        port: Where the proxy listens; 0 until it is started.
        refused: Hosts that somebody asked for and that are not ours.
        trouble: What is wrong with Blob storage.
        tunnels: Hosts that have a certificate of their own from `certify`, and where they listen.
        sent_bytes: How many bytes of blobs were answered since the last `heal`.
    """

    blobs: tuple[str, int]
    handler: type[BaseHTTPRequestHandler]
    ca_file: Path
    port: int = 0
    refused: list[str] = field(default_factory=list)
    trouble: BlobTrouble = field(default_factory=BlobTrouble)
    sent_bytes: int = 0
    tunnels: dict[str, tuple[str, int]] = field(default_factory=dict)
    _authority: trustme.CA = field(default_factory=trustme.CA)
    _contexts: dict[str, ssl.SSLContext] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> Callable[[], None]:
        """The proxy listens; answers what ends it."""
        self._authority.cert_pem.write_to_path(self.ca_file)
        server = _Server(("127.0.0.1", 0), _Connection)
        server.front = self
        self.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

        def stop() -> None:
            server.shutdown()
            server.server_close()

        return stop

    def heal(self) -> None:
        """Nothing is wrong any more."""
        self.trouble, self.sent_bytes = BlobTrouble(), 0

    def certify(self, host: str, folder: Path) -> tuple[Path, Path]:
        """Certificate and key for `host`, as files."""
        issued = self._authority.issue_cert(host)
        certificate, key = folder / "host.pem", folder / "host.key"
        certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(key)
        return certificate, key

    def knows(self, host: str) -> bool:
        known = BLOB_HOST.fullmatch(host) or INFERENCE_HOST.fullmatch(host)
        return host in SERVICE_HOSTS or host in self.tunnels or known is not None

    def context(self, host: str) -> ssl.SSLContext:
        with self._lock:
            if host not in self._contexts:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                self._authority.issue_cert(host).configure_cert(context)
                self._contexts[host] = context
            return self._contexts[host]


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    front: Front

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that are killed or lose patience leave without a word: that is what some tests are about."""


class _Connection(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        front = self.server.front
        host = _asked_host(self.connection)
        if not front.knows(host):
            front.refused.append(host)
            self.connection.sendall(b"HTTP/1.1 502 Unknown host\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        self.connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        if host in front.tunnels:
            with socket.create_connection(front.tunnels[host]) as service:
                threading.Thread(target=_pump, args=(self.connection, service), daemon=True).start()
                _pump(service, self.connection)
            return
        with front.context(host).wrap_socket(self.connection, server_side=True) as secure:
            if BLOB_HOST.fullmatch(host):
                _serve_blobs(front, secure)
            else:
                front.handler(secure, self.client_address, self.server)


def _asked_host(connection: socket.socket) -> str:
    head = b""
    while b"\r\n\r\n" not in head and (data := connection.recv(4096)):
        head += data
    found = re.match(rb"CONNECT ([^: ]+):443 ", head)
    return found[1].decode() if found else head[:80].decode(errors="replace")


def _serve_blobs(front: Front, secure: ssl.SSLSocket) -> None:
    if front.trouble.answer is not None:
        secure.recv(_BLOCK)
        secure.sendall(front.trouble.answer)
        return
    with socket.create_connection(front.blobs) as service:
        threading.Thread(target=_pump, args=(secure, service), daemon=True).start()
        _answer(front, service, secure)


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(_BLOCK):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return


def _answer(front: Front, service: socket.socket, secure: ssl.SSLSocket) -> None:
    left = front.trouble.cut_after if front.trouble.cuts > 0 else None
    while data := service.recv(_BLOCK):
        speed = front.trouble.bytes_per_second
        if speed is not None:
            time.sleep(len(data) / speed)
        if left is not None and len(data) >= left:
            front.trouble.cuts -= 1
            secure.sendall(data[:left])
            secure.shutdown(socket.SHUT_RDWR)  # closing alone does not end it while `_pump` reads
            return
        left = None if left is None else left - len(data)
        secure.sendall(data)
        front.sent_bytes += len(data)
