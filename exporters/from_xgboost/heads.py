"""From an XGBoost model and a float32 matrix to what the model answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from onnxport.exporters.assemble import Head
from onnxport.exporters.refused import Refused
from onnxport.exporters.trees import add_tree_ensemble

from .booster import Linear
from .forest import forest
from .objectives import add_link, add_softmax, margin_of_intercept, objective_of

if TYPE_CHECKING:
    from onnxport.artifacts import Column
    from onnxport.exporters.graph import GraphBuilder

    from .estimator import Estimator
    from .objectives import Link


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOutputs:
    """The graph's values that hold what an XGBoost model answers.

    Attributes:
        margin: The sums before the link function, float32 `(n, outputs)`.
        outputs: How many margins a row has.
        prediction: What `Booster.predict` or a regressor answers, float32 `(n,)`, or `(n, outputs)` where there
            are several; for a classifier what its Booster answers.
        flat: Whether `prediction` is `(n,)`.
        label: A classifier's answer, int64: the class `(n,)`, or 0 and 1 `(n, outputs)` with several targets.
        probabilities: A classifier's probabilities, float32 `(n, classes)`.
        classes: The class of each column of `probabilities`; empty where a classifier has several targets.
    """

    margin: str
    outputs: int
    prediction: str
    flat: bool
    label: str | None = None
    probabilities: str | None = None
    classes: tuple[int, ...] = ()

    def heads(self) -> tuple[Head, ...]:
        """The outputs of a graph that ends with this model."""
        if self.label is None or self.probabilities is None:
            shape = (None,) if self.flat else (None, self.outputs)
            return (Head(name="prediction", value=self.prediction, dtype="float32", shape=shape),)
        several = not self.classes
        width = self.outputs if several else len(self.classes)
        return (
            Head(
                name="label",
                value=self.label,
                dtype="int64",
                shape=(None, width) if several else (None,),
                classes=(0, 1) if several else self.classes,
            ),
            Head(
                name="probabilities",
                value=self.probabilities,
                dtype="float32",
                shape=(None, width),
                classes=self.classes or None,
            ),
        )


def add_estimator(builder: GraphBuilder, matrix: str, estimator: Estimator, step: str) -> ModelOutputs:
    """What `estimator` answers for the float32 `matrix`, `(n, features)`, in which NaN is missing.

    Raises:
        Refused: The objective is not known, or the classifier's answers are not what its class promises.
        IntegrityError: The trees' arrays contradict each other.
    """
    model = estimator.model
    if estimator.missing is not None:
        absent = builder.add("Equal", matrix, builder.constant(float(estimator.missing), "float32"))
        matrix = builder.add("Where", absent, builder.constant(float("nan"), "float32"), matrix)
    objective = objective_of(model, step)
    intercept = margin_of_intercept(model, objective)
    if isinstance(model.core, Linear):
        margin = _add_linear(builder, matrix, model.core, intercept)
    else:
        margin = add_tree_ensemble(
            builder,
            matrix,
            forest(model.core, intercept, estimator.trees, through_intercept=estimator.in_place),
        )
    prediction, flat = _prediction(builder, margin, objective.link, model.outputs)
    outputs = ModelOutputs(margin=margin, outputs=model.outputs, prediction=prediction, flat=flat)
    return _classifier(builder, outputs, estimator, step) if estimator.task == "classifier" else outputs


def _add_linear(builder: GraphBuilder, matrix: str, linear: Linear, intercept: Column) -> str:
    """The sum of bias, intercept and products from left to right in float32, as XGBoost runs it: a running total.

    XGBoost takes the first output's intercept for all outputs.
    """
    zero = builder.constant(0.0, "float32")
    present = builder.add("Where", builder.add("IsNaN", matrix), zero, matrix)
    column = builder.add("Unsqueeze", present, builder.constant([2], "int64"))
    products = builder.add("Mul", column, builder.constant(linear.weights, "float32"))
    start = np.zeros_like(linear.weights)
    start[0] = linear.bias + intercept[0]
    totals = builder.add(
        "CumSum",
        builder.add("Add", products, builder.constant(start, "float32")),
        builder.constant(1, "int64"),
    )
    return builder.add("Gather", totals, builder.constant(len(start) - 1, "int64"), axis=1)


def _prediction(builder: GraphBuilder, margin: str, link: Link, outputs: int) -> tuple[str, bool]:
    """What the Booster answers, and whether it is flat."""
    value = add_link(builder, margin, link)
    if link == "argmax":
        return builder.cast(value, "float32"), True
    if outputs == 1:
        return builder.add("Squeeze", value, builder.constant([1], "int64")), True
    return value, False


def _classifier(builder: GraphBuilder, answer: ModelOutputs, estimator: Estimator, step: str) -> ModelOutputs:
    """Labels and probabilities as `XGBClassifier` makes them of what its Booster answers."""
    softmax = estimator.objective == "multi:softmax"
    if not answer.flat and estimator.classes not in {2, answer.outputs}:
        raise Refused(
            f"{step}.objective",
            f"{answer.outputs} outputs for {estimator.classes} classes: XGBClassifier has no probabilities then",
            "Export the Booster: `get_booster()`.",
        )
    several = not answer.flat and estimator.classes == 2  # ruff: ignore[PLR2004] - 0 and 1
    if not answer.flat and not several:
        label = builder.add("ArgMax", answer.prediction, axis=1, keepdims=0)
    elif softmax and answer.flat:
        label = builder.cast(answer.prediction, "int64")
    else:
        above = builder.add("Greater", answer.prediction, builder.constant(0.5, "float32"))
        label = builder.cast(above, "int64")
    if softmax:
        probabilities = add_softmax(builder, answer.margin)
    elif answer.flat:
        probabilities = _both(builder, answer.prediction)
    else:
        probabilities = answer.prediction
    width = answer.outputs if softmax or not answer.flat else 2
    return ModelOutputs(
        margin=answer.margin,
        outputs=answer.outputs,
        prediction=answer.prediction,
        flat=answer.flat,
        label=label,
        probabilities=probabilities,
        classes=() if several else tuple(range(width)),
    )


def _both(builder: GraphBuilder, positive: str) -> str:
    """`[1 - p, p]`, computed in float32."""
    negative = builder.add("Sub", builder.constant(1.0, "float32"), positive)
    axis = builder.constant([1], "int64")
    columns = [builder.add("Unsqueeze", value, axis) for value in (negative, positive)]
    return builder.add("Concat", *columns, axis=1)
