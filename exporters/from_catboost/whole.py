"""A whole CatBoost model as a graph: a float32 matrix, trees, output heads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnxport.artifacts import MATRIX_TENSOR, UsageError
from onnxport.exporters.assemble import Draft, add_inputs, finish, matrix_column, new_builder
from onnxport.exporters.from_sklearn.inputs import describe
from onnxport.exporters.from_sklearn.tensor import Tensor
from onnxport.exporters.refused import Refused

from .estimator import plan_step, read_estimator
from .heads import add_estimator, heads

if TYPE_CHECKING:
    from onnxport.artifacts import InputColumn, OnnxArtifact, SourceModel
    from onnxport.exporters.options import ExportOptions
    from pandas import DataFrame

    from .saved import Model

_STEP = "model"


def export_model(source: SourceModel, sample: DataFrame, options: ExportOptions) -> OnnxArtifact:
    """`source` as a graph.

    Raises:
        Refused: The model cannot be converted exactly.
        UsageError: The sample's columns or the options do not fit.
        IntegrityError: CatBoost saved what we cannot read.
    """
    estimator = read_estimator(source.model, _STEP)
    inputs = _inputs(sample, estimator.model)
    builder = new_builder(options)
    add_inputs(builder, inputs)
    matrix = Tensor(builder=builder, name=MATRIX_TENSOR, dtype="float32")
    draft = Draft(
        exporter="catboost",
        layout_reason="one float32 matrix: CatBoost compares all numbers in float32",
        inputs=inputs,
        heads=heads(add_estimator(matrix, estimator), estimator),
        steps=(plan_step(source.model, estimator, _STEP),),
        packages=("catboost",),
    )
    return finish(builder, source, options, draft)


def _inputs(sample: DataFrame, model: Model) -> tuple[InputColumn, ...]:
    described = describe(sample)
    names = tuple(column.name for column in described)
    made_up = model.names == tuple(map(str, range(len(model.names))))
    if len(names) != len(model.names) or len(set(names)) < len(names) or (names != model.names and not made_up):
        raise UsageError(
            f"the model was trained on the columns {', '.join(map(repr, model.names))}; the sample has "
            f"{', '.join(map(repr, names))}",
            hint="Give a sample with the model's columns, in the model's order (--features).",
        )
    for column in described:
        if column.dtype == "string" or column.categories is not None:
            raise Refused(
                f"column {column.name!r}",
                "it holds strings or categories, but the model was trained on numbers alone",
                "Give a sample with the dtypes that the model was trained on.",
            )
    return tuple(matrix_column(name, "float32", len(names), missing=True) for name in names)
