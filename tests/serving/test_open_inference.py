"""What requests of the Open Inference Protocol may say wrong, and what each is told; binary tensors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from onnxport.serving.answers import ENDPOINT, Answer
from onnxport.serving.dialects import OpenInference, Replier, Request
from onnxport.serving.dialects.open_inference import Tensor, Tensors
from onnxport.serving.fault import Fault
from onnxport.serving.features import Features
from onnxport.serving.outputs import Rendered

from tests.serving.support import FEATURES, quote, win_probability

if TYPE_CHECKING:
    from tests.serving.conftest import Running

COLOUR = {"name": "colour", "shape": [1, 1], "datatype": "BYTES", "data": ["red"]}
COUNT = {"name": "count", "shape": [1], "datatype": "INT64", "data": [[1]]}
URGENT = {"name": "urgent", "shape": [1], "datatype": "BOOL", "data": [1.0]}
WEIGHT = {"name": "weight", "shape": [1, 1], "datatype": "FP32", "data": [0.25]}
FINE = [COLOUR, COUNT, URGENT, WEIGHT]
PATH = "/v2/models/quote/infer"


def inputs(**changed: Any) -> dict[str, Any]:
    """A request whose first input is changed."""
    return {"inputs": [COLOUR | changed, *FINE[1:]]}


WRONG: dict[str, tuple[Any, str]] = {
    "an input twice": ({"inputs": [*FINE, COLOUR]}, "input 'colour' stands twice"),
    "an input without a name": ({"inputs": [1]}, "$.inputs[0]: an object with a name"),
    "no shape": (inputs(shape=None), "$.inputs[0].shape: 1 to"),
    "a negative shape": (inputs(shape=[-1, 1]), "$.inputs[0].shape: 1 to"),
    "another datatype": (inputs(datatype="INT64", data=[1]), "BYTES expected, found INT64"),
    "an unknown datatype": (inputs(datatype="FP8"), "$.inputs[0].datatype: one of FP32"),
    "no data": (inputs(data=None), "$.inputs[0].data: data of BYTES expected"),
    "ragged data": (inputs(data=[["red"], "red"]), "$.inputs[0].data: data of BYTES expected"),
    "another number of values": (inputs(data=["red", "red"]), "2 values do not have the shape [1, 1]"),
    "a shape of another width": (
        inputs(shape=[1, 2], data=["red", "red"]),
        "shape [-1, 1] expected, found [1, 2]",
    ),
    "rows of another number": (inputs(shape=[2], data=["red", "red"]), "$.inputs"),
    "a boolean that is none": ({"inputs": [COLOUR, COUNT, URGENT | {"data": [2]}, WEIGHT]}, "a boolean expected"),
    "a size without bytes": (inputs(parameters={"binary_data_size": 7}), "binary_data_size does not fit the body"),
    "an id that is no string": ({"inputs": FINE, "id": 7}, "id is a string"),
    "parameters that are none": ({"inputs": FINE, "parameters": []} | {"parameters": [1]}, "parameters an object"),
    "outputs that are no array": ({"inputs": FINE, "outputs": {"name": "prediction"}}, "an array of outputs"),
    "an output without a name": ({"inputs": FINE, "outputs": [{}]}, "$.outputs[0]: an object with a name"),
    "an unknown output": ({"inputs": FINE, "outputs": [{"name": "score"}]}, "unknown output 'score'"),
    "a classification": (
        {"inputs": FINE, "outputs": [{"name": "prediction", "parameters": {"classification": 1}}]},
        "$.outputs[0].parameters: parameters that are not known",
    ),
}


@pytest.mark.parametrize(("body", "message"), WRONG.values(), ids=WRONG)
def test_each_fault_is_told_with_its_place(service: Running, body: Any, message: str) -> None:
    assert service.ask(PATH, {"inputs": FINE}).json["outputs"][0]["data"] == [3.25]
    reply = service.ask(PATH, body)
    assert reply.status == 400
    assert message in reply.json["error"]


def binary(service: Running, head: dict[str, Any], raw: bytes, length: str | None = None) -> Any:
    text = json.dumps(head).encode()
    headers = {"inference-header-content-length": length or str(len(text))}
    return service.ask(PATH, text + raw, headers=headers)


def in_bytes(one: dict[str, Any], raw: bytes) -> dict[str, Any]:
    return {key: one[key] for key in ("name", "shape", "datatype")} | {
        "parameters": {"binary_data_size": len(raw)}
    }


RAW = [b"\x04\x00\x00\x00blue", (3).to_bytes(8, "little"), b"\x00", np.float32(0.5).tobytes()]


def test_tensors_of_every_type_may_be_bytes_and_come_back_so(service: Running) -> None:
    head = {"inputs": [in_bytes(one, raw) for one, raw in zip(FINE, RAW, strict=True)]}
    assert binary(service, head, b"".join(RAW)).json["outputs"][0]["data"] == [26.5]
    reply = binary(service, head | {"parameters": {"binary_data_output": True}}, b"".join(RAW))
    length = int(reply.headers["inference-header-content-length"])
    assert json.loads(reply.body[:length])["outputs"][0]["parameters"] == {"binary_data_size": 4}
    assert reply.body[length:] == np.float32(26.5).tobytes()


@pytest.mark.parametrize(
    ("place", "raw", "message"),
    [
        (0, b"\x09\x00\x00\x00blue", "$.inputs[0].data: data of BYTES"),
        (0, b"\x01\x00\x00\x00\xff", "$.inputs[0].data: data of BYTES"),
        (1, b"\x01\x00\x00", "$.inputs[1].data: data of INT64"),
        (1, b"", "0 values do not have the shape [1]"),
    ],
)
def test_bytes_that_are_no_such_tensor_are_refused(service: Running, place: int, raw: bytes, message: str) -> None:
    chosen = [*RAW]
    chosen[place] = raw
    head = {"inputs": [in_bytes(one, part) for one, part in zip(FINE, chosen, strict=True)]}
    reply = binary(service, head, b"".join(chosen))
    assert reply.status == 400
    assert message in reply.json["error"]


def test_bytes_that_belong_to_nobody_and_lengths_that_are_none_are_refused(service: Running) -> None:
    assert "3 bytes belong to no input" in binary(service, {"inputs": FINE}, b"abc").json["error"]
    for length in ("99999", "-1", "x"):
        assert "longer than the body" in binary(service, {"inputs": FINE}, b"", length).json["error"]
    squeezed = service.ask(PATH, {"inputs": FINE}, headers={"content-encoding": "gzip"})
    assert (squeezed.status, squeezed.json["error"]) == (415, "compressed bodies are not taken")


def test_a_column_by_its_name_and_by_its_tensors_is_there_twice() -> None:
    conversion = quote().conversion
    renamed = [one.model_copy(update={"tensor": f"the {one.name}"}) for one in conversion.signature.inputs]
    signature = conversion.signature.model_copy(update={"inputs": tuple(renamed)})
    both = tensors(**{"weight": ([1], [1.0]), "the weight": ([1], [2.0])})
    found = both.table(Features(signature, conversion.plan), b"")
    assert isinstance(found, Fault)
    assert "'weight' stands twice" in found.message


# -- while the endpoint answers


def tensors(**inputs_: tuple[list[int], Any]) -> Tensors:
    return Tensors(
        {name: Tensor("FP32", tuple(shape), data, "$.inputs[0]") for name, (shape, data) in inputs_.items()}
    )


def test_tensors_become_rows_for_a_server_that_knows_the_model() -> None:
    assert tensors(features=([2, 2], [1, 2, 3, 4])).frame() == (None, [[1, 2], [3, 4]])
    assert tensors(features=([2, 2], np.arange(4).reshape(-1))).frame() == (None, [[0, 1], [2, 3]])
    assert tensors(a=([2], [1, 2]), b=([2], [3, 4])).frame() == (["a", "b"], [[1, 3], [2, 4]])
    flat, uneven = tensors(features=([4], [1, 2, 3, 4])).frame(), tensors(a=([1], [1]), b=([2], [3, 4])).frame()
    assert isinstance(flat, Fault)
    assert isinstance(uneven, Fault)
    assert (flat.code, uneven.code) == ("wrong-shape", "unequal-columns")


def replier(**changed: Any) -> Replier:
    details = {"name": "m", "version": 1, "digest": "", "signature": win_probability().conversion.signature}
    return Replier(**{**details, "wanted": "label", "wrap": None, **changed})


def test_an_answer_of_the_endpoint_is_a_tensor_where_it_has_the_output_and_a_refusal_where_not() -> None:
    answer = Answer(Rendered.of_fragments({"label": [b"1", b"0"]}), 0, 2, ENDPOINT)
    dialect, asked = OpenInference(), {"id": None, "binary": False}
    reply = dialect.write(Request(None, asked | {"outputs": {"label": False}}), answer, replier())  # type: ignore[arg-type]
    assert not isinstance(reply, Fault)
    (output,) = json.loads(reply.body)["outputs"]
    assert output == {"name": "label", "datatype": "INT64", "shape": [2], "data": [1, 0]}
    everything = dialect.write(Request(None, asked | {"outputs": {}}), answer, replier())  # type: ignore[arg-type]
    assert isinstance(everything, Fault)
    assert "azureml does not answer with 'probabilities'" in everything.message
    nothing = dialect.write(Request(None, asked | {"outputs": {}}), answer, replier(signature=None))  # type: ignore[arg-type]
    assert isinstance(nothing, Fault)
    assert nothing.status == 503


def test_the_matrix_has_the_models_width(service: Running) -> None:
    narrow = {"name": "features", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}
    reply = service.ask("/v2/models/win-probability/infer", {"inputs": [narrow]})
    assert f"shape [-1, {len(FEATURES)}] expected, found [1, 3]" in reply.json["error"]
    assert quote().name in service.ask("/v2/models/quote").json["name"]
