"""What a process that holds a model may answer, and what is taken for the work of a stranger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnxport.artifacts import (
    Conversion,
    ConversionPlan,
    Graph,
    InputColumn,
    Missing,
    OnnxportError,
    OutputTensor,
    PostProcessing,
    Rows,
    Signature,
    SourceGone,
    SourceReference,
    UntrustedModel,
    digest_bytes,
)
from onnxport.exporters import ExportOptions
from onnxport.pipelines.isolation import Apart, OpenedApart, SourceRaised
from onnxport.sources import frame_of, sample_of
from onnxport.validation import ChildGone

if TYPE_CHECKING:
    from collections.abc import Callable

REFERENCE = SourceReference(uri="m.joblib", kind="joblib", sha256="0" * 64)
ROWS = Rows(columns={"a": np.zeros(3, dtype=np.float32)})


class Forger:
    """A child that answers as it is told."""

    def __init__(self, answer: dict[str, Any], arrays: dict[str, Any]) -> None:
        self._answer = (answer, arrays)
        self.closed = False

    def exchange(self, _header: dict[str, Any], _arrays: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        if self.closed:
            raise ChildGone("it is closed")
        return self._answer

    def close(self) -> None:
        self.closed = True


def opened(answer: dict[str, Any], **arrays: Any) -> OpenedApart:
    forger: Any = Forger(answer, arrays)
    sample = sample_of(frame_of(ROWS))
    return OpenedApart(apart=Apart(forger, "m.joblib"), reference=REFERENCE, names=ROWS.names, sample=sample)


def graph(*, outside: bool = False, domain: str = "") -> bytes:
    node = helper.make_node("Identity", ["features"], ["prediction"], domain=domain)
    features = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["N", 1])
    prediction = helper.make_tensor_value_info("prediction", TensorProto.FLOAT, ["N", 1])
    made = helper.make_graph([node], "g", [features], [prediction])
    if outside:
        tensor = made.initializer.add(name="w", data_type=TensorProto.FLOAT, dims=[1])
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="../../etc/passwd")
    model: bytes = helper.make_model(made, opset_imports=[helper.make_opsetid("", 20)]).SerializeToString()
    return model


def conversion(model: bytes, **changes: Any) -> dict[str, Any]:
    column = InputColumn(
        name="a",
        tensor="features",
        dtype="float32",
        shape=(None, 1),
        missing=Missing(allowed=True, encoding="NaN"),
    )
    whole = Conversion(
        sha256=digest_bytes(model),
        source=REFERENCE,
        signature=Signature(
            layout="matrix",
            inputs=(column,),
            outputs=(OutputTensor(name="prediction", dtype="float32", shape=(None,)),),
        ),
        plan=ConversionPlan(
            exporter="xgboost", runtime="onnxruntime>=1.17", layout="m", opsets={"": 20}, ir_version=9, steps=()
        ),
        graph=Graph(opsets={"": 20}, ir_version=9, min_onnxruntime="1.17"),
        packages={},
    )
    return {"conversion": whole.model_copy(update=changes).to_bytes().decode()}


def answered(model: bytes, **changes: Any) -> OpenedApart:
    return opened(conversion(model, **changes), model=np.frombuffer(model, dtype=np.uint8))


def test_an_honest_answer_is_taken() -> None:
    model = graph()
    result = answered(model).convert(ExportOptions())
    assert getattr(result, "model", None) == model


@pytest.mark.parametrize(
    "forged",
    [
        lambda: answered(graph(outside=True)),
        lambda: answered(graph(domain="com.evil")),
        lambda: answered(b"no graph"),
        lambda: answered(graph(), sha256="1" * 64),
        lambda: answered(graph(), source=REFERENCE.model_copy(update={"sha256": "2" * 64})),
        lambda: answered(graph(), source=REFERENCE.model_copy(update={"git_commit": "forged"})),
        lambda: answered(graph(), plan=_plan().model_copy(update={"post": PostProcessing(clip=(0.0, 1.0))})),
        lambda: answered(graph(), signature=Signature(layout="matrix", inputs=(), outputs=())),
        lambda: opened({"conversion": "no document"}, model=np.zeros(3, dtype=np.uint8)),
        lambda: opened({"conversion": "{}"}, model=np.zeros(3, dtype=np.uint8)),
        lambda: opened({"conversion": 7}),
        lambda: opened({}),
    ],
    ids=[
        "data outside", "operators of its own", "no graph", "another digest", "another source", "another commit",
        "another clip", "other columns", "no JSON", "no conversion", "a number", "nothing",
    ],
)  # fmt: skip
def test_what_is_not_the_graph_of_this_source_ends_the_process(forged: Callable[[], OpenedApart]) -> None:
    model = forged()
    with pytest.raises(SourceGone, match=r"m\.joblib answers"):
        model.convert(ExportOptions())
    with pytest.raises(SourceGone, match="closed"):
        model.steps()


def _plan() -> ConversionPlan:
    plan: ConversionPlan = Conversion.parse(conversion(graph())["conversion"].encode(), name="c").plan
    return plan


@pytest.mark.parametrize("names", [(), ("label",), ("prediction", "label")])
def test_other_outputs_than_were_asked_for_end_the_process(names: tuple[str, ...]) -> None:
    whole = Conversion.parse(conversion(graph())["conversion"].encode(), name="c")
    model = opened({"scorer": 0}, **{name: np.zeros(3) for name in names})
    with pytest.raises(SourceGone, match="prediction"):
        model.scorer(whole.signature, PostProcessing())(ROWS)


def test_errors_keep_their_kind_and_lose_what_steers_a_terminal() -> None:
    said = {"code": "untrusted-model", "message": "no\x1b[2J\nway", "hint": "\x07ring"}
    with pytest.raises(UntrustedModel) as refused:
        opened({"error": said}).convert(ExportOptions())
    assert (refused.value.message, refused.value.hint) == ("no [2J way", " ring")


@pytest.mark.parametrize("code", ["done", "lost-race", "parity-failed", "unreachable", None])
def test_a_process_cannot_claim_what_is_not_its_to_say(code: Any) -> None:
    with pytest.raises(OnnxportError) as refused:
        opened({"error": {"code": code, "message": "trust me"}}).convert(ExportOptions())
    assert refused.value.code == "unexpected"


def test_what_a_model_raises_is_no_error_of_ours() -> None:
    with pytest.raises(SourceRaised, match="ValueError: no"):
        opened({"raised": "ValueError: no"}).steps()


def test_a_graph_loads_as_onnx() -> None:
    """What the other tests rely on: they are refused for the right reason."""
    onnx.checker.check_model(onnx.load_from_string(graph()))
