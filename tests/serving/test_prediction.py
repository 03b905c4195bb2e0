"""What goes wrong behind a request that the signature takes: the caller is told, its neighbours notice nothing."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from onnxport.artifacts import ReleaseRef
from onnxport.serving.dialects import AzureMl, Reply, Request
from onnxport.serving.engine import GraphFailed
from onnxport.serving.loading import fetch, load
from onnxport.serving.metrics import Metrics, Regions
from onnxport.serving.models import Served
from onnxport.serving.prediction import OFFLOAD_BYTES, OFFLOAD_US
from onnxport.serving.service import Service
from onnxport.serving.settings import Cache
from onnxport.serving.wire import Exchange, Turn

from tests.serving.conftest import settings_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from onnxport.releases import Releases
    from onnxport.serving.answers import Answer
    from onnxport.serving.dialects import Replier
    from onnxport.serving.fault import Fault
    from onnxport.serving.loading import Loaded

VALUE = "a feature's value"
SMALL = {"record": {"colour": "red", "count": 1, "urgent": True, "weight": 1.0}}


class Caller:
    """Who asked, with what came back."""

    peer = "127.0.0.1"

    def __init__(self) -> None:
        self.data: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def send(self, exchange: Exchange, data: bytes) -> None:
        del exchange
        self.data.set_result(data)


class Failing:
    """A graph that loads and then fails."""

    def __call__(self, tensors: Any) -> Any:
        raise GraphFailed(f"the runtime stumbled: {len(tensors)}")


def answered(
    store: Releases, change: Callable[[Loaded], Loaded], body: Any = SMALL, path: str = "/api/v1/predict/quote"
) -> tuple[int, Any]:
    """Status and body of one answer by a service whose release of `quote` is changed."""

    async def scene() -> bytes:
        loop = asyncio.get_running_loop()
        settings, metrics = settings_for(store), Metrics(Regions(1))
        service = Service(settings, metrics, loop)
        loaded = change(load(fetch(store, ReleaseRef(name="quote", alias="production"))))
        service.models["quote"].served = Served(
            loaded, settings.onnx.models["quote"], cache=Cache(mode="off"), metrics=metrics, turn=Turn(loop)
        )
        caller = Caller()
        headers = {b"content-type": b"application/json", b"x-request-id": b"r-1"}
        service.handle(Exchange(caller, b"POST", path.encode(), headers, json.dumps(body).encode()))
        try:
            return await asyncio.wait_for(caller.data, 60)
        finally:
            await service.predictions.close()

    head, _, rest = asyncio.run(scene()).partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), json.loads(rest)


def failing(loaded: Loaded) -> Loaded:
    return replace(loaded, engine=Failing())  # type: ignore[arg-type]


def slowly_failing(loaded: Loaded) -> Loaded:
    return replace(failing(loaded), alone_us=2 * OFFLOAD_US, row_us=2 * OFFLOAD_US)


LARGE = {"records": [SMALL["record"]] * (OFFLOAD_BYTES // 50)}


@pytest.mark.parametrize(
    ("change", "body", "path"),
    [
        (failing, SMALL, "/api/v1/predict/quote"),
        (slowly_failing, SMALL, "/api/v1/predict/quote"),
        (failing, LARGE, "/api/v1/predict/batch/quote"),
    ],
    ids=["joined", "off the loop", "a large body"],
)
def test_a_graph_that_fails_on_rows_that_its_signature_takes_is_told(
    store: Releases, change: Callable[[Loaded], Loaded], body: Any, path: str
) -> None:
    status, document = answered(store, change, body, path)
    assert (status, document["error"]["code"]) == (422, "graph-failed")
    assert "stumbled" not in json.dumps(document)


class Broken(AzureMl):
    """A dialect with a bug."""

    def read(self, exchange: Exchange) -> Request | Fault:
        if b"read" in exchange.body:
            raise ValueError(VALUE)
        return super().read(exchange)

    def write(self, request: Request, answer: Answer, replier: Replier) -> Reply | Fault:
        del request, answer, replier
        raise ValueError(VALUE)


@pytest.mark.parametrize(
    ("body", "change"),
    [
        ({"data": [], "x": "read"}, lambda loaded: loaded),
        ({"data": [SMALL["record"]]}, lambda loaded: loaded),
        ({"data": [SMALL["record"]]}, lambda loaded: replace(loaded, alone_us=2 * OFFLOAD_US)),
        ({"data": LARGE["records"]}, lambda loaded: loaded),
    ],
    ids=["reading", "writing", "writing off the loop", "a large body"],
)
def test_a_bug_is_an_answer_and_a_line_in_the_log_without_values(
    store: Releases,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    body: Any,
    change: Callable[[Loaded], Loaded],
) -> None:
    monkeypatch.setattr("onnxport.serving.service.AzureMl", Broken)
    status, document = answered(store, change, body, "/score/quote")
    assert (status, document) == (500, {"message": "unexpected failure; see the log"})
    (fields,) = [record.__dict__["fields"] for record in caplog.records if record.message == "unexpected failure"]
    assert (fields["error"], fields["path"]) == ("ValueError", "/score/quote")
    assert any("test_prediction.py" in place for place in fields["places"])
    assert VALUE not in json.dumps(fields)
