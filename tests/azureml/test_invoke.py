"""Callers of an Azure ML online endpoint reach onnxport by the unmodified SDK: only the scoring URL changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.identity import EnvironmentCredential
from onnxport.artifacts import digest_bytes

from tests.serving.conftest import running, settings_for
from tests.serving.support import publish, quote, releases_in

from .resources import GROUP, SUBSCRIPTION, WORKSPACE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HOST = "quotes.eastus.inference.ml.azure.com"
KEY = "the endpoint's primary key"
QUOTE: dict[str, Any] = {"colour": "blue", "count": 3, "urgent": False, "weight": 0.5}


@pytest.fixture
def invoke(azure: Any, tmp_path: Path) -> Iterator[Callable[[Any], Any]]:
    """What `online_endpoints.invoke` gives for a request, with onnxport at the endpoint's scoring URL."""
    from azure.ai.ml import MLClient

    store = releases_in(tmp_path / "store")
    publish(store, quote())
    certificate, key = azure.front.certify(HOST, tmp_path)
    security = {
        "api_keys": [{"name": "azure", "sha256": digest_bytes(KEY.encode()), "models": ["quote"]}],
        "tls": {"certificate": str(certificate), "private_key": str(key)},
    }
    models = {"quote": {"reference": "quote@production"}}
    client = MLClient(EnvironmentCredential(), SUBSCRIPTION, GROUP, WORKSPACE, show_progress=False)
    azure.ml.endpoints.key = KEY
    azure.ml.endpoints.online("quotes", traffic={"blue": 100})

    def call(request: Any) -> Any:
        path = tmp_path / "request.json"
        path.write_text(json.dumps(request))
        return json.loads(client.online_endpoints.invoke("quotes", request_file=str(path)))

    with running(settings_for(store, onnx={"models": models, "security": security})) as service:
        azure.front.tunnels[HOST] = ("127.0.0.1", service.port)
        yield call
        del azure.front.tunnels[HOST]


@pytest.mark.parametrize(
    "request_body",
    [
        {"input_data": {"columns": list(QUOTE), "index": [0, 1], "data": [list(QUOTE.values())] * 2}},
        {"input_data": [QUOTE, QUOTE]},
        {"input": [QUOTE, QUOTE]},
        {"data": [QUOTE, QUOTE]},
    ],
)
def test_invoke_is_answered_by_the_release(invoke: Callable[[Any], Any], request_body: Any) -> None:
    assert invoke(request_body) == [26.5, 26.5]


def test_the_sdk_raises_what_it_raises_for_an_endpoint_that_refuses(
    invoke: Callable[[Any], Any], azure: Any
) -> None:
    with pytest.raises(HttpResponseError) as refused:
        invoke({"data": [QUOTE | {"colour": "mauve"}]})
    assert refused.value.status_code == 400
    azure.ml.endpoints.key = "another key"
    with pytest.raises(ClientAuthenticationError):
        invoke({"data": [QUOTE]})
