"""Where a conversion stands: the graph, the path of the step, what was done already, and how to say no."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from onnxport.artifacts import PlanStep
from onnxport.exporters.assemble import class_path
from onnxport.exporters.refused import Refused

from .registry import converter_of
from .tensor import Tensor

if TYPE_CHECKING:
    from onnxport.artifacts import Dtype
    from onnxport.exporters.graph import GraphBuilder

    from .columns import Columns
    from .foreign import Estimator, Foreign

Method = Literal["predict", "predict_proba", "decision_function"]

AS_DOUBLE = "Cast the columns to float64 before training, so that source and graph compute in one precision."
AS_NUMBERS = "Encode the column first (OrdinalEncoder, OneHotEncoder, TargetEncoder in a ColumnTransformer)."


@dataclass(slots=True)
class Journal:
    """What a conversion has done so far, shared by all its scopes.

    Attributes:
        steps: Every converted step, in order of computation.
        accepted: Kind of value to why the graph's answer to it is accepted although the source says otherwise.
        done: Results by estimator, method and input, so that nothing is computed twice.
        alive: The estimators in `done`: an id is unique only as long as its object lives.
    """

    steps: dict[str, PlanStep] = field(default_factory=dict)
    accepted: dict[str, str] = field(default_factory=dict)
    done: dict[tuple[object, ...], Any] = field(default_factory=dict)
    alive: list[object] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """One place in the source model.

    Attributes:
        builder: The graph.
        path: Where in the model: `model.steps[scaler]`.
        journal: What was done so far.
    """

    builder: GraphBuilder
    path: str = "model"
    journal: Journal = field(default_factory=Journal)

    def at(self, name: str) -> Scope:
        """The scope of a part of this step."""
        return replace(self, path=f"{self.path}.{name}")

    def refuse(self, reason: str, instead: str) -> Refused:
        """The refusal of this step, to be raised."""
        return Refused(self.path, reason, instead)

    def accept(self, kind: str, reason: str) -> None:
        """The plan accepts the graph's answer to values of this kind."""
        self.journal.accepted[kind] = reason

    def constant(self, values: Any, dtype: Dtype = "float64") -> Tensor:
        """A constant of the graph."""
        return Tensor(builder=self.builder, name=self.builder.constant(values, dtype), dtype=dtype)

    def numbers(self, columns: Columns) -> Tensor:
        """The columns as one matrix in the precision that the source's validation gives them.

        Raises:
            Refused: There are strings among them.
        """
        if columns.is_text:
            raise self.refuse("a column of strings reaches a step that takes numbers", AS_NUMBERS)
        return columns.matrix(columns.number_dtype())

    def doubles(self, columns: Columns, *, tolerant: bool = False) -> Tensor:
        """The columns as one float64 matrix, shape `(n, width)`.

        Args:
            columns: All numeric.
            tolerant: Whether it does not matter that the source computes in float32 where all columns are float32:
                the step is smooth, so that the last bits stay the last bits.

        Raises:
            Refused: There are strings among them, or all of them are float32 and that matters.
        """
        if self.numbers(columns).dtype == "float32" and not tolerant:
            raise self.refuse(
                "all its columns are float32, so the source computes this step in float32", AS_DOUBLE
            )
        return columns.matrix("float64")

    def transform(self, estimator: Estimator, columns: Columns) -> Columns:
        """What the estimator's `transform` makes of the columns.

        Raises:
            Refused: It cannot be done exactly.
        """
        result: Columns = self._call(estimator, "transform", columns)
        return result

    def inverse_transform(self, estimator: Estimator, columns: Columns) -> Columns:
        """What the estimator's `inverse_transform` makes of the columns.

        Raises:
            Refused: It cannot be done exactly.
        """
        result: Columns = self._call(estimator, "inverse_transform", columns)
        return result

    def score(self, estimator: Estimator, method: Method, columns: Columns) -> Tensor:
        """What the estimator's predicting `method` answers; see `Converter` for the shapes.

        Raises:
            Refused: It cannot be done exactly.
        """
        result: Tensor = self._call(estimator, method, columns)
        return result

    def predict(self, estimator: Estimator, columns: Columns) -> Tensor:
        """Index of the predicted class, or the predicted number."""
        return self.score(estimator, "predict", columns)

    def probabilities(self, estimator: Estimator, columns: Columns) -> Tensor:
        """Probabilities, shape `(n, C)`."""
        return self.score(estimator, "predict_proba", columns)

    def _call(self, estimator: Estimator, method: str, columns: Columns) -> Foreign:
        names = tuple(block.tensor.name for block in columns.blocks)
        key = (id(estimator), method, names, columns.sparse)
        if key not in self.journal.done:
            converter = converter_of(self, estimator)
            function = getattr(converter, method)
            if function is None:
                raise self.refuse(
                    f"{type(estimator).__name__}.{method} has no exact converter",
                    "Use another estimator for this step, or serve this model from its source.",
                )
            self.journal.alive.append(estimator)
            self.journal.done[key] = function(self, estimator, columns)
            step = PlanStep(
                path=self.path,
                estimator=class_path(estimator),
                converter="onnxport",
                precision=converter.precision,
                note=converter.note,
            )
            self.journal.steps.setdefault(self.path, step)
        return self.journal.done[key]


def has_method(estimator: Estimator, method: str) -> bool:
    """Whether the source answers `method`: many of scikit-learn's methods exist only for some parameters."""
    return callable(getattr(estimator, method, None))


def is_missing(value: object) -> bool:
    """Whether a statistic or category is NaN."""
    return isinstance(value, float | np.floating) and bool(np.isnan(value))
