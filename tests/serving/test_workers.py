"""The processes of the service: workers, their address, and their end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

from tests.serving.conftest import ask, serve

if TYPE_CHECKING:
    from pathlib import Path

    from onnxport.releases import Releases

    from tests.serving.conftest import Running

ROW = {"data": [["red", 1, True, 1.0]]}


def test_the_command_serves_with_workers_that_are_replaced_and_stops_on_sigterm(
    store: Releases, tmp_path: Path
) -> None:
    process, port, lines = serve(store, tmp_path, "--workers", "2")
    try:
        assert process.stderr is not None
        while sum(line["event"] == "ready" for line in lines) < 2:
            lines.append(json.loads(process.stderr.readline()))
        for _ in range(40):
            assert ask(port, "/score/quote", ROW).json == [4.0]
        lines_found = ask(port, "/metrics").body.decode().splitlines()
        rows = [line for line in lines_found if line.startswith("ml_predictions_total")]
        assert sum(float(line.rpartition(" ")[2]) for line in rows) == 40
        children = subprocess.run(
            ["/usr/bin/pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=True
        )
        os.kill(int(children.stdout.split()[0]), signal.SIGKILL)
        while lines[-1]["event"] != "ready" or not any(line["event"] == "a worker died" for line in lines):
            lines.append(json.loads(process.stderr.readline()))
        assert b'ml_predictions_total{model="quote"' in ask(port, "/metrics").body
    finally:
        process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    process.communicate()


def test_callers_that_come_together_are_dealt_out_to_all_workers(store: Releases, tmp_path: Path) -> None:
    process, port, lines = serve(store, tmp_path, "--workers", "2")
    assert process.stderr is not None
    while sum(line["event"] == "ready" for line in lines) < 2:
        lines.append(json.loads(process.stderr.readline()))
    with ExitStack() as stack:
        for _ in range(64):
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            sock.sendall(b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n")
            assert sock.recv(100).startswith(b"HTTP/1.1 200 OK")
        process.send_signal(signal.SIGTERM)
        while sum(line["event"] == "draining" for line in lines) < 2:
            lines.append(json.loads(process.stderr.readline()))
    assert process.wait(20) == 0
    process.communicate()
    dealt = [line["connections"] for line in lines if line["event"] == "draining"]
    assert sum(dealt) == 64
    assert min(dealt) >= 8


def test_a_request_that_is_arriving_at_sigterm_is_still_answered(store: Releases, tmp_path: Path) -> None:
    process, port, _ = serve(store, tmp_path)
    body = json.dumps({"data": [["red", number, False, 0.25] for number in range(5_000)]}).encode()
    head = b"POST /score/quote HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: %d\r\n\r\n" % len(
        body
    )
    with socket.create_connection(("127.0.0.1", port), timeout=60) as sock:
        sock.sendall(head)
        assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        assert json.loads(process.stderr.readline())["event"] == "draining"
        sock.sendall(body)
        found = b"".join(iter(lambda: sock.recv(65_536), b""))
    status, _, answer = found.partition(b"\r\n\r\n")
    assert status.startswith(b"HTTP/1.1 200 OK")
    assert b"connection: close" in status
    assert json.loads(answer)[-1] == 2 * 4_999 + 0.25
    assert process.wait(30) == 0
    process.communicate()


def test_an_address_that_is_taken_is_a_usage_error(store: Releases, service: Running, tmp_path: Path) -> None:
    process, port, _ = serve(store, tmp_path, "--workers", "2")
    command = [sys.executable, "-m", "onnxport.serving.main", "--store", store.store.url, "--model", "quote"]
    for workers, taken in (("1", service.port), ("1", port), ("2", port)):
        done = subprocess.run(
            [*command, "--workers", workers, "--port", str(taken)],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
        )
        assert done.returncode == 2
        assert "cannot listen" in done.stderr
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
