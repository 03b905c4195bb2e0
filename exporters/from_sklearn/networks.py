"""Multi-layer perceptrons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .converter import Converter
from .linear import two_columns

if TYPE_CHECKING:
    from collections.abc import Callable

    from .columns import Columns
    from .foreign import Estimator
    from .scope import Scope
    from .tensor import Tensor

_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "identity": lambda x: x,
    "logistic": lambda x: x.sigmoid(),
    "relu": lambda x: (x < 0.0).where(x.like(0.0), x),
    "softmax": lambda x: x.softmax(),
    "tanh": lambda x: x.op("Tanh"),
}


def _forward(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    x = scope.doubles(columns, tolerant=True)
    last = len(estimator.coefs_) - 1
    for index, (weights, bias) in enumerate(zip(estimator.coefs_, estimator.intercepts_, strict=True)):
        name = estimator.out_activation_ if index == last else estimator.activation
        if name not in _ACTIVATIONS:
            raise scope.refuse(f"the activation {name!r}", f"Use one of {', '.join(sorted(_ACTIVATIONS))}.")
        x = _ACTIVATIONS[name](x @ np.asarray(weights, np.float64) + np.asarray(bias, np.float64)[None, :])
    return x


def _shares(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    if estimator._label_binarizer.y_type_.startswith("multilabel"):  # ruff: ignore[SLF001] - the only record of it
        raise scope.refuse("it predicts several labels a row", "Train one classifier for each label.")
    answer = _forward(scope, estimator, columns)
    return two_columns(answer.flat()) if estimator.n_outputs_ == 1 else answer


def _class(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    shares = scope.probabilities(estimator, columns)
    if estimator.n_outputs_ == 1:
        return (shares.column(1).flat() > 0.5).cast("int64")  # ruff: ignore[PLR2004] - the label binarizer's middle
    return shares.argmax()


def _mean(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    answer = _forward(scope, estimator, columns)
    return answer.flat() if estimator.n_outputs_ == 1 else answer


CONVERTERS = {
    "MLPClassifier": Converter(predict=_class, predict_proba=_shares),
    "MLPRegressor": Converter(predict=_mean),
}
