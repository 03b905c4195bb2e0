"""The plan as a reader sees it."""

from __future__ import annotations

from onnxport.artifacts import (
    ConversionPlan,
    InputColumn,
    Missing,
    OutputTensor,
    PlanStep,
    PostProcessing,
    Signature,
)


def column(name: str, *, missing: bool = True) -> InputColumn:
    given = Missing(allowed=missing, encoding="nan")
    return InputColumn(name=name, tensor="features", dtype="float64", shape=(None, 2), missing=given)


def test_the_plan_names_inputs_steps_outputs_runtime_and_what_is_accepted_in_lines_of_their_own() -> None:
    plan = ConversionPlan(
        exporter="sklearn",
        layout="one matrix",
        steps=(
            PlanStep(path="model.s", estimator="a.b.Scaler", converter="onnxport", precision="float64"),
            PlanStep(path="model", estimator="a.Pipeline", converter="foreign", precision="none", note="why"),
        ),
        post=PostProcessing(clip=(0.0, 1.0)),
        opsets={"": 20, "ai.onnx.ml": 3},
        ir_version=9,
        runtime="onnxruntime>=1.17",
        accepted=("infinite: no reference",),
    )
    signature = Signature(
        layout="matrix",
        inputs=(column("age in years"), column("b", missing=False)),
        outputs=(OutputTensor(name="label", dtype="int64", shape=(None,), classes=(0, 1)),),
    )
    assert plan.render(signature).splitlines() == [
        "for onnxruntime>=1.17: opset 20, ai.onnx.ml 3, IR 9; exporter sklearn",
        "inputs: one matrix",
        "  age in years  float64  missing as NaN",
        "  b             float64  no missing values",
        "steps, in the order and the precision of the source:",
        "  model.s  Scaler    float64",
        "  model    Pipeline  its parts  by foreign; why",
        "  then clipped to [0.0, 1.0]",
        "outputs:",
        "  label  int64  [N]  0, 1",
        "the graph need not do as the source does for rows of the kind",
        "  infinite: no reference",
    ]


def test_of_many_inputs_the_first_are_named_and_the_others_counted() -> None:
    plan = ConversionPlan(exporter="x", layout="one matrix", steps=(), opsets={}, ir_version=9, runtime="r")
    signature = Signature(layout="matrix", inputs=tuple(column(f"c{index}") for index in range(50)), outputs=())
    lines = plan.render(signature).splitlines()
    assert "  and 30 more" in lines
    assert not any("c20" in line for line in lines)
