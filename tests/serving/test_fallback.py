"""The Azure ML endpoint: asked when ONNX cannot answer, if it serves the source, in time; and shadowed."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from onnxport.serving.fallback.endpoint import Endpoint as AskedEndpoint
from onnxport.serving.metrics import Metrics, Regions
from onnxport.serving.outputs import Rendered
from onnxport.serving.settings import Endpoint

from tests.serving.conftest import running, settings_for
from tests.serving.support import publish, quote
from tests.support.azureml_endpoint import AzureMl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from onnxport.releases import Releases

    from tests.serving.conftest import Running


@pytest.fixture
def azure() -> Iterator[AzureMl]:
    found = AzureMl()
    yield found
    found.server.shutdown()
    found.server.server_close()


RECORD: dict[str, Any] = {"colour": "blue", "count": 3, "urgent": False, "weight": 0.5}
PRICE = 26.5


def endpoints(azure: AzureMl, **more: Any) -> dict[str, Any]:
    return {"quote": {"url": azure.url, "key": "the-key", "timeout_seconds": 0.5, **more}}


def ask(service: Running, **more: Any) -> Any:
    return service.ask("/api/v1/predict/quote", {"record": RECORD | more})


@pytest.fixture
def unloaded(store: Releases) -> Callable[..., Any]:
    """Settings in which the model has no release: its alias is not there."""

    def make(**sections: Any) -> Any:
        return settings_for(store, onnx={"models": {"quote": {"reference": "quote@nobody"}}}, **sections)

    return make


def test_while_no_release_is_loaded_a_compatible_endpoint_answers(
    unloaded: Callable[..., Any], azure: AzureMl
) -> None:
    with running(unloaded(endpoints=endpoints(azure, compatible=True, deployment="blue"))) as service:
        for mode in ("fine", "wrapped", "text"):
            azure.mode = mode
            reply = ask(service)
            assert (reply.status, reply.json["prediction"]) == (200, {"prediction": PRICE})
            assert reply.json["served_by"] == reply.headers["x-onnxport-served-by"] == "azureml"
        assert azure.asked[0]["authorization"] == "Bearer the-key"
        assert azure.asked[0]["azureml-model-deployment"] == "blue"
        assert service.ask("/score/quote", {"data": [RECORD]}).json == [PRICE]
        assert service.ask("/invocations/quote", {"dataframe_records": [RECORD]}).json == {"predictions": [PRICE]}
        metrics = service.ask("/metrics").body
        assert b'ml_fallback_total{model="quote",purpose="fallback",result="answered"} 5' in metrics
        assert b'served_by="azureml"' in metrics
        assert service.ask("/health/ready").status == 503


def test_an_endpoint_that_nobody_declared_is_not_asked(unloaded: Callable[..., Any], azure: AzureMl) -> None:
    with running(unloaded(endpoints=endpoints(azure))) as service:
        reply = ask(service)
        assert (reply.status, reply.json["error"]["code"]) == (503, "no-release")
        assert "no alias 'nobody'" in reply.json["error"]["message"]
    assert azure.asked == []


def test_an_endpoint_of_the_same_source_answers_for_a_release_that_is_refused(
    store: Releases, azure: AzureMl
) -> None:
    """The release does not answer its golden rows here; its source is what the endpoint serves."""
    made = quote()
    off = made.golden().model_copy(update={"outputs": {"prediction": [1.0] * 16}})
    publish(store, replace(made, name="bad-quote"), alias="production", golden=off)
    source = made.conversion.source.sha256
    for sha256, status in ((source, 200), ("0" * 64, 503)):
        settings = settings_for(
            store,
            onnx={"models": {"bad-quote": {"reference": "bad-quote@production"}}},
            endpoints={"bad-quote": {"url": azure.url, "source_sha256": sha256}},
        )
        with running(settings) as service:
            assert service.ask("/score/bad-quote", {"data": [RECORD]}).status == status


@pytest.mark.parametrize("mode", ["slow", "broken", "garbage"])
def test_an_endpoint_that_fails_costs_its_deadline_then_nothing(
    unloaded: Callable[..., Any], azure: AzureMl, mode: str
) -> None:
    azure.mode = mode
    with running(unloaded(endpoints=endpoints(azure, compatible=True))) as service:
        for _ in range(3):
            start = time.monotonic()
            reply = ask(service)
            assert reply.status == 503
            assert reply.headers["retry-after"] == "5"
            assert time.monotonic() - start < 4
        count = len(azure.asked)
        assert ask(service).status == 503  # the breaker is open
        assert len(azure.asked) == count
        azure.mode = "fine"
        time.sleep(2.2)
        assert ask(service).status == 200


def test_rows_that_the_endpoint_refuses_are_the_callers_fault(
    unloaded: Callable[..., Any], azure: AzureMl
) -> None:
    azure.mode = "refuses"
    with running(unloaded(endpoints=endpoints(azure, compatible=True))) as service:
        assert [ask(service).status for _ in range(5)] == [422] * 5
        assert service.ask("/score/quote", {"data": [RECORD]}).status == 400


def test_an_endpoint_that_is_not_there_is_told_so(unloaded: Callable[..., Any], azure: AzureMl) -> None:
    nowhere = endpoints(azure, compatible=True)
    nowhere["quote"]["url"] = "http://127.0.0.1:9/score"
    with running(unloaded(endpoints=nowhere)) as service:
        assert "cannot be reached" in ask(service).json["error"]["message"]


def test_where_onnx_is_switched_off_the_endpoint_answers(store: Releases, azure: AzureMl) -> None:
    onnx = {"enabled": False, "models": {"quote": {"reference": "quote@production"}}}
    with running(settings_for(store, onnx=onnx, endpoints=endpoints(azure))) as service:
        assert ask(service).json["served_by"] == "azureml"


def shadowed(service: Running) -> dict[str, float]:
    found: dict[str, float] = {}
    for line in service.ask("/metrics").body.decode().splitlines():
        if line.startswith("ml_shadow_comparisons_total{"):
            found[line.partition('result="')[2].partition('"')[0]] = float(line.rpartition(" ")[2])
    return found


def test_shadowed_requests_are_compared_off_the_hot_path(start: Callable[..., Running], azure: AzureMl) -> None:
    onnx = {"models": {"quote": {"reference": "quote@production", "shadow": 1.0}}}
    service = start(onnx=onnx, endpoints=endpoints(azure, timeout_seconds=5), cache={"mode": "off"})
    batch = {"records": quote().records}

    def compare(result: str) -> None:
        reply = service.ask("/api/v1/predict/batch/quote", batch)
        assert len(reply.json["predictions"]) == 40
        deadline = time.monotonic() + 10
        while result not in shadowed(service):
            assert time.monotonic() < deadline
            time.sleep(0.02)

    compare("agree")
    assert shadowed(service) == {"agree": 40}
    azure.off = 0.01
    compare("disagree")
    assert shadowed(service) == {"agree": 40, "disagree": 40}
    azure.mode = "slow"
    begun = time.monotonic()
    for _ in range(12):
        assert ask(service).json["served_by"] == "onnx"
        service.ask("/api/v1/predict/batch/quote", batch)
    assert time.monotonic() - begun < 4  # nobody waited half a second for the endpoint
    deadline = time.monotonic() + 10
    count = 100
    while "dropped" not in shadowed(service):
        count += 1
        ask(service, count=count)
        assert time.monotonic() < deadline, shadowed(service)


def test_an_endpoint_answers_what_its_settings_say_and_nothing_else(store: Releases, azure: AzureMl) -> None:
    settings = settings_for(
        store,
        onnx={"models": {"quote": {"reference": "quote@nobody", "answer": "label"}}},
        endpoints=endpoints(azure, compatible=True),
    )
    with running(settings) as service:
        reply = service.ask("/score/quote", {"data": [RECORD]})
        assert reply.status == 503
        assert "does not answer with label" in reply.json["message"]


def test_entra_tokens_are_sent_where_the_settings_say_so(azure: AzureMl) -> None:
    async def token() -> str:
        return "a-token"

    async def main() -> list[bytes]:
        settings = Endpoint(url=azure.url, auth="entra")
        endpoint = AskedEndpoint("quote", settings, Metrics(Regions(1)), token)
        found = await endpoint.ask((list(RECORD), [list(RECORD.values())]), None)
        endpoint.close()
        assert isinstance(found, Rendered)
        return found.fragments("prediction")

    assert asyncio.run(main()) == [b"26.5"]
    assert azure.asked[0]["authorization"] == "Bearer a-token"


def test_without_a_login_the_endpoint_is_not_asked(unloaded: Callable[..., Any], azure: AzureMl) -> None:
    with running(unloaded(endpoints=endpoints(azure, compatible=True, auth="entra"))) as service:
        reply = ask(service)
        assert (reply.status, reply.json["error"]["code"]) == (503, "no-answer")
        assert "no token: CredentialUnavailableError" in reply.json["error"]["message"]
    assert azure.asked == []
