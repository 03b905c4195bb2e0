"""A whole scikit-learn model as a graph: inputs, the model's own steps, output heads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnxport.artifacts import MATRIX_TENSOR, UsageError
from onnxport.exporters.assemble import Draft, Head, add_labels, finish, new_builder

from .inputs import add_columns, describe, signature_columns
from .probing import accepts_missing, answer_shape, refused_values
from .scope import Scope, has_method

if TYPE_CHECKING:
    from onnxport.artifacts import Dtype, InputColumn, OnnxArtifact, SourceModel
    from onnxport.exporters.options import ExportOptions
    from pandas import DataFrame

    from .columns import Columns
    from .foreign import Estimator
    from .tensor import Tensor

_PACKAGES = ("scikit-learn", "scipy")


def export(source: SourceModel, sample: DataFrame, options: ExportOptions) -> OnnxArtifact:
    """`source` as a graph.

    Raises:
        Refused: A step cannot be converted exactly.
        UsageError: The options do not fit.
    """
    _check_columns(source.model, sample)
    described = describe(sample)
    inputs = signature_columns(described, accepts_missing(source.model, sample, described))
    builder = new_builder(options)
    scope = Scope(builder=builder)
    columns = add_columns(builder, described, inputs)
    heads = _heads(scope, source.model, columns, sample)
    draft = Draft(
        exporter="sklearn",
        layout_reason=_reason(inputs),
        inputs=inputs,
        heads=tuple(heads),
        steps=tuple(scope.journal.steps.values()),
        accepted=(*refused_values(source.model, sample, described), *_accepted(scope)),
        packages=_packages(scope),
    )
    return finish(builder, source, options, draft)


def _check_columns(model: Estimator, sample: DataFrame) -> None:
    found = [str(name) for name in sample.columns]
    names = getattr(model, "feature_names_in_", None)
    count = getattr(model, "n_features_in_", len(found))
    spelled = (found, [name.replace(" ", "_") for name in found])  # LightGBM keeps underscores for blanks
    if (names is None and count != len(found)) or (names is not None and list(map(str, names)) not in spelled):
        wanted = f"{count} columns" if names is None else f"the columns {', '.join(map(repr, map(str, names)))}"
        raise UsageError(
            f"the model was trained on {wanted}; the sample has {', '.join(map(repr, found))}",
            hint="Give a sample with the model's columns, in the model's order (--features).",
        )


def _packages(scope: Scope) -> tuple[str, ...]:
    owners = {step.estimator.partition(".")[0] for step in scope.journal.steps.values()}
    return (*_PACKAGES, *sorted(owners & {"catboost", "lightgbm", "xgboost"}))


def _accepted(scope: Scope) -> tuple[str, ...]:
    return tuple(f"{kind}: {reason}" for kind, reason in scope.journal.accepted.items())


def _reason(inputs: tuple[InputColumn, ...]) -> str:
    if all(column.tensor == MATRIX_TENSOR for column in inputs):
        return (
            f"one matrix of {inputs[0].dtype}: all columns are numbers, and the source computes in that precision"
        )
    return "a tensor a column: numbers and strings or categories side by side"


def _heads(scope: Scope, model: Estimator, columns: Columns, sample: DataFrame) -> list[Head]:
    if not has_method(model, "predict"):
        raise scope.refuse(
            f"{type(model).__name__} has no predict method: it transforms rows and scores none",
            "Export the pipeline that ends in a classifier or regressor.",
        )
    if getattr(model, "classes_", None) is not None and _kind(model) == "classifier":
        return _classifier(scope, model, columns)
    values = scope.predict(model, columns)
    if _kind(model) in {"outlier_detector", "clusterer"}:
        return [Head(name="label", value=values.cast("int64").name, dtype="int64", shape=(None,))]
    return [Head(name="prediction", value=values.name, dtype=values.dtype, shape=answer_shape(model, sample))]


def _kind(model: Estimator) -> str | None:
    from sklearn.utils import get_tags  # ruff: ignore[PLC0415] - loads only when something is exported

    kind: str | None = get_tags(model).estimator_type
    return kind


def _classifier(scope: Scope, model: Estimator, columns: Columns) -> list[Head]:
    classes = model.classes_
    if isinstance(classes, list):
        return _labels(scope, model, columns, len(classes))
    values = tuple(value.item() if isinstance(value, np.generic) else value for value in np.asarray(classes))
    index = scope.predict(model, columns)
    label, dtype = add_labels(scope.builder, index.name, values)
    heads = [Head(name="label", value=label, dtype=dtype, shape=(None,), classes=values)]
    if has_method(model, "predict_proba"):
        shares = scope.probabilities(model, columns)
        heads.append(_head("probabilities", shares, (None, len(values)), values))
    return heads


def _labels(scope: Scope, model: Estimator, columns: Columns, width: int) -> list[Head]:
    """Several labels a row: of chains, and of one classifier a label, whose probabilities have no one shape."""
    labels = scope.predict(model, columns)
    heads = [Head(name="label", value=labels.name, dtype="int64", shape=(None, width))]
    if type(model).__name__ == "ClassifierChain" and has_method(model, "predict_proba"):
        shares = scope.probabilities(model, columns)
        heads.append(Head(name="probabilities", value=shares.name, dtype=shares.dtype, shape=(None, width)))
    return heads


def _head(name: str, tensor: Tensor, shape: tuple[int | None, ...], classes: tuple[Any, ...]) -> Head:
    held: Dtype = tensor.dtype
    return Head(name=name, value=tensor.name, dtype=held, shape=shape, classes=classes)
