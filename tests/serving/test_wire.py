"""HTTP/1.1: pipelined requests keep their order, broken ones are answered, limits hold, stopping loses nothing."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.serving.conftest import Running


def post(body: bytes, path: str = "/score/quote", extra: bytes = b"") -> bytes:
    return b"POST %b HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n%b\r\n%b" % (
        path.encode(),
        len(body),
        extra,
        body,
    )


def scored(number: int, extra: bytes = b"") -> bytes:
    return post(json.dumps({"data": [["red", number, False, 0.25]]}).encode(), extra=extra)


def bodies(data: bytes) -> list[Any]:
    """Status and JSON body of each answer in `data`."""
    found = []
    while data:
        head, _, rest = data.partition(b"\r\n\r\n")
        length = int(re.search(rb"content-length: (\d+)", head)[1])  # type: ignore[index]
        found.append((int(head.split(b" ")[1]), json.loads(rest[:length]) if length else None))
        data = rest[length:]
    return found


LAST = b"GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"


def test_pipelined_requests_are_answered_in_order_whatever_each_takes(service: Running) -> None:
    batch = json.dumps({"data": [["red", 1, False, 0.25]] * 5_000}).encode()  # leaves the loop
    broken = post(b"{")
    wire = scored(1) + post(batch) + scored(2) + broken + b"".join(scored(n) for n in range(3, 40)) + LAST
    found = bodies(service.raw(wire))
    assert [status for status, _ in found] == [200, 200, 200, 400, *[200] * 37, 200]
    assert found[0][1] == [2.25]
    assert len(found[1][1]) == 5_000
    assert [answer for _, answer in found[4:-1]] == [[2 * n + 0.25] for n in range(3, 40)]


def test_requests_in_pieces_are_answered(service: Running) -> None:
    wire = scored(7) + LAST
    cuts = [wire[start : start + 11] for start in range(0, len(wire), 11)]
    assert bodies(service.raw(*cuts, pause=0.001))[0] == (200, [14.25])


def test_chunked_bodies_are_answered(service: Running) -> None:
    body = b'{"data":[["red",7,false,0.25]]}'
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(body[i : i + 9]), body[i : i + 9]) for i in range(0, len(body), 9))
    wire = b"POST /score/quote HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
    assert bodies(service.raw(wire + LAST))[0] == (200, [14.25])


@pytest.mark.parametrize(
    "wire",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\n\r\n",
        b"POST /score/quote HTTP/1.1\r\nhost: x\r\ncontent-length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /score/quote HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"GET /health/live HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n",
    ],
)
def test_malformed_requests_get_400_after_the_answers_before_them(service: Running, wire: bytes) -> None:
    found = bodies(service.raw(scored(1) + wire))
    assert [status for status, _ in found] == [200, 400]
    assert found[1][1]["error"]["code"] == "broken-request"


def test_too_large_bodies_and_headers_are_refused(start: Callable[..., Running]) -> None:
    service = start(onnx={"limits": {"body_bytes": 1_000, "header_bytes": 2_000}})
    declared = b"POST /score/quote HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n"
    assert bodies(service.raw(declared))[0][0] == 413
    assert bodies(service.raw(declared + b"x" * 100_000))[0][0] == 413
    chunked = b"POST /score/quote HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    assert bodies(service.raw(chunked + b"800\r\n" + b"x" * 0x800))[0][0] == 413
    large = b"GET /health/live HTTP/1.1\r\nhost: x\r\nx-a: " + b"a" * 3_000
    assert bodies(service.raw(large + b"\r\n\r\n"))[0][0] == 431
    assert bodies(service.raw(large, b"a" * 3_000))[0][0] == 431


def test_requests_that_do_not_arrive_and_idle_connections_end(start: Callable[..., Running]) -> None:
    service = start(onnx={"limits": {"request_seconds": 1.0, "idle_seconds": 1.0}})
    assert bodies(service.raw(b"POST /score/quote HTTP/1.1\r\nhost: x\r\n"))[0][0] == 408
    begun = time.monotonic()
    assert service.raw() == b""
    assert time.monotonic() - begun < 5


def test_one_connection_too_many_is_told_so(start: Callable[..., Running]) -> None:
    service = start(onnx={"limits": {"connections": 2}})
    held = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(2)]
    try:
        time.sleep(0.1)
        assert service.raw(LAST).startswith(b"HTTP/1.1 503")
    finally:
        for sock in held:
            sock.close()
    time.sleep(0.1)
    assert service.ask("/health/live").status == 200


def test_a_caller_that_does_not_read_stops_being_read(service: Running) -> None:
    with socket.create_connection(("127.0.0.1", service.port)) as sock:
        sock.settimeout(0.5)
        wire = b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n" * 100
        sent = 0
        try:
            while sent < 1 << 28:
                sent += sock.send(wire)
        except TimeoutError:
            pass
    assert sent < 1 << 28
    assert service.ask("/health/live").status == 200


def test_methods_and_paths_that_are_not_there(service: Running) -> None:
    wrong = service.ask("/score/quote", method="DELETE")
    assert (wrong.status, wrong.headers["allow"]) == (405, "POST")
    assert service.ask("/nowhere").status == 404
    assert service.ask("/score/other", {"data": []}).status == 404
    head = service.ask("/health/live", method="HEAD")
    assert (head.status, head.body) == (200, b"")
    assert service.ask("/health/live?probe=1").status == 200


def test_expect_continue_is_answered_before_the_body_comes(service: Running) -> None:
    body = b'{"data":[["red",7,false,0.25]]}'
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as sock:
        head = b"POST /score/quote HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: %d\r\n\r\n"
        sock.sendall(head % len(body))
        assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(body)
        assert sock.recv(1_000).endswith(b"[14.25]")


def test_request_ids_are_the_callers_or_ours(service: Running) -> None:
    assert service.ask("/health/live", headers={"x-request-id": "mine-1"}).headers["x-request-id"] == "mine-1"
    first, second = (service.ask("/health/live").headers["x-request-id"] for _ in range(2))
    assert first != second
    raw = service.raw(b"GET /health/live HTTP/1.1\r\nhost: x\r\nx-request-id: a\x7fb\r\nconnection: close\r\n\r\n")
    assert b"a\x7fb" not in raw


def test_stopping_answers_what_is_under_way(start: Callable[..., Running]) -> None:
    service = start()
    body = json.dumps({"data": [["red", 1, False, 0.25]] * 9_000}).encode()
    found: list[bytes] = []
    caller = threading.Thread(target=lambda: found.append(service.raw(post(body) + scored(3), pause=0)))
    idle = socket.create_connection(("127.0.0.1", service.port))
    caller.start()
    time.sleep(0.03)
    service.stop()
    caller.join(10)
    idle.close()
    answers = bodies(found[0])
    assert answers[0][0] == 200
    assert len(answers[0][1]) == 9_000
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", service.port))


def test_many_callers_at_once_each_get_their_own_answer(service: Running) -> None:
    """Joined in one run or not: no answer is another caller's."""
    wrong: list[Any] = []

    def call(seed: int) -> None:
        wire = b"".join(scored(seed * 1_000 + n) for n in range(200)) + LAST
        answers = bodies(service.raw(wire, pause=0))[:-1]
        expected = [(200, [2 * (seed * 1_000 + n) + 0.25]) for n in range(200)]
        if answers != expected:
            wrong.append((seed, len(answers)))

    callers = [threading.Thread(target=call, args=(seed,)) for seed in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(30)
    assert wrong == []
