"""XGBoost models → ONNX, by what XGBoost itself saves: margins equal to the last bit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onnxport.artifacts import PlanStep
from onnxport.exporters.assemble import Draft, add_inputs, class_path, finish, new_builder

from .estimator import Estimator, read_estimator
from .heads import ModelOutputs, add_estimator
from .inputs import add_matrix, check_missing, columns_of

if TYPE_CHECKING:
    from onnxport.artifacts import InputColumn, OnnxArtifact, SourceModel
    from onnxport.exporters.graph import GraphBuilder
    from onnxport.exporters.options import ExportOptions
    from pandas import DataFrame

__all__ = ["ModelOutputs", "add_booster", "export"]

_STEP = "model"
_UNSEEN = (
    "unseen-category differs: a category that was not seen in training counts as missing. XGBoost 3.1 and 3.2 "
    "take a neighbouring category for some of them and raise an error for others (dmlc/xgboost#12189)."
)
_INFINITE = (
    "infinite: an infinite value is compared with the thresholds like any other number; a DMatrix refuses it."
)


def export(source: SourceModel, sample: DataFrame, options: ExportOptions) -> OnnxArtifact:
    """`source`, a Booster or an estimator of XGBoost's scikit-learn interface, as an ONNX graph.

    Raises:
        Refused: The model cannot be converted exactly.
        UsageError: The sample's columns or the options do not fit.
        IntegrityError: XGBoost saved what we cannot read.
    """
    estimator = read_estimator(source.model, _STEP)
    inputs = columns_of(estimator.model, sample)
    check_missing(estimator, inputs)
    builder = new_builder(options)
    add_inputs(builder, inputs)
    outputs = add_estimator(builder, add_matrix(builder, inputs), estimator, _STEP)
    steps = (plan_step(source.model, estimator, _STEP),)
    del estimator  # its trees stand in the graph now
    categorical = any(column.categories is not None for column in inputs)
    draft = Draft(
        exporter="xgboost",
        layout_reason=_layout_reason(inputs),
        inputs=inputs,
        heads=outputs.heads(),
        steps=steps,
        accepted=(_UNSEEN, _INFINITE) if categorical else (_INFINITE,),
        packages=("xgboost",),
    )
    return finish(builder, source, options, draft)


def add_booster(
    builder: GraphBuilder,
    matrix: str,
    model: Any,  # ruff: ignore[ANN401] - a foreign estimator
    step: str,
) -> tuple[ModelOutputs, PlanStep]:
    """What `model`, a Booster or an XGBoost estimator somewhere in a pipeline, answers for `matrix`.

    Args:
        builder: The graph.
        matrix: The model's features in its order, float32 `(n, features)`; NaN is missing, and what the model's
            own `missing` says.
        model: The Booster or estimator.
        step: Its path in the source.

    Raises:
        Refused: The model cannot be converted exactly.
        IntegrityError: XGBoost saved what we cannot read.
    """
    estimator = read_estimator(model, step)
    return add_estimator(builder, matrix, estimator, step), plan_step(model, estimator, step)


def plan_step(model: Any, estimator: Estimator, step: str) -> PlanStep:  # ruff: ignore[ANN401] - a foreign estimator
    """What the plan says about the model."""
    used, available = estimator.rounds
    booster = estimator.model
    facts = [f"booster {booster.kind}", f"objective {booster.objective}", f"{booster.outputs} margins a row"]
    if available:
        facts.append(f"{estimator.trees} trees of {used} of {available} rounds")
    if estimator.missing is not None:
        facts.append(f"{estimator.missing} counts as missing")
    return PlanStep(
        path=step,
        estimator=class_path(model),
        converter="onnxport",
        precision="float32",
        note=", ".join(facts),
    )


def _layout_reason(inputs: tuple[InputColumn, ...]) -> str:
    if any(column.categories is not None for column in inputs):
        return "a tensor for each column: categories enter as they are and get their codes inside the graph"
    return "one float32 matrix: XGBoost casts all numbers to float32"
