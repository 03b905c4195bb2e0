"""Hostile bodies on every route and hostile bytes on the wire: an answer each time, never a 5xx, and no growth."""

from __future__ import annotations

import copy
import http.client
import json
import random
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.serving.conftest import SECONDS, ask, serve
from tests.serving.support import FEATURES, publish, quote, releases_in, win_probability

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hypothesis.strategies import SearchStrategy

RECORD = {"colour": "red", "count": 3, "urgent": True, "weight": 0.5}
SPLIT = {"columns": list(RECORD), "data": [list(RECORD.values())]}
ROW = [0.25] * len(FEATURES)
KINDS = {"colour": "BYTES", "count": "INT64", "urgent": "BOOL", "weight": "FP32"}
TENSORS = [
    {"name": name, "shape": [1, 1], "datatype": kind, "data": [RECORD[name]]} for name, kind in KINDS.items()
]
VALID: dict[str, list[Any]] = {
    "/api/v1/predict/quote": [{"record": RECORD}],
    "/api/v1/predict/batch/quote": [{"records": [RECORD, RECORD]}],
    "/score/quote": [{"input_data": SPLIT}, {"input": [RECORD]}, {"data": SPLIT["data"]}],
    "/score/win-probability": [{"data": [ROW]}, {"input_data": {"columns": FEATURES, "data": [ROW]}}],
    "/invocations/quote": [
        {"dataframe_split": SPLIT},
        {"dataframe_records": [RECORD]},
        {"instances": SPLIT["data"]},
        {"inputs": {name: [value] for name, value in RECORD.items()}},
    ],
    "/v2/models/quote/infer": [{"id": "7", "inputs": TENSORS, "outputs": [{"name": "prediction"}]}],
    "/v2/models/win-probability/infer": [
        {"inputs": [{"name": "features", "shape": [1, len(ROW)], "datatype": "FP32", "data": ROW}]}
    ],
}
VALID["/endpoints/quote/invocations"] = VALID["/invocations/quote"]
VALID["/v2/models/quote/versions/1/infer"] = VALID["/v2/models/quote/infer"]
"""A route of every dialect and layout, and bodies that it answers."""

EXTREMES = [
    0, -1, 2**31, 2**63 - 1, -(2**63), 2**64, 10**400, 1e308, -0.0, 5e-324, float("nan"), float("inf"), "", "\0",
    "red", "\U0001f600", "x" * 300, True, None, [], {}, [[]], [None], {"": ""}, [[[0]]],
]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(EXTREMES),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
ROUTES = st.sampled_from(sorted(VALID))
MANY = settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


