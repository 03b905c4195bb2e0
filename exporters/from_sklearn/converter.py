"""What a converter is: the methods of one estimator class, each as code that adds nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from onnxport.artifacts import Precision

    from .columns import Columns
    from .foreign import Estimator
    from .scope import Scope
    from .tensor import Tensor


class Transform(Protocol):
    """Adds what the estimator's `transform` does."""

    def __call__(self, scope: Scope, estimator: Estimator, columns: Columns, /) -> Columns:
        """The transformed columns.

        Raises:
            Refused: It cannot be done exactly.
        """
        ...


class Score(Protocol):
    """Adds what one of the estimator's predicting methods does."""

    def __call__(self, scope: Scope, estimator: Estimator, columns: Columns, /) -> Tensor:
        """The scores: see `Converter` for their shapes.

        Raises:
            Refused: It cannot be done exactly.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Converter:
    """The methods of one estimator class; `None` where the class has none, or we cannot do it.

    Attributes:
        precision: In what precision the methods compute, which is that of the source.
        transform: The transformed columns.
        inverse_transform: The columns before `transform`; for transformed targets.
        predict: Classifiers: int64 index into `classes_`, `(n,)` or, for several outputs, `(n, T)`;
            others: the predicted numbers, `(n,)` or `(n, T)`.
        predict_proba: `(n, C)`.
        decision_function: `(n,)` or `(n, K)`.
        note: What a reader of the plan should know.
    """

    precision: Precision = "float64"
    transform: Transform | None = None
    inverse_transform: Transform | None = None
    predict: Score | None = None
    predict_proba: Score | None = None
    decision_function: Score | None = None
    note: str = ""
