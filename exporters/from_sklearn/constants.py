"""Models that look at no column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .converter import Converter

if TYPE_CHECKING:
    from .columns import Columns
    from .foreign import Estimator
    from .scope import Scope
    from .tensor import Tensor


def _rows(scope: Scope, columns: Columns) -> Tensor:
    """Zeros, shape `(n,)`, int64."""
    first = columns.blocks[0].tensor
    shape = first.op("Shape", start=0, end=1, dtype="int64")
    return scope.constant([0], "int64").op("Expand", shape)


def _shares(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    if estimator.n_outputs_ != 1 or estimator.strategy == "stratified":
        raise scope.refuse("its answers are random", "Use strategy='prior'.")
    answer = estimator.predict_proba(np.zeros((1, 1)))
    return _rows(scope, columns).rows_of(np.asarray(answer, dtype=np.float64))


def _class(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    if estimator.n_outputs_ != 1 or estimator.strategy in {"stratified", "uniform"}:
        raise scope.refuse("its answers are random", "Use strategy='prior'.")
    answer = estimator.predict(np.zeros((1, 1)))[0]
    place = int(np.flatnonzero(np.asarray(estimator.classes_) == answer)[0])
    return _rows(scope, columns) + place


def _mean(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    constant = np.asarray(estimator.constant_, dtype=np.float64)
    zeros = _rows(scope, columns)
    return zeros.rows_of(constant.reshape(1) if estimator.n_outputs_ == 1 else constant.reshape(1, -1))


def _only_class(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    return _rows(scope, columns).rows_of(np.asarray(estimator.y_, dtype=np.float64).reshape(1))


def _only_shares(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    share = np.asarray(estimator.y_, dtype=np.float64).reshape(1, 1)
    return _rows(scope, columns).rows_of(np.hstack([1 - share, share]))


CONVERTERS = {
    "_ConstantPredictor": Converter(
        precision="none", predict=_only_class, predict_proba=_only_shares, decision_function=_only_class
    ),
    "DummyClassifier": Converter(precision="none", predict=_class, predict_proba=_shares),
    "DummyRegressor": Converter(precision="none", predict=_mean),
}
