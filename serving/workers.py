"""The processes of the service: one, or a parent that keeps as many alive as the settings say."""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
import time
from typing import TYPE_CHECKING, Final

from onnxport.artifacts import UsageError

from .logs import log, log_to_stderr
from .metrics import Metrics, Regions

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType

    from .settings import Settings

_INFO, _ERROR = 20, 40
_BACKLOG: Final = 2_048
_TOO_SOON_SECONDS: Final = 1.0


def serve(settings: Settings) -> None:
    """The service runs until SIGTERM or SIGINT; what is under way then is answered.

    Raises:
        UsageError: The address is taken or none, the store's location is none, or the certificate cannot be read.
    """
    log_to_stderr()
    sock = bind(settings.host, settings.port)
    host, port = sock.getsockname()[:2]
    scheme = "https" if settings.onnx.security.tls is not None else "http"
    shown = f"[{host}]" if ":" in host else host
    log(
        _INFO,
        "listening",
        url=f"{scheme}://{shown}:{port}",
        models=list(settings.onnx.models),
        store=settings.store,
    )
    regions = Regions(settings.onnx.workers)
    if settings.onnx.workers == 1:
        _run(settings, regions, 0, sock)
    else:
        _Parent(settings, regions, _each_its_own(sock, settings.onnx.workers)).run()


def bind(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A listening socket; `shared` ones can have the same address, and the kernel deals callers out to them.

    Raises:
        UsageError: The address is taken, or none of this machine's.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        sock = socket.socket(family, kind, protocol)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind(address)
        sock.listen(_BACKLOG)
    except OSError as error:
        raise UsageError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
    sock.settimeout(0)
    return sock


def _each_its_own(sock: socket.socket, workers: int) -> list[socket.socket]:
    """A socket for each worker at the address of `sock`, which was nobody else's.

    On one socket the worker that wakes first takes all callers that come together. Only Linux deals them out.
    """
    if sys.platform != "linux":
        return [sock] * workers
    host, port = sock.getsockname()[:2]
    sock.close()
    return [bind(host, port, shared=True) for _ in range(workers)]


def _run(settings: Settings, regions: Regions, worker: int, sock: socket.socket) -> None:
    from .server import run_process  # ruff: ignore[PLC0415] - the runtime's threads must not be there before a fork

    def ready() -> None:
        gc.freeze()  # what is there by now stays: a full collection would look at all of it for 20 ms
        log(_INFO, "ready", worker=worker)

    run_process(settings, Metrics(regions, worker), sock, ready)


class _Parent:
    """Starts the workers, and those that died again."""

    def __init__(self, settings: Settings, regions: Regions, socks: list[socket.socket]) -> None:
        self._settings = settings
        self._regions = regions
        self._socks = socks
        self._workers: dict[int, tuple[int, float]] = {}
        self._stopping = False

    def run(self) -> None:
        """Until a signal says stop and the last worker has drained."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        for worker in range(self._settings.onnx.workers):
            self._start(worker)
        while self._workers:
            try:
                pid, status = os.wait()
            except ChildProcessError:
                break
            worker, since = self._workers.pop(pid)
            if self._stopping:
                continue
            log(_ERROR, "a worker died", worker=worker, status=os.waitstatus_to_exitcode(status))
            if time.monotonic() - since < _TOO_SOON_SECONDS:
                time.sleep(_TOO_SOON_SECONDS)
            self._start(worker)

    def _start(self, worker: int) -> None:
        pid = os.fork()
        if pid:
            self._workers[pid] = (worker, time.monotonic())
            if self._stopping:
                os.kill(pid, signal.SIGTERM)
            return
        status = 1
        try:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            sock = self._socks[worker]
            self._close({*self._socks} - {sock})
            _run(self._settings, self._regions, worker, sock)
            status = 0
        except Exception as error:  # ruff: ignore[BLE001] - the child's boundary
            log(_ERROR, "a worker failed", worker=worker, error=repr(error))
        finally:
            os._exit(status)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True
        self._close(self._socks)  # else callers would come to a socket where nobody answers
        for pid in self._workers:
            os.kill(pid, signal.SIGTERM)

    @staticmethod
    def _close(socks: Iterable[socket.socket]) -> None:
        for sock in socks:
            sock.close()
