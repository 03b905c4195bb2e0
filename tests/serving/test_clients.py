"""The clients of other servers work unchanged: mlflow, tritonclient, and the Open Inference Protocol's own."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.serving.support import FEATURES, win_probability

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.serving.conftest import Running

QUOTE: dict[str, Any] = {"colour": "blue", "count": 3, "urgent": False, "weight": 0.5}
PRICE = 26.5
ONLY_QUOTE = {"models": {"quote": {"reference": "quote@production"}}}


@pytest.fixture
def quotes(start: Callable[..., Running]) -> Running:
    """A service with one model, as the servers that it stands in for have."""
    return start(onnx=ONLY_QUOTE)


# -- MLflow


@pytest.fixture(scope="module", autouse=True)
def _mlflow() -> None:
    """Imported once; its own code warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow.deployments
        import mlflow.pyfunc.scoring_server.client
    del mlflow


def test_mlflows_scoring_server_client_pings_asks_and_gets_predictions(quotes: Running) -> None:
    from mlflow.pyfunc.scoring_server.client import ScoringServerClient
    from pandas import DataFrame

    client = ScoringServerClient("127.0.0.1", quotes.port)
    client.wait_server_ready(timeout=5)
    assert client.get_version()
    rows = DataFrame([QUOTE, QUOTE | {"count": 4}])
    assert client.invoke(rows)["predictions"] == [PRICE, PRICE + 2]
    assert client.invoke(rows).get_predictions().to_numpy().ravel().tolist() == [PRICE, PRICE + 2]
    with pytest.raises(Exception, match=r"error code 400.*BAD_REQUEST.*colour"):
        client.invoke(rows.drop(columns="colour"))
    with pytest.raises(Exception, match=r"error code 400.*takes no params"):
        client.invoke(rows, params={"beam": 3})


def test_mlflows_scoring_server_client_sends_a_matrix(start: Callable[..., Running]) -> None:
    from mlflow.pyfunc.scoring_server.client import ScoringServerClient

    service = start(onnx={"models": {"win-probability": {"reference": "win-probability@production"}}})
    made = win_probability()
    records = made.records[1:7]
    matrix = np.array([[record[name] for name in FEATURES] for record in records], dtype=np.float64)
    answer = ScoringServerClient("127.0.0.1", service.port).invoke(matrix)
    assert answer["predictions"] == made.source(records)["label"]


def test_mlflow_deployments_predicts_by_the_models_name(service: Running) -> None:
    from mlflow.deployments import get_deploy_client
    from mlflow.exceptions import MlflowException

    client = get_deploy_client(f"http://127.0.0.1:{service.port}")
    assert client is not None
    answer: Any = client.predict(endpoint="quote", inputs={"dataframe_records": [QUOTE]})
    assert answer == {"predictions": [PRICE]}
    with pytest.raises(Exception, match=r"400"):
        client.predict(endpoint="quote", inputs={"dataframe_records": [{}]})
    with pytest.raises((MlflowException, OSError), match=r"404"):
        client.predict(endpoint="nobody", inputs={"dataframe_records": [QUOTE]})


def test_probes_of_mlflow_and_of_azure_ml_are_answered(start: Callable[..., Running], service: Running) -> None:
    for path in ("/", "/ping", "/health"):
        assert service.ask(path).status == 200
    assert service.ask("/").body == b"Healthy"
    assert service.ask("/version").headers["content-type"].startswith("text/plain")
    missing = start(onnx={"models": {"quote": {"reference": "quote@nowhere"}}})
    for path in ("/", "/ping", "/health"):
        assert missing.ask(path).status == 503


def test_what_is_not_there_is_told_in_the_form_of_the_server_that_was_asked(service: Running) -> None:
    rows = {"data": [QUOTE]}
    assert list(service.ask("/score/nobody", rows).json) == ["message"]
    assert service.ask("/invocations/nobody", rows).json["error_code"] == "RESOURCE_DOES_NOT_EXIST"
    assert isinstance(service.ask("/v2/models/nobody/infer", rows).json["error"], str)
    assert service.ask("/api/v1/predict/nobody", rows).json["error"]["code"] == "no-such-path"


# -- Triton


@pytest.fixture
def triton(service: Running) -> Iterator[Any]:
    from tritonclient.http import InferenceServerClient  # type: ignore[import-untyped]

    client = InferenceServerClient(f"127.0.0.1:{service.port}")
    yield client
    client.close()


