"""From a float32 matrix to what a CatBoost model answers, step by step as CatBoost computes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from onnxport.exporters.assemble import Head, add_labels
from onnxport.exporters.from_sklearn.tensor import Tensor, join
from onnxport.exporters.trees import add_double_sums

from .forest import forest

if TYPE_CHECKING:
    from .estimator import Estimator
    from .saved import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOutputs:
    """The graph's values that hold what a CatBoost model answers.

    Attributes:
        answer: The prediction, or a classifier's probabilities; float64 `(n,)` or `(n, width)`.
        width: How many columns the answer has; `None` where it is `(n,)`.
        label: A classifier's answer, int64: index of the class, `(n,)`, or 0 and 1, `(n, width)`.
    """

    answer: Tensor
    width: int | None
    label: Tensor | None = None


def add_estimator(matrix: Tensor, estimator: Estimator) -> ModelOutputs:
    """What `estimator` answers for the float32 `matrix`, `(n, features)`, in which NaN is missing."""
    model = estimator.model
    scores = _scores(matrix, model)
    answer = _linked(scores, estimator)
    if estimator.classes is None:
        flat = model.outputs == 1
        return ModelOutputs(answer=answer.flat() if flat else answer, width=None if flat else model.outputs)
    if estimator.several:
        return ModelOutputs(answer=answer, width=model.outputs, label=(scores > 0.0).cast("int64"))
    if model.outputs > 1:
        return ModelOutputs(answer=answer, width=model.outputs, label=scores.argmax())
    with np.errstate(divide="ignore"):
        bound = float(-np.log(1.0 / np.float64(model.threshold) - 1.0))
    label = (scores > bound).cast("int64").flat()
    return ModelOutputs(answer=join([1.0 - answer, answer]), width=2, label=label)


def heads(outputs: ModelOutputs, estimator: Estimator) -> tuple[Head, ...]:
    """The outputs of a graph that ends with this model."""
    shape = (None,) if outputs.width is None else (None, outputs.width)
    if outputs.label is None or estimator.classes is None:
        return (Head(name="prediction", value=outputs.answer.name, dtype="float64", shape=shape),)
    several = estimator.several
    label, dtype = outputs.label.name, outputs.label.dtype
    if not several:
        label, dtype = add_labels(outputs.label.builder, label, estimator.classes)
    return (
        Head(
            name="label", value=label, dtype=dtype, shape=shape if several else (None,), classes=estimator.classes
        ),
        Head(
            name="probabilities",
            value=outputs.answer.name,
            dtype="float64",
            shape=shape,
            classes=None if several else estimator.classes,
        ),
    )


def _scores(matrix: Tensor, model: Model) -> Tensor:
    """Scaled sums of leaves and the bias, float64 `(n, outputs)`."""
    single = matrix.cast("float32").cast("float64")
    if not model.trees:
        return single.column(0).equals(single.column(0)).cast("float64") * 0.0 + model.bias[None, :]
    name = add_double_sums(matrix.builder, single.name, forest(model))
    return Tensor(builder=matrix.builder, name=name, dtype="float64") * model.scale + model.bias[None, :]


def _linked(scores: Tensor, estimator: Estimator) -> Tensor:
    match estimator.link:
        case "identity":
            return scores
        case "exp":
            return scores.exp()
        case "uncertainty":  # the mean, and the variance, whose root's logarithm the trees give
            spread = scores.column(1).exp()
            return join([scores.column(0), spread * spread])
        case "sigmoid":
            return scores.sigmoid()
        case "softmax":
            return scores.softmax()
