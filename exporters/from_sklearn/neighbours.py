"""Nearest neighbours: votes, means, imputation, and outliers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .columns import beside, numbers
from .converter import Converter
from .distances import accept_far, check_digits, minkowski
from .imputing import indicated, missing_mask
from .kernels import projected
from .tensor import Tensor, join

if TYPE_CHECKING:
    from onnxport.artifacts import Column

    from .columns import Columns
    from .foreign import Estimator
    from .scope import Scope

_COUNTED = "Give n_neighbors."
_TIES = "of training rows at the same distance the first ones count"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """The nearest training rows, `(n, k)` each, the nearest first."""

    distance: Tensor
    index: Tensor


def _smallest(distances: Tensor, count: int) -> _Found:
    names = distances.builder.add_many(
        "TopK",
        distances.name,
        distances.constant([count], "int64").name,
        outputs=2,
        axis=1,
        largest=0,
        sorted=1,
    )
    return _Found(
        distance=Tensor(builder=distances.builder, name=names[0], dtype=distances.dtype),
        index=Tensor(builder=distances.builder, name=names[1], dtype="int64"),
    )


def _found(scope: Scope, estimator: Estimator, columns: Columns) -> _Found:
    kept = estimator._fit_X  # ruff: ignore[SLF001] - the training rows have no public name
    if hasattr(kept, "toarray") or estimator.effective_metric_ == "precomputed":
        raise scope.refuse("it was trained on a sparse matrix or on distances", "Train it on a dense matrix.")
    if estimator._fit_method == "brute" and estimator.effective_metric_ == "euclidean":  # ruff: ignore[SLF001] - as it chose
        check_digits(scope, kept)
    accept_far(scope)
    x = scope.doubles(columns)
    return _smallest(minkowski(scope, estimator, x, kept), int(estimator.n_neighbors))


def _weights(scope: Scope, kind: object, distance: Tensor) -> Tensor:
    if kind in {None, "uniform"}:
        return distance * 0.0 + 1.0
    if kind != "distance":
        raise scope.refuse("weights that are code of the project's own", "Use weights='uniform' or 'distance'.")
    inverse = 1.0 / distance
    exact = inverse.op("IsInf", dtype="bool")
    marks = exact.cast("float64")
    return (marks.maximum() > 0.0).where(marks, inverse)


def _shares(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    if estimator.outputs_2d_:
        raise scope.refuse("it predicts several labels a row", "Train one classifier for each label.")
    found = _found(scope, estimator, columns)
    weights = _weights(scope, estimator.weights, found.distance).unsqueeze(2)
    marks = np.eye(len(estimator.classes_))[np.asarray(estimator._y)]  # ruff: ignore[SLF001] - the training classes
    votes = (found.index.rows_of(marks) * weights).total(1, keep=False)
    return votes / votes.total()


def _class(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    return scope.probabilities(estimator, columns).argmax()


def _mean(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    found = _found(scope, estimator, columns)
    targets = np.asarray(estimator._y, dtype=np.float64)  # ruff: ignore[SLF001] - the training targets
    table = targets[:, None] if targets.ndim == 1 else targets
    values = found.index.rows_of(np.ascontiguousarray(table))
    weights = _weights(scope, estimator.weights, found.distance)
    mean = (values * weights.unsqueeze(2)).total(1, keep=False) / weights.total()
    return mean.flat() if targets.ndim == 1 else mean


def _around(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    """The weight of each training row, `(n, m)`: 0 outside the radius."""
    kept = estimator._fit_X  # ruff: ignore[SLF001] - the training rows have no public name
    if hasattr(kept, "toarray") or estimator.effective_metric_ == "precomputed":
        raise scope.refuse("it was trained on a sparse matrix or on distances", "Train it on a dense matrix.")
    distance = minkowski(scope, estimator, scope.doubles(columns), kept)
    inside = distance <= float(estimator.radius)
    if estimator.weights == "uniform":
        return inside.cast("float64")
    near = inside.where(distance, np.inf)
    return inside.where(_weights(scope, estimator.weights, near), 0.0)


def _around_shares(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    if estimator.outputs_2d_:
        raise scope.refuse("it predicts several labels a row", "Train one classifier for each label.")
    marks = np.eye(len(estimator.classes_))[np.asarray(estimator._y)]  # ruff: ignore[SLF001] - the training classes
    votes = _around(scope, estimator, columns) @ marks
    label = estimator.outlier_label_
    known: Column = np.flatnonzero([label is not None and one == label[0] for one in estimator.classes_])
    if len(known) != 1 and label is not None:
        raise scope.refuse(
            "its outlier_label is none of its classes", "Use a class as outlier_label, or leave it out."
        )
    total = votes.total()
    nobody = total.equals(0.0)
    # without an outlier_label the source raises for rows without neighbours: no number for them
    alone = np.full((1, len(estimator.classes_)), np.nan) if label is None else np.eye(len(marks[0]))[known]
    answer: Tensor = nobody.where(votes.like(alone), votes / nobody.where(total.like(1.0), total))
    return answer


def _around_mean(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    weights = _around(scope, estimator, columns)
    targets = np.asarray(estimator._y, dtype=np.float64)  # ruff: ignore[SLF001] - the training targets
    mean = weights @ (targets[:, None] if targets.ndim == 1 else targets) / weights.total()
    return mean.flat() if targets.ndim == 1 else mean


def _imputed(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    if estimator.metric != "nan_euclidean":
        raise scope.refuse("a metric that is code of the project's own", "Use metric='nan_euclidean'.")
    (block,) = numbers(scope.doubles(columns), columns.width).blocks
    mask = missing_mask(scope, block, estimator.missing_values)
    kept, absent = estimator._fit_X, estimator._mask_fit_X  # ruff: ignore[SLF001] - the training rows have no public name
    check_digits(scope, np.where(absent, 0.0, kept))
    accept_far(scope)
    apart = _gaps(block.tensor, mask, np.where(absent, 0.0, kept), absent)
    parts = [
        _filled(scope, estimator, (block.tensor.column(index), mask.column(index), apart), index)
        for index in range(columns.width)
        if estimator._valid_mask[index] or estimator.keep_empty_features  # ruff: ignore[SLF001] - columns with values
    ]
    result = numbers(join(parts), len(parts))
    if estimator.add_indicator:
        return beside([result, indicated(estimator.indicator_, [mask])])
    return result


def _gaps(x: Tensor, mask: Tensor, kept: Column, absent: Column) -> Tensor:
    """Distances over the features that both rows have, scaled up to all; infinite where they share none."""
    known = mask.where(x.like(0.0), x)
    present = (~mask).cast("float64")
    total = None
    for index in range(kept.shape[1]):
        gap = known.column(index) - kept[None, :, index]
        both = present.column(index) * (~absent[None, :, index]).astype(np.float64)
        term = gap * gap * both
        total = term if total is None else total + term
    assert total is not None  # ruff: ignore[S101] - no model is fitted on no feature
    shared = present @ (~absent).astype(np.float64).T
    none = shared.equals(0.0)
    scaled = (total / none.where(shared.like(1.0), shared) * float(kept.shape[1])).sqrt()
    return none.where(scaled.like(np.inf), scaled)


def _filled(scope: Scope, estimator: Estimator, given: tuple[Tensor, Tensor, Tensor], index: int) -> Tensor:
    column, mask, apart = given
    absent = estimator._mask_fit_X[:, index]  # ruff: ignore[SLF001] - the training rows have no public name
    if not estimator._valid_mask[index]:  # ruff: ignore[SLF001] - a column without values
        return mask.where(column.like(0.0), column.like(0.0))
    donors = np.flatnonzero(~absent)
    values = np.asarray(estimator._fit_X[donors, index], dtype=np.float64)  # ruff: ignore[SLF001] - as above
    found = _smallest(apart.columns(donors), min(int(estimator.n_neighbors), len(donors)))
    reached = found.distance < np.inf
    weights = _weights(scope, estimator.weights, found.distance)
    weights = reached.where(weights, 0.0)
    total = weights.total()
    nothing = total.equals(0.0)
    mean = (found.index.rows_of(values) * weights).total() / nothing.where(total.like(1.0), total)
    return mask.where(nothing.where(mean.like(float(values.mean())), mean), column)


def _outlier_scores(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    found = _found(scope, estimator, columns)
    reach = found.index.rows_of(estimator._distances_fit_X_[:, estimator.n_neighbors_ - 1])
    reached = (found.distance < reach).where(reach, found.distance)
    count = float(estimator.n_neighbors_)
    density = 1.0 / (reached.total() / count + 1e-10)
    ratios = found.index.rows_of(estimator._lrd) / density  # ruff: ignore[SLF001] - likewise
    return (ratios.total() / -count).flat() - float(estimator.offset_)


def _inlier(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    outside = scope.score(estimator, "decision_function", columns) < 0.0
    return outside.where(scope.constant(-1, "int64"), 1)


def _isomap(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    """The shortest ways to the training rows through the nearest of them, then the components of their kernel."""
    if estimator.n_neighbors is None:
        raise scope.refuse(
            "its neighbourhoods have a radius, so that each row has another number of them", _COUNTED
        )
    found = _found(scope, estimator.nbrs_, columns)
    onward = np.asarray(estimator.dist_matrix_, dtype=np.float64)
    ways = (-(found.index.rows_of(onward) + found.distance.unsqueeze(2))).maximum(axis=1, keep=False)
    return projected(estimator.kernel_pca_, ways * ways * -0.5)


CONVERTERS = {
    "Isomap": Converter(transform=_isomap, note=_TIES),
    "KNeighborsClassifier": Converter(predict=_class, predict_proba=_shares, note=_TIES),
    "KNeighborsRegressor": Converter(predict=_mean, note=_TIES),
    "RadiusNeighborsClassifier": Converter(predict=_class, predict_proba=_around_shares),
    "RadiusNeighborsRegressor": Converter(predict=_around_mean),
    "KNNImputer": Converter(transform=_imputed, note=_TIES),
    "LocalOutlierFactor": Converter(predict=_inlier, decision_function=_outlier_scores, note=_TIES),
}
