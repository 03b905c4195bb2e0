"""A whole LightGBM model as a graph: columns, codes of categories, trees, output heads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnxport.artifacts import MATRIX_TENSOR, UsageError
from onnxport.exporters.assemble import Draft, Head, add_labels, finish, new_builder
from onnxport.exporters.from_sklearn.inputs import add_columns, describe, signature_columns
from onnxport.exporters.from_sklearn.scope import Scope

from .estimator import plan_step, read_estimator
from .heads import add_estimator
from .matrix import add_matrix

if TYPE_CHECKING:
    from onnxport.artifacts import InputColumn, OnnxArtifact, SourceModel
    from onnxport.exporters.graph import GraphBuilder
    from onnxport.exporters.options import ExportOptions
    from pandas import DataFrame

    from .estimator import Estimator
    from .heads import ModelOutputs
    from .saved import Model

_STEP = "model"


def export_model(source: SourceModel, sample: DataFrame, options: ExportOptions) -> OnnxArtifact:
    """`source` as a graph.

    Raises:
        Refused: The model cannot be converted exactly.
        UsageError: The sample's columns or the options do not fit.
        IntegrityError: LightGBM saved what we cannot read.
    """
    estimator = read_estimator(source.model, _STEP)
    _check_names(estimator.model, [str(name) for name in sample.columns])
    described = describe(sample)
    inputs = signature_columns(described, [True] * len(described))
    builder = new_builder(options)
    scope = Scope(builder=builder, path=_STEP)
    matrix = add_matrix(scope, add_columns(builder, described, inputs), estimator.model)
    outputs = add_estimator(matrix, estimator, _STEP)
    draft = Draft(
        exporter="lightgbm",
        layout_reason=_layout_reason(inputs),
        inputs=inputs,
        heads=_heads(builder, outputs, estimator),
        steps=(plan_step(source.model, estimator, _STEP),),
        packages=("lightgbm",),
    )
    return finish(builder, source, options, draft)


def _check_names(model: Model, names: list[str]) -> None:
    if len(names) != model.features:
        raise UsageError(
            f"the model was trained on {model.features} columns, the sample has {len(names)}",
            hint="Name the model's columns in its order with --features.",
        )
    if len(set(names)) < len(names):
        raise UsageError("the sample has several columns of the same name", hint="Rename them.")
    own = [name.replace(" ", "_") for name in names]
    if set(own) == set(model.names) and own != list(model.names):
        raise UsageError(
            f"the model was trained on the columns {', '.join(map(repr, model.names))} in this order; the sample "
            "has them in another one, and LightGBM goes by the order",
            hint="Give a sample with the model's columns, in the model's order.",
        )


def _layout_reason(inputs: tuple[InputColumn, ...]) -> str:
    if all(column.tensor == MATRIX_TENSOR for column in inputs):
        return f"one {inputs[0].dtype} matrix: LightGBM compares numbers in double precision"
    return "a tensor for each column: categories enter as they are and get their codes inside the graph"


def _heads(builder: GraphBuilder, outputs: ModelOutputs, estimator: Estimator) -> tuple[Head, ...]:
    if outputs.label is None or outputs.probabilities is None or estimator.classes is None:
        shape = (None,) if outputs.flat else (None, estimator.model.outputs)
        return (Head(name="prediction", value=outputs.prediction.name, dtype="float64", shape=shape),)
    label, dtype = add_labels(builder, outputs.label.name, estimator.classes)
    return (
        Head(name="label", value=label, dtype=dtype, shape=(None,), classes=estimator.classes),
        Head(
            name="probabilities",
            value=outputs.probabilities.name,
            dtype="float64",
            shape=(None, len(estimator.classes)),
            classes=estimator.classes,
        ),
    )
