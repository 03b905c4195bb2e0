"""Scalers: one subtraction and one division a column, in the order in which scikit-learn does them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .columns import numbers
from .converter import Converter

if TYPE_CHECKING:
    from .columns import Columns
    from .foreign import Estimator
    from .scope import Scope
    from .tensor import Tensor


def _standard(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    x = scope.numbers(columns)
    if columns.sparse and estimator.scale_ is not None:
        x = x * (1 / estimator.scale_)
    elif not columns.sparse:
        x = x - estimator.mean_ if estimator.with_mean else x
        x = x / estimator.scale_ if estimator.with_std else x
    return numbers(x, columns.width, sparse=columns.sparse)


def _min_max(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    x = scope.numbers(columns) * estimator.scale_ + estimator.min_
    if estimator.clip:
        x = x.clip(*estimator.feature_range)
    return numbers(x, columns.width)


def _max_abs(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    x = scope.numbers(columns)
    x = x * (1.0 / estimator.scale_) if columns.sparse else x / estimator.scale_
    if getattr(estimator, "clip", False):
        x = x.clip(-1.0, 1.0)
    return numbers(x, columns.width, sparse=columns.sparse)


def _robust(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    x = scope.numbers(columns)
    if columns.sparse:
        x = x * (1.0 / estimator.scale_) if estimator.with_scaling else x
    else:
        x = x - estimator.center_ if estimator.with_centering else x
        x = x / estimator.scale_ if estimator.with_scaling else x
    return numbers(x, columns.width, sparse=columns.sparse)


def _unscaled(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    x = scope.numbers(columns)
    x = x * estimator.scale_ if estimator.with_std else x
    x = x + estimator.mean_ if estimator.with_mean else x
    return numbers(x, columns.width)


def _min_max_back(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    return numbers((scope.numbers(columns) - estimator.min_) / estimator.scale_, columns.width)


def _max_abs_back(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    return numbers(scope.numbers(columns) * estimator.scale_, columns.width)


def _robust_back(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    x = scope.numbers(columns)
    x = x * estimator.scale_ if estimator.with_scaling else x
    x = x + estimator.center_ if estimator.with_centering else x
    return numbers(x, columns.width)


def _normalizer(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    x = normalized(scope.doubles(columns), estimator.norm, sparse=columns.sparse)
    return numbers(x, columns.width, sparse=columns.sparse)


def normalized(x: Tensor, kind: str, *, sparse: bool) -> Tensor:
    """Each row over its norm; rows of zeros stay."""
    if kind == "max":
        norm = x.absolute().maximum()
    elif kind == "l1":
        norm = x.absolute().total()
    else:
        norm = (x * x).total().sqrt()
    # of dense rows a norm below ten times the machine's precision counts as zero
    zero = norm.equals(0.0) if sparse else norm < 10 * np.finfo(np.float64).eps
    return x / zero.where(norm.like(1.0), norm)


def _tf_idf(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    x = scope.doubles(columns)
    if estimator.sublinear_tf:
        absent = x.equals(0.0)
        x = absent.where(x.like(0.0), absent.where(x.like(1.0), x).log() + 1.0)
    x = x * estimator.idf_ if hasattr(estimator, "idf_") else x
    x = x if estimator.norm is None else normalized(x, estimator.norm, sparse=True)
    return numbers(x, columns.width, sparse=True)


def _binarizer(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    x = scope.numbers(columns)
    return numbers((x > estimator.threshold).cast(x.dtype), columns.width, sparse=columns.sparse)


CONVERTERS = {
    "StandardScaler": Converter(transform=_standard, inverse_transform=_unscaled),
    "MinMaxScaler": Converter(transform=_min_max, inverse_transform=_min_max_back),
    "MaxAbsScaler": Converter(transform=_max_abs, inverse_transform=_max_abs_back),
    "RobustScaler": Converter(transform=_robust, inverse_transform=_robust_back),
    "Normalizer": Converter(transform=_normalizer),
    "TfidfTransformer": Converter(transform=_tf_idf),
    "Binarizer": Converter(transform=_binarizer),
}
