"""Clusters with centres."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .columns import numbers
from .converter import Converter
from .distances import accept_far, nearest, powers_sum

if TYPE_CHECKING:
    from .columns import Columns
    from .foreign import Estimator
    from .scope import Scope
    from .tensor import Tensor


def _nearest(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    return nearest(scope.doubles(columns), estimator.cluster_centers_)


def _distances(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    centres = np.asarray(estimator.cluster_centers_, dtype=np.float64)
    return numbers(powers_sum(scope.doubles(columns), centres, 2.0).sqrt(), len(centres))


def _nearest_by_pairs(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    accept_far(scope)
    return _nearest(scope, estimator, columns)


def _birch(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    accept_far(scope)
    index = nearest(scope.doubles(columns), estimator.subcluster_centers_)
    return index.rows_of(np.asarray(estimator.subcluster_labels_, dtype=np.int64))


def _birch_distances(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    centres = np.asarray(estimator.subcluster_centers_, dtype=np.float64)
    return numbers(powers_sum(scope.doubles(columns), centres, 2.0).sqrt(), len(centres))


def _bisecting(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    shift = getattr(estimator, "_X_mean", 0.0)
    x = scope.doubles(columns)

    def descend(node: Estimator) -> Tensor:
        if node.left is None:
            return scope.constant([int(node.label)], "int64")
        centres = np.vstack([node.left.center, node.right.center]) + shift
        right = nearest(x, centres).cast("bool")
        return right.where(descend(node.right), descend(node.left))

    return descend(estimator._bisecting_tree)  # ruff: ignore[SLF001] - the tree has no public name


_CENTRES = Converter(transform=_distances, predict=_nearest)

CONVERTERS = {
    "KMeans": _CENTRES,
    "MiniBatchKMeans": _CENTRES,
    "BisectingKMeans": Converter(transform=_distances, predict=_bisecting),
    "MeanShift": Converter(predict=_nearest_by_pairs),
    "AffinityPropagation": Converter(predict=_nearest_by_pairs),
    "Birch": Converter(transform=_birch_distances, predict=_birch),
}
