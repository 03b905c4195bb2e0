"""The service in a thread of this process, on a port of its own, and callers of it."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import uvloop
from onnxport.serving.metrics import Metrics, Regions
from onnxport.serving.server import Server
from onnxport.serving.settings import Settings
from onnxport.serving.workers import bind

from tests.serving.support import publish, quote, releases_in, win_probability

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    from onnxport.releases import Releases

SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer as a caller sees it."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    port: int,
    path: str,
    body: Any = None,
    *,
    method: str | None = None,
    headers: dict[str, str] | None = None,
    content_type: str | None = "application/json",
) -> Reply:
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"content-type": content_type} if data is not None and content_type else {}
    try:
        connection.request(method or ("GET" if data is None else "POST"), path, data, sent | (headers or {}))
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Reply(status=response.status, headers=found, body=response.read())
    finally:
        connection.close()


@dataclass(slots=True)
class Running:
    """A running service."""

    port: int
    server: Server
    loop: asyncio.AbstractEventLoop
    thread: threading.Thread
    failures: list[Exception] = field(default_factory=list)

    def ask(self, path: str, body: Any = None, **options: Any) -> Reply:
        """One request on a connection of its own."""
        return ask(self.port, path, body, **options)

    def raw(self, *parts: bytes, pause: float = 0.02) -> bytes:
        """All that the service sends on one connection until it closes it."""
        import time

        with socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS) as sock:
            for part in parts:
                sock.sendall(part)
                time.sleep(pause)
            return b"".join(iter(lambda: sock.recv(65_536), b""))

    def stop(self) -> None:
        """Drained and gone."""
        if self.thread.is_alive():
            self.loop.call_soon_threadsafe(self.server.stop.set)
        self.thread.join(SECONDS)
        assert not self.thread.is_alive(), "the service does not stop"
        assert not self.failures, self.failures


@contextmanager
def running(settings: Settings, *, wait: bool = True) -> Generator[Running]:
    """A service with these settings; `wait` is for its first look at the store."""
    ready, made = threading.Event(), threading.Event()
    found: list[Any] = []
    failures: list[Exception] = []
    sock = bind("127.0.0.1", 0)
    port = sock.getsockname()[1]

    async def main() -> None:
        server = Server(settings, Metrics(Regions(1)))
        found.extend([server, asyncio.get_running_loop()])
        made.set()
        await server.run(sock, ready.set)

    def work() -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(main())
        except Exception as error:  # ruff: ignore[BLE001] - handed to the test
            failures.append(error)
        finally:
            ready.set()
            made.set()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert (ready if wait else made).wait(SECONDS), "the service does not start"
    service = Running(port, found[0], found[1], thread, failures)
    try:
        yield service
    finally:
        service.stop()


@pytest.fixture
def store(tmp_path: Path) -> Releases:
    """Two models in a folder, each with a release in production."""
    found = releases_in(tmp_path / "store")
    publish(found, win_probability())
    publish(found, quote())
    return found


Start = "Callable[..., Running]"


def settings_for(store: Releases, **sections: Any) -> Settings:
    onnx = {
        "models": {
            "win-probability": {"reference": "win-probability@production"},
            "quote": {"reference": "quote@production"},
        },
        "poll_seconds": 0.1,
        "log": "none",
        **sections.pop("onnx", {}),
    }
    return Settings.model_validate({"store": store.store.url, "onnx": onnx, **sections})


@pytest.fixture
def start(store: Releases) -> Iterator[Callable[..., Running]]:
    """Starts services for the models of `store`; sections of the settings are arguments."""
    with ExitStack() as stack:

        def begin(*, wait: bool = True, **sections: Any) -> Running:
            return stack.enter_context(running(settings_for(store, **sections), wait=wait))

        yield begin


def serve(store: Releases, tmp_path: Path, *flags: str) -> tuple[subprocess.Popen[str], int, list[dict[str, Any]]]:
    """`onnxport-serve` as a process of its own, once it is ready: the process, its port, and its log."""
    command = [sys.executable, "-m", "onnxport.serving.main", "--store", store.store.url, "--port", "0", *flags]
    for name in ("quote", "win-probability"):
        command += ["--model", f"{name}@production"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    lines: list[dict[str, Any]] = []
    assert process.stderr is not None
    for line in process.stderr:
        lines.append(json.loads(line))
        if lines[-1]["event"] == "ready":
            break
    return process, int(lines[0]["url"].rpartition(":")[2]), lines


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One service for tests that change nothing."""
    found = releases_in(tmp_path_factory.mktemp("serving") / "store")
    publish(found, win_probability())
    publish(found, quote())
    with running(settings_for(found)) as one:
        yield one