class Target:
    """The service in a process of its own, and one connection to it that is opened again when it was closed."""

    def __init__(self, port: int, pid: int) -> None:
        self.port = port
        self.pid = pid
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)

    def post(self, path: str, body: bytes, **headers: str) -> tuple[int, bytes]:
        sent = {"content-type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
        self._connection.request("POST", path, body, sent)
        response = self._connection.getresponse()
        return response.status, response.read()

    def refuses_or_answers(self, path: str, body: bytes, **headers: str) -> int:
        status, answer = self.post(path, body, **headers)
        assert status == 200 or 400 <= status < 500, (status, answer)
        if not headers:
            json.loads(answer)
        return status

    def close(self) -> None:
        self._connection.close()

    def resident_mib(self) -> float:
        pages = int(Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * 4096 / (1 << 20)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("fuzzing")
    store = releases_in(folder / "store")
    publish(store, win_probability())
    publish(store, quote())
    process, port, _ = serve(store, folder, "--cache", "on")
    log, lines = process.stderr, list[str]()
    assert log is not None
    # a pipe that nobody reads fills up, and then the service waits for its reader
    reader = threading.Thread(target=lines.extend, args=(log,))
    reader.start()
    found = Target(port, process.pid)
    yield found
    found.close()
    process.terminate()
    reader.join(SECONDS)
    log.close()
    assert process.wait(SECONDS) == 0
    assert {json.loads(line)["event"] for line in lines} <= {"answered", "draining"}


def nodes(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value inside a JSON value."""
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from nodes(child, (*path, key))


@st.composite
def mutated(draw: st.DrawFn, bodies: SearchStrategy[Any]) -> Any:
    """A valid body in which some values were replaced, dropped, doubled or renamed."""
    body = copy.deepcopy(draw(bodies))
    for _ in range(draw(st.integers(1, 3))):
        places = [path for path in nodes(body) if path]
        if not places:
            break
        *outer, key = draw(st.sampled_from(places))
        parent = body
        for step in outer:
            parent = parent[step]
        match draw(st.sampled_from(["replace", "replace", "drop", "double", "rename"])):
            case "drop":
                del parent[key]
            case "double" if isinstance(parent, list):
                parent.insert(key, copy.deepcopy(parent[key]))
            case "rename" if isinstance(parent, dict):
                parent[draw(st.text(max_size=6))] = parent.pop(key)
            case _:
                parent[key] = draw(JSON)
    return body


@pytest.mark.parametrize("path", sorted(VALID))
def test_the_bodies_that_are_mutated_here_are_valid(target: Target, path: str) -> None:
    for body in VALID[path]:
        assert target.refuses_or_answers(path, json.dumps(body).encode()) == 200


@MANY
@given(path=ROUTES, value=JSON)
def test_any_json_is_answered_on_every_route(target: Target, path: str, value: Any) -> None:
    target.refuses_or_answers(path, json.dumps(value).encode("utf-8", "surrogatepass"))


@settings(MANY, max_examples=600)
@given(data=st.data(), path=ROUTES)
def test_valid_bodies_with_something_changed_are_answered(target: Target, data: st.DataObject, path: str) -> None:
    body = data.draw(mutated(st.sampled_from(VALID[path])))
    target.refuses_or_answers(path, json.dumps(body).encode("utf-8", "surrogatepass"))


@MANY
@given(data=st.data(), path=ROUTES)
def test_valid_bodies_with_bytes_changed_are_answered(target: Target, data: st.DataObject, path: str) -> None:
    body = bytearray(json.dumps(data.draw(st.sampled_from(VALID[path]))).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body)))
        body[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    target.refuses_or_answers(path, bytes(body))


SIZES = st.integers(-2, 200) | st.sampled_from([2**31, 2**63, 2**64])
BINARY = st.fixed_dictionaries(
    {
        "name": st.sampled_from([*KINDS, "features", "?"]),
        "shape": st.lists(SIZES, max_size=4) | st.sampled_from([[1, 1], [2, 1], [1, 20], [1], [0, 1], [0, 20]]),
        "datatype": st.sampled_from(["BYTES", "INT64", "BOOL", "FP32", "FP64", "INT32", ""]),
        "parameters": st.fixed_dictionaries({"binary_data_size": SIZES | st.sampled_from([0, 1, 4, 5, 8, 80])}),
    }
)


@settings(MANY, max_examples=600)
@given(
    model=st.sampled_from(["quote", "win-probability"]),
    inputs=st.lists(BINARY, min_size=1, max_size=5),
    tail=st.binary(max_size=200),
    shift=st.sampled_from([0, 0, 0, 1, -1, 500]),
)
def test_binary_tensors_that_lie_about_their_sizes_are_answered(
    target: Target, model: str, inputs: list[Any], tail: bytes, shift: int
) -> None:
    head = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}}).encode()
    length = str(max(0, len(head) + shift))
    target.refuses_or_answers(f"/v2/models/{model}/infer", head + tail, inference_header_content_length=length)


@settings(MANY, max_examples=300)
@given(tail=st.binary(min_size=80, max_size=80), texts=st.lists(st.binary(max_size=4), min_size=1, max_size=1))
def test_binary_tensors_of_the_right_size_are_answered_whatever_their_bits(
    target: Target, tail: bytes, texts: list[bytes]
) -> None:
    """Any 20 float32 is a row, but for infinite ones; bytes that are no UTF-8 are no text."""
    binary = {"name": "features", "shape": [1, 20], "datatype": "FP32", "parameters": {"binary_data_size": 80}}
    head = json.dumps({"inputs": [binary]}).encode()
    length = {"inference_header_content_length": str(len(head))}
    target.refuses_or_answers("/v2/models/win-probability/infer", head + tail, **length)
    raw = len(texts[0]).to_bytes(4, "little") + texts[0]
    first = {key: TENSORS[0][key] for key in ("name", "shape", "datatype")}
    inputs = [first | {"parameters": {"binary_data_size": len(raw)}}, *TENSORS[1:]]
    head = json.dumps({"inputs": inputs}).encode()
    length = {"inference_header_content_length": str(len(head))}
    target.refuses_or_answers("/v2/models/quote/infer", head + raw, **length)


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"inputs": [TENSORS[0] | {"shape": [2**62] * 400_000}]}).encode(),
        b'{"inputs":' + b"[" * 400_000,
        b'{"data":[' + b"[NaN," * 100_000,
        json.dumps({"data": [[10**4_000] * 4]}).encode(),
        json.dumps({"input": [{f"c{number}": 1 for number in range(200_000)}]}).encode(),
        b'{"data":[[' + b"1e400," * 400_000 + b"1]]}",
        b'{"record":{' + b'"colour":"red",' * 200_000 + b'"weight":1}}',
    ],
    ids=["many dimensions", "deep", "deep in another parser", "huge integer", "many columns", "infinite", "twice"],
)
def test_bodies_that_are_made_to_be_slow_hold_nobody_up(target: Target, body: bytes) -> None:
    for path in VALID:
        target.refuses_or_answers(path, body)
    assert ask(target.port, "/health/live").status == 200


WIRE = [
    b"POST /score/quote HTTP/1.1\r\n", b"GET / HTTP/1.1\r\n", b"host: x\r\n", b"content-length: 4\r\n", b"\r\n",
    b"content-length: 99999999999999999999\r\n", b"transfer-encoding: chunked\r\n", b"4\r\n{}  \r\n", b"0\r\n\r\n",
    b"expect: 100-continue\r\n", b"connection: upgrade\r\nupgrade: h2c\r\n", b"ffffffffffffffff\r\n", b"{}  ",
    b"\n",
    b"content-length: -1\r\n", b": \r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00",
]  # fmt: skip


@settings(MANY, max_examples=300)
@given(pieces=st.lists(st.sampled_from(WIRE) | st.binary(max_size=30), min_size=1, max_size=8))
def test_any_bytes_on_the_wire_end_in_answers_or_a_closed_connection(target: Target, pieces: list[bytes]) -> None:
    with socket.create_connection(("127.0.0.1", target.port), timeout=SECONDS) as sock:
        sock.sendall(b"".join(pieces))
        sock.shutdown(socket.SHUT_WR)
        try:
            found = b"".join(iter(lambda: sock.recv(65_536), b""))
        except ConnectionResetError:
            found = b""
    assert found.count(b"HTTP/1.1 5") == 0
    assert found == b"" or found.startswith(b"HTTP/1.1 ")


def test_hostile_requests_leave_no_memory_behind(target: Target) -> None:
    """3,000 of them, all different: what the first 1,000 reached hardly grows."""
    generator = random.Random(7)  # ruff: ignore[S311] - repeatable, not secret
    paths = sorted(VALID)

    def hostile(number: int) -> None:
        path = paths[number % len(paths)]
        body = copy.deepcopy(generator.choice(VALID[path]))
        *outer, key = generator.choice([place for place in nodes(body) if place])
        parent = body
        for step in outer:
            parent = parent[step]
        parent[key] = generator.choice([*EXTREMES, {f"c{number}": number}, f"text {number}", [number] * 50])
        target.refuses_or_answers(path, json.dumps(body).encode())
        ask(target.port, f"/nowhere/{number}", headers={f"x-{number}": "1", "x-tenant-id": f"t{number}"})

    for number in range(1_000):
        hostile(number)
    before = target.resident_mib()
    for number in range(1_000, 3_000):
        hostile(number)
    assert target.resident_mib() - before < 8