def features(rows: int, *, binary: bool) -> Any:
    from tritonclient.http import InferInput

    made = win_probability()
    matrix = np.array([[one[name] for name in FEATURES] for one in made.records[:rows]], dtype=np.float32)
    found = InferInput("features", list(matrix.shape), "FP32")
    found.set_data_from_numpy(matrix, binary_data=binary)
    return found


@pytest.mark.parametrize("binary", [True, False])
def test_tritonclient_asks_for_the_loaded_version_by_its_number(triton: Any, binary: bool) -> None:
    assert triton.get_server_metadata()["name"] == "onnxport"
    assert triton.is_model_ready("win-probability", "1")
    assert not triton.is_model_ready("win-probability", "2")
    assert triton.get_model_metadata("win-probability", "1")["versions"] == ["1"]
    result = triton.infer("win-probability", [features(3, binary=binary)], model_version="1", request_id="r-7")
    assert result.get_response()["id"] == "r-7"
    assert result.as_numpy("label").tolist() == win_probability().source(win_probability().records[:3])["label"]


def test_tritonclient_understands_refusals(triton: Any) -> None:
    from tritonclient.utils import InferenceServerException  # type: ignore[import-untyped]

    with pytest.raises(InferenceServerException, match="answers with version 1, version 2 is not loaded") as error:
        triton.infer("win-probability", [features(1, binary=True)], model_version="2")
    assert error.value.status() == "404"
    with pytest.raises(InferenceServerException, match="nothing answers at /v2/models/nobody"):
        triton.get_model_metadata("nobody")
    with pytest.raises(InferenceServerException, match=r"unknown input 'features'"):
        triton.infer("quote", [features(1, binary=True)])


def test_tritonclient_may_ask_many_things_at_once(service: Running) -> None:
    from tritonclient.http import InferenceServerClient

    client = InferenceServerClient(f"127.0.0.1:{service.port}", concurrency=4)
    waiting = [client.async_infer("win-probability", [features(1 + n, binary=True)]) for n in range(8)]
    rows = [len(one.get_result().as_numpy("label")) for one in waiting]
    client.close()
    assert rows == list(range(1, 9))


# -- a client generated from the protocol's own OpenAPI document


@pytest.fixture
def protocol(service: Running) -> Iterator[Any]:
    import httpx
    from open_inference.openapi.client import OpenInferenceClient

    with httpx.Client() as client:
        yield OpenInferenceClient(base_url=f"http://127.0.0.1:{service.port}", httpx_client=client)


def test_the_protocols_own_client_reads_metadata_and_is_answered(protocol: Any) -> None:
    from open_inference.openapi.client import InferenceRequest

    protocol.check_server_liveness()
    protocol.check_server_readiness()
    protocol.check_model_readiness("quote")
    protocol.check_model_version_readiness("quote", "1")
    assert protocol.read_server_metadata().extensions == ["binary_tensor_data"]
    metadata = protocol.read_model_metadata("quote")
    assert {one.name: one.datatype for one in metadata.inputs} == {
        "colour": "BYTES",
        "count": "INT64",
        "urgent": "BOOL",
        "weight": "FP32",
    }
    assert protocol.read_model_version_metadata("quote", "1") == metadata
    inputs = [
        {"name": one.name, "shape": [1, 1], "datatype": one.datatype, "data": [QUOTE[one.name]]}
        for one in metadata.inputs
    ]
    request = InferenceRequest(id="mine", inputs=inputs)
    for answer in (
        protocol.model_infer("quote", request=request),
        protocol.model_version_infer("quote", "1", request=request),
    ):
        assert (answer.id, answer.model_version) == ("mine", "1")
        assert answer.dict()["outputs"][0]["data"] == [PRICE]


def test_the_protocols_own_client_understands_refusals(protocol: Any) -> None:
    from open_inference.openapi.client import InferenceRequest
    from open_inference.openapi.core import ApiError
    from open_inference.openapi.errors import BadRequestError, NotFoundError

    wrong = InferenceRequest(inputs=[{"name": "price", "shape": [1], "datatype": "FP32", "data": [1.0]}])
    with pytest.raises(BadRequestError) as refused:
        protocol.model_infer("quote", request=wrong)
    assert "unknown input 'price'" in str(refused.value)
    with pytest.raises(ApiError, match="version 9 is not loaded"):
        protocol.model_version_infer("quote", "9", request=wrong)
    with pytest.raises(NotFoundError):
        protocol.check_model_readiness("nobody")
