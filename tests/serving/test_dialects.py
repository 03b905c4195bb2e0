"""Callers of other servers change only the URL: bodies, answers and errors are theirs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pytest

from tests.serving.support import FEATURES, quote, win_probability

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.serving.conftest import Running

QUOTE: dict[str, Any] = {"colour": "blue", "count": 3, "urgent": False, "weight": 0.5}
PRICE = 26.5
COLUMNS = ["weight", "count", "colour", "urgent"]
ROW = [QUOTE[name] for name in COLUMNS]


def test_a_record_is_answered_with_all_outputs_and_who_gave_them(service: Running) -> None:
    record = win_probability().records[1]
    reply = service.ask("/api/v1/predict/win-probability", {"record": record})
    expected = win_probability().source([record])
    assert reply.status == 200
    assert reply.json["prediction"]["label"] == expected["label"][0]
    np.testing.assert_allclose(reply.json["prediction"]["probabilities"], expected["probabilities"][0], rtol=1e-5)
    assert (reply.json["model"], reply.json["version"], reply.json["served_by"]) == ("win-probability", 1, "onnx")
    assert reply.headers["x-onnxport-release"] == "win-probability:1"
    assert reply.headers["x-onnxport-served-by"] == "onnx"
    assert reply.headers["x-onnxport-digest"] == reply.json["digest"] == win_probability().conversion.sha256


def test_a_batch_is_answered_row_by_row_in_order(service: Running) -> None:
    made = win_probability()
    reply = service.ask("/api/v1/predict/batch/win-probability", {"records": made.records})
    found = [row["probabilities"] for row in reply.json["predictions"]]
    np.testing.assert_allclose(found, made.source(made.records)["probabilities"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "body",
    [
        {"input_data": {"columns": COLUMNS, "index": [0], "data": [ROW]}},
        {"input_data": {"columns": COLUMNS, "data": [ROW]}},
        {"input_data": [QUOTE]},
        {"input": [QUOTE]},
        {"data": [QUOTE]},
        {"data": [["blue", 3, False, 0.5]]},
    ],
)
def test_the_forms_of_azure_ml_are_answered_with_a_list(service: Running, body: Any) -> None:
    reply = service.ask("/score/quote", body, content_type=None)
    assert (reply.status, reply.json) == (200, [PRICE])
    assert reply.headers["x-ms-run-function-failed"] == "False"
    assert reply.headers["x-ms-request-id"]


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"columns": COLUMNS, "index": [0], "data": [ROW]}},
        {"dataframe_records": [QUOTE], "params": {}},
        {"instances": [QUOTE]},
        {"instances": [["blue", 3, False, 0.5]]},
        {"inputs": {name: [value] for name, value in QUOTE.items()}},
        {"inputs": [QUOTE]},
    ],
)
def test_the_forms_of_mlflow_are_answered_with_predictions(service: Running, body: Any) -> None:
    reply = service.ask("/invocations/quote", body)
    assert (reply.status, reply.json) == (200, {"predictions": [PRICE]})


def test_nan_as_python_writes_it_is_a_missing_value(service: Running) -> None:
    body = json.dumps({"data": [QUOTE | {"weight": float("nan")}]}).encode()
    assert b"NaN" in body
    assert service.ask("/score/quote", body).json == [None]


def test_drop_ins_answer_what_the_model_predicts_or_what_the_settings_say(start: Callable[..., Running]) -> None:
    record = win_probability().records[1]
    expected = win_probability().source([record])
    plain = start().ask("/score/win-probability", {"data": [record]})
    assert plain.json == expected["label"]
    models = {"win-probability": {"answer": "positive", "wrap": "result"}}
    models["win-probability"]["reference"] = "win-probability@production"
    service = start(onnx={"models": models})
    found = service.ask("/score/win-probability", {"data": [record]}).json
    np.testing.assert_allclose(found["result"], [expected["probabilities"][0][1]], rtol=1e-5)
    only = service.ask("/invocations", {"instances": [record]}).json  # one model: MLflow's own path
    np.testing.assert_allclose(only["predictions"], [expected["probabilities"][0][1]], rtol=1e-5)


def test_floats_have_one_form_on_every_route(service: Running) -> None:
    record = win_probability().records[1]
    one = service.ask("/api/v1/predict/win-probability", {"record": record}).json["prediction"]["probabilities"]
    batch = service.ask("/api/v1/predict/batch/win-probability", {"records": [record, record]}).json["predictions"]
    tensors = v2_json(service, [record])
    assert one == batch[0]["probabilities"] == batch[1]["probabilities"] == tensors["outputs"][1]["data"]
    assert orjson.dumps(np.array(one, dtype=np.float32), option=orjson.OPT_SERIALIZE_NUMPY) == orjson.dumps(one)


def v2_json(service: Running, records: list[dict[str, Any]], **more: Any) -> Any:
    data = [record[name] for record in records for name in FEATURES]
    tensor = {"name": "features", "shape": [len(records), 20], "datatype": "FP32", "data": data}
    return service.ask("/v2/models/win-probability/infer", {"inputs": [tensor], **more}).json


def test_tensors_as_json_are_answered_with_tensors(service: Running) -> None:
    made = win_probability()
    reply = v2_json(service, made.records[:3], id="mine", outputs=[{"name": "probabilities"}])
    assert (reply["id"], reply["model_name"], reply["model_version"]) == ("mine", "win-probability", "1")
    (output,) = reply["outputs"]
    assert (output["name"], output["datatype"], output["shape"]) == ("probabilities", "FP32", [3, 2])
    expected = np.ravel(made.source(made.records[:3])["probabilities"])
    np.testing.assert_allclose(output["data"], expected, rtol=1e-5, atol=1e-6)


def test_columns_may_be_tensors_of_their_own(service: Running) -> None:
    kinds = {"colour": "BYTES", "count": "INT64", "urgent": "BOOL", "weight": "FP32"}
    inputs = [
        {"name": name, "shape": [2, 1], "datatype": kind, "data": [QUOTE[name]] * 2}
        for name, kind in kinds.items()
    ]
    assert service.ask("/v2/models/quote/infer", {"inputs": inputs}).json["outputs"][0]["data"] == [PRICE] * 2


@pytest.mark.parametrize("binary", [True, False])
def test_tritonclient_works_unchanged(service: Running, binary: bool) -> None:
    from tritonclient.http import (  # type: ignore[import-untyped]
        InferenceServerClient,
        InferInput,
        InferRequestedOutput,
    )

    client = InferenceServerClient(f"127.0.0.1:{service.port}")
    try:
        assert client.is_server_live()
        assert client.is_server_ready()
        assert client.is_model_ready("win-probability")
        metadata = client.get_model_metadata("win-probability")
        assert metadata["inputs"][0]["shape"] == [-1, 20]
        made = win_probability()
        matrix = np.array([[record[name] for name in FEATURES] for record in made.records[:5]], dtype=np.float32)
        features = InferInput("features", list(matrix.shape), "FP32")
        features.set_data_from_numpy(matrix, binary_data=binary)
        wanted = [InferRequestedOutput(name, binary_data=binary) for name in ("label", "probabilities")]
        result: Any = client.infer("win-probability", [features], outputs=wanted)
        expected = made.source(made.records[:5])
        assert result.as_numpy("label").tolist() == expected["label"]
        np.testing.assert_allclose(
            result.as_numpy("probabilities"), expected["probabilities"], rtol=1e-5, atol=1e-6
        )
    finally:
        client.close()


def test_tritonclient_sends_strings_too(service: Running) -> None:
    from tritonclient.http import InferenceServerClient, InferInput

    client = InferenceServerClient(f"127.0.0.1:{service.port}")
    try:
        arrays = {
            "colour": np.array([["blue"], ["red"]], dtype=object),
            "count": np.array([[3], [1]], dtype=np.int64),
            "urgent": np.array([[False], [True]]),
            "weight": np.array([[0.5], [np.nan]], dtype=np.float32),
        }
        kinds = {"colour": "BYTES", "count": "INT64", "urgent": "BOOL", "weight": "FP32"}
        inputs = []
        for name, values in arrays.items():
            one = InferInput(name, [2, 1], kinds[name])
            one.set_data_from_numpy(values)
            inputs.append(one)
        found = client.infer("quote", inputs).as_numpy("prediction")
        np.testing.assert_array_equal(found, np.array([PRICE, np.nan], dtype=np.float32))
    finally:
        client.close()


WRONG: dict[str, tuple[Any, str]] = {
    "unknown column": ({**QUOTE, "x": 1}, "wrong-columns"),
    "missing column": ({"colour": "red"}, "wrong-columns"),
    "unseen category": (QUOTE | {"colour": "mauve"}, "unseen-category"),
    "wrong type": (QUOTE | {"count": "3"}, "wrong-type"),
    "missing value": (QUOTE | {"colour": None}, "missing-value"),
}


@pytest.mark.parametrize(("record", "code"), WRONG.values(), ids=WRONG)
def test_what_does_not_fit_is_422_with_its_path_and_each_dialect_says_it_its_way(
    service: Running, record: Any, code: str
) -> None:
    own = service.ask("/api/v1/predict/quote", {"record": record})
    assert (own.status, own.json["error"]["code"]) == (422, code)
    assert own.json["error"]["path"].startswith("$.record")
    azure = service.ask("/score/quote", {"data": [record]})
    assert (azure.status, list(azure.json)) == (400, ["message"])
    mlflow = service.ask("/invocations/quote", {"instances": [record]})
    assert (mlflow.status, mlflow.json["error_code"]) == (400, "BAD_REQUEST")


def test_unknown_and_missing_columns_are_listed(service: Running) -> None:
    wrong = {"Colour": "red", "count": 1, "urgent": True, "weight": 1.0}
    details = service.ask("/api/v1/predict/quote", {"record": wrong}).json["error"]["details"]
    assert details == {"unknown": ["Colour"], "missing": ["colour"], "duplicated": []}
    columns = {"columns": ["colour", "colour", "urgent", "weight"], "data": [["red", "red", True, 1.0]]}
    reply = service.ask("/score/quote", {"input_data": columns})
    assert "duplicated: 'colour'" in reply.json["message"]
    assert "missing: 'count'" in reply.json["message"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/predict/quote", b'{"record":{"colour":"red","count":1,"count":2,"urgent":true,"weight":1.0}}'),
        ("/score/quote", b'{"data":[["red",1,true,1]],"data":[["red",2,true,1]]}'),
        (
            "/invocations/quote",
            b'{"inputs":{"colour":["a:b"],"colour":["red"],"count":[1],"urgent":[true],"weight":[1]}}',
        ),
    ],
)
def test_a_member_that_stands_twice_is_refused(service: Running, path: str, body: bytes) -> None:
    reply = service.ask(path, body)
    assert reply.status in {400, 422}
    assert "twice" in reply.body.decode()


BROKEN = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"{}",
    b'{"record": 1}',
    b'{"record": [1]}',
    b'{"records": 3}',
    b'{"data": 1}',
    b'{"data": [1]}',
    b'{"data": [[1]]}',
    b'{"input_data": {}}',
    b'{"input_data": {"columns": 1, "data": [[1]]}}',
    b'{"input_data": {"columns": [1], "data": [[1]]}}',
    b'{"dataframe_split": 1}',
    b'{"inputs": 1}',
    b'{"inputs": [1]}',
    b'{"inputs": [{"name": "features"}]}',
    b'{"inputs": [{"name": "features", "shape": [1, 20], "datatype": "FP32", "data": [1]}]}',
    b'{"inputs": [{"name": "features", "shape": [1, -20], "datatype": "FP32", "data": [1]}]}',
    b'{"inputs": [{"name": "features", "shape": [], "datatype": "FP32", "data": []}]}',
    b'{"inputs": [{"name": "weight", "shape": [1], "datatype": "FP64", "data": [1.0]}]}',
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"record": {"a": NaN' + b"[" * 5_000,
]


@pytest.mark.parametrize("body", BROKEN, ids=range(len(BROKEN)))
def test_broken_bodies_are_the_callers_fault_on_every_route(service: Running, body: bytes) -> None:
    for route in (
        "/api/v1/predict/quote",
        "/api/v1/predict/batch/quote",
        "/score/quote",
        "/invocations/quote",
        "/v2/models/quote/infer",
    ):
        assert service.ask(route, body).status in {400, 422}, route


def test_other_content_types_are_refused_where_the_dialect_has_one(service: Running) -> None:
    body = json.dumps({"record": QUOTE}).encode()
    assert service.ask("/api/v1/predict/quote", body, content_type="text/csv").status == 415
    assert service.ask("/api/v1/predict/quote", body, content_type=None).status == 415
    assert service.ask("/invocations/quote", body, content_type="text/csv").status == 415
    assert service.ask("/api/v1/predict/quote", body, content_type="application/json; charset=utf-8").status == 200
    assert service.ask("/api/v1/predict/quote", body, headers={"content-encoding": "gzip"}).status == 415


def test_too_many_rows_are_refused(start: Callable[..., Running]) -> None:
    service = start(onnx={"limits": {"rows": 10}})
    many = {"records": [QUOTE] * 11}
    reply = service.ask("/api/v1/predict/batch/quote", many)
    assert (reply.status, reply.json["error"]["code"]) == (413, "too-many-rows")


def test_large_batches_are_answered_as_small_ones(service: Running) -> None:
    made = quote()
    records = made.records * 100
    reply = service.ask("/api/v1/predict/batch/quote", {"records": records})
    found = [row["prediction"] for row in reply.json["predictions"]]
    np.testing.assert_allclose(found, made.source(records)["prediction"], rtol=1e-6)
    bad = [*records[:-1], QUOTE | {"count": "x"}]
    refused = service.ask("/api/v1/predict/batch/quote", {"records": bad})
    assert refused.json["error"]["path"] == f"$.records[{len(bad) - 1}].count"


def test_no_rows_are_answered_with_no_rows(service: Running) -> None:
    assert service.ask("/api/v1/predict/batch/quote", {"records": []}).json["predictions"] == []
    assert service.ask("/score/win-probability", {"data": []}).json == []
