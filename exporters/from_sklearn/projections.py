"""Linear maps to fewer columns, and choices among columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .columns import numbers
from .converter import Converter

if TYPE_CHECKING:
    from onnxport.artifacts import Column

    from .columns import Columns
    from .foreign import Estimator, Foreign
    from .scope import Scope


def _dense(matrix: Foreign) -> Column:
    return np.asarray(matrix.toarray() if hasattr(matrix, "toarray") else matrix, dtype=np.float64)


def _principal(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    components = _dense(estimator.components_)
    x = scope.doubles(columns) @ components.T - (estimator.mean_.reshape(1, -1) @ components.T)
    if estimator.whiten:
        scale = np.sqrt(estimator.explained_variance_)
        x = x / np.maximum(scale, np.finfo(scale.dtype).eps)
    return numbers(x, len(components))


def _by_components(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    components = _dense(estimator.components_)
    return numbers(scope.doubles(columns) @ components.T, len(components))


def _random(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    result = _by_components(scope, estimator, columns)
    sparse = columns.sparse and hasattr(estimator.components_, "toarray")
    return numbers(result.blocks[0].tensor, result.width, sparse=sparse)


def _factors(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    components = _dense(estimator.components_)
    weighted = components / estimator.noise_variance_
    inverse = np.linalg.inv(np.eye(len(components)) + weighted @ components.T)
    return numbers((scope.doubles(columns) - estimator.mean_) @ (weighted.T @ inverse), len(components))


def _independent(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    x = scope.doubles(columns)
    x = x - estimator.mean_ if estimator.whiten else x
    return numbers(x @ _dense(estimator.components_).T, len(estimator.components_))


def _sparse_components(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    """The ridge regression on the components has a closed form, which is linear in x."""
    components = _dense(estimator.components_)
    gram = components @ components.T + estimator.ridge_alpha * np.eye(len(components))
    return numbers(
        (scope.doubles(columns) - estimator.mean_) @ np.linalg.solve(gram, components).T, len(components)
    )


def _partial(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    x = (scope.doubles(columns) - estimator._x_mean) / estimator._x_std  # ruff: ignore[SLF001] - no public name
    rotations = getattr(estimator, "x_rotations_", None)
    rotations = estimator.x_weights_ if rotations is None else rotations
    return numbers(x @ _dense(rotations), rotations.shape[1])


def _partial_mean(scope: Scope, estimator: Estimator, columns: Columns) -> Foreign:
    x = scope.doubles(columns) - estimator._x_mean  # ruff: ignore[SLF001] - no public name
    result = x @ _dense(estimator.coef_).T + np.asarray(estimator.intercept_).reshape(1, -1)
    return result.flat() if estimator._predict_1d else result  # ruff: ignore[SLF001] - no public name


def _discriminants(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    x = scope.doubles(columns)
    x = x - estimator.xbar_ if estimator.solver == "svd" else x
    size = min(estimator._max_components, estimator.scalings_.shape[1])  # ruff: ignore[SLF001] - no public name
    return numbers(x @ _dense(estimator.scalings_)[:, :size], size)


def _agglomerated(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    if estimator.pooling_func is not np.mean:
        raise scope.refuse("its pooling_func is not numpy.mean", "Leave pooling_func at numpy.mean.")
    member = np.eye(int(estimator.labels_.max()) + 1)[estimator.labels_]
    return numbers(scope.doubles(columns) @ member / member.sum(axis=0), member.shape[1])


def _hidden(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    product = scope.doubles(columns) @ _dense(estimator.components_).T
    return numbers((product + estimator.intercept_hidden_[None, :]).sigmoid(), len(estimator.components_))


def _selected(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    chosen = estimator.get_support(indices=True)
    if len(chosen) == 0:
        raise scope.refuse("it selects no column at all", "Select at least one column.")
    return columns.select([int(index) for index in chosen])


_COMPONENTS = Converter(transform=_by_components)
_SELECTION = Converter(precision="none", transform=_selected)
_PLS = Converter(transform=_partial, predict=_partial_mean)
DISCRIMINANTS = _discriminants
SELECTED = _selected

CONVERTERS = {
    "PCA": Converter(transform=_principal),
    "IncrementalPCA": Converter(transform=_principal),
    "TruncatedSVD": _COMPONENTS,
    "NeighborhoodComponentsAnalysis": _COMPONENTS,
    "GaussianRandomProjection": Converter(transform=_random),
    "SparseRandomProjection": Converter(transform=_random),
    "FactorAnalysis": Converter(transform=_factors),
    "FastICA": Converter(transform=_independent),
    "SparsePCA": Converter(transform=_sparse_components),
    "MiniBatchSparsePCA": Converter(transform=_sparse_components),
    "PLSRegression": _PLS,
    "PLSCanonical": _PLS,
    "CCA": _PLS,
    "PLSSVD": Converter(transform=_partial),
    "FeatureAgglomeration": Converter(transform=_agglomerated),
    "BernoulliRBM": Converter(transform=_hidden),
    **dict.fromkeys(
        (
            "GenericUnivariateSelect",
            "SelectFdr",
            "SelectFpr",
            "SelectFromModel",
            "SelectFwe",
            "SelectKBest",
            "SelectPercentile",
            "SequentialFeatureSelector",
            "VarianceThreshold",
        ),
        _SELECTION,
    ),
}
