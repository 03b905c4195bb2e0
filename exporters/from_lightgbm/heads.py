"""From a LightGBM model and a float64 matrix to what the model answers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from onnxport.exporters.from_sklearn.tensor import Tensor, join
from onnxport.exporters.trees import add_double_sums

from .forest import forest
from .objectives import add_link

if TYPE_CHECKING:
    from .estimator import Estimator
    from .saved import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOutputs:
    """The graph's values that hold what a LightGBM model answers.

    Attributes:
        prediction: What `Booster.predict` answers, float64 `(n,)`, or `(n, outputs)` where there are several.
        scores: The sums of leaves before the link function, of the same shape: a classifier's `decision_function`.
        flat: Whether `prediction` is `(n,)`.
        label: A classifier's answer, the index of the class, int64 `(n,)`.
        probabilities: A classifier's probabilities, float64 `(n, classes)`.
    """

    prediction: Tensor
    scores: Tensor
    flat: bool
    label: Tensor | None = None
    probabilities: Tensor | None = None


def add_estimator(matrix: Tensor, estimator: Estimator, step: str) -> ModelOutputs:
    """What `estimator` answers for the float64 `matrix`, `(n, features)`, in which NaN is missing.

    Raises:
        Refused: The objective is not known.
        IntegrityError: The trees' arrays contradict each other.
    """
    model = estimator.model
    sums = _sums(matrix, model)
    answer = add_link(sums / float(model.rounds[1]) if model.average else sums, model, step)
    flat = model.outputs == 1
    outputs = ModelOutputs(
        prediction=answer.flat() if flat else answer, scores=sums.flat() if flat else sums, flat=flat
    )
    if estimator.classes is None:
        return outputs
    if not estimator.pair:
        return replace(outputs, label=answer.argmax(), probabilities=answer)
    other = 1.0 - answer
    return replace(outputs, label=(answer > other).cast("int64").flat(), probabilities=join([other, answer]))


def _sums(matrix: Tensor, model: Model) -> Tensor:
    """The sums of leaves, float64 `(n, outputs)`."""
    if not model.rounds[1]:
        return matrix.column(0).equals(matrix.column(0)).cast("float64") * [[0.0] * model.outputs]
    name = add_double_sums(matrix.builder, matrix.name, forest(model))
    return Tensor(builder=matrix.builder, name=name, dtype="float64")
