"""Classifiers by densities: naive Bayes, discriminant analysis, nearest centroids, mixtures, envelopes."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import TYPE_CHECKING

import numpy as np

from .converter import Converter
from .distances import accept_far, nearest, powers_sum
from .linear import by_decision, decision, two_columns
from .projections import DISCRIMINANTS
from .tensor import join

if TYPE_CHECKING:
    from onnxport.artifacts import Column

    from .columns import Columns
    from .converter import Score
    from .foreign import Estimator
    from .scope import Scope
    from .tensor import Tensor

_BINARY = 2


def _gaussian(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    x = scope.doubles(columns, tolerant=True)
    parts = []
    for prior, mean, variance in zip(estimator.class_prior_, estimator.theta_, estimator.var_, strict=True):
        constant = np.log(prior) - 0.5 * np.sum(np.log(2.0 * np.pi * variance))
        apart = x - mean
        parts.append((apart * apart / variance).total() * -0.5 + float(constant))
    return join(parts)


def _multinomial(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    x = scope.doubles(columns, tolerant=True)
    answer: Tensor = x @ estimator.feature_log_prob_.T + estimator.class_log_prior_[None, :]
    return answer


def _complement(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    answer: Tensor = scope.doubles(columns, tolerant=True) @ estimator.feature_log_prob_.T
    return answer


def _bernoulli(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    x = scope.doubles(columns, tolerant=True)
    if estimator.binarize is not None:
        x = (x > float(estimator.binarize)).cast("float64")
    absent = np.log(1 - np.exp(estimator.feature_log_prob_))
    constant = estimator.class_log_prior_ + absent.sum(axis=1)
    answer: Tensor = x @ (estimator.feature_log_prob_ - absent).T + constant[None, :]
    return answer


def _categorical(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    """Categories are whole numbers, as the source truncates its columns to; those beyond the table raise there."""
    x = scope.doubles(columns).cast("int64")
    parts = []
    for index, table in enumerate(estimator.feature_log_prob_):
        rows = np.concatenate([np.full((1, len(table)), np.nan), table.T, np.full((1, len(table)), np.nan)])
        place = (x.column(index) + 1).clip(0, len(rows) - 1)
        parts.append(place.flat().rows_of(np.ascontiguousarray(rows)))
    answer: Tensor = reduce(add, parts) + estimator.class_log_prior_[None, :]
    return answer


def _quadratic(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    x = scope.doubles(columns, tolerant=True)
    parts = []
    for index, prior in enumerate(estimator.priors_):
        spread = estimator.scalings_[index]
        moved = (x - estimator.means_[index]) @ (estimator.rotations_[index] * spread ** (-0.5))
        parts.append(((moved * moved).total() + float(np.sum(np.log(spread)))) * -0.5 + float(np.log(prior)))
    return join(parts)


def _centroids(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    if estimator.metric != "euclidean":
        raise scope.refuse(f"the metric {estimator.metric!r}", "Use the euclidean metric.")
    deviation = np.where(estimator.within_class_std_dev_ != 0, estimator.within_class_std_dev_, 1.0)
    distances = powers_sum(scope.doubles(columns) / deviation, estimator.centroids_ / deviation, 2.0)
    answer: Tensor = -distances + 2.0 * np.log(estimator.class_prior_)[None, :]
    return answer


def _nearest_class(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    if not np.isclose(estimator.class_prior_, 1 / len(estimator.classes_)).all():
        return _centroids(scope, estimator, columns).argmax()
    if estimator.metric == "euclidean":
        accept_far(scope)
        return nearest(scope.doubles(columns), estimator.centroids_)
    return (-powers_sum(scope.doubles(columns), np.asarray(estimator.centroids_, dtype=np.float64), 1.0)).argmax()


class _Joint:
    """What a classifier makes of its joint log likelihoods, `(n, C)`."""

    def __init__(self, likelihoods: Score) -> None:
        self._likelihoods = likelihoods

    def predict(self, scope: Scope, estimator: Estimator, columns: Columns, /) -> Tensor:
        return self._likelihoods(scope, estimator, columns).argmax()

    def shares(self, scope: Scope, estimator: Estimator, columns: Columns, /) -> Tensor:
        return self._likelihoods(scope, estimator, columns).softmax()

    def decision(self, scope: Scope, estimator: Estimator, columns: Columns, /) -> Tensor:
        scores = self._likelihoods(scope, estimator, columns)
        return (scores.column(1) - scores.column(0)).flat() if len(estimator.classes_) == _BINARY else scores


def _bayes(likelihoods: Score) -> Converter:
    joint = _Joint(likelihoods)
    return Converter(predict=joint.predict, predict_proba=joint.shares)


def _linear_shares(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    scores = scope.score(estimator, "decision_function", columns)
    return two_columns(scores.sigmoid()) if len(estimator.classes_) == _BINARY else scores.softmax()


def _component(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    """The mixture's component of the largest weighted density."""
    x = scope.doubles(columns, tolerant=True)
    parts = [
        (moved * moved).total()
        for moved in (
            (x - mean) @ factor for mean, factor in zip(estimator.means_, _factors(estimator), strict=True)
        )
    ]
    # what is added to -½ of the squares is constant: taken from the source at the means
    weighted = estimator._estimate_weighted_log_prob(estimator.means_)  # ruff: ignore[SLF001] - as its own predict does
    squares = np.stack(
        [
            (((estimator.means_ - mean) @ factor) ** 2).sum(axis=1)
            for mean, factor in zip(estimator.means_, _factors(estimator), strict=True)
        ],
        axis=1,
    )
    constants = np.diagonal(weighted + 0.5 * squares)
    return (join(parts) * -0.5 + constants[None, :]).argmax()


def _factors(estimator: Estimator) -> list[Column]:
    """The Cholesky factor of each component's precision."""
    factors = np.asarray(estimator.precisions_cholesky_, dtype=np.float64)
    count, features = estimator.means_.shape
    if estimator.covariance_type == "full":
        return list(factors)
    if estimator.covariance_type == "tied":
        return [factors] * count
    if estimator.covariance_type == "diag":
        return [np.diag(row) for row in factors]
    return [np.eye(features) * value for value in factors]


def _envelope(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    moved = scope.doubles(columns, tolerant=True) - estimator.location_[None, :]
    distances = ((moved @ np.asarray(estimator.get_precision())) * moved).total().flat()
    answer: Tensor = -distances - float(estimator.offset_)
    return answer


def _inlier(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    inside = scope.score(estimator, "decision_function", columns) >= 0.0
    return inside.where(scope.constant(1, "int64"), -1)


def _one_class(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    x = scope.doubles(columns, tolerant=True)
    return (x @ np.atleast_2d(estimator.coef_).T - np.asarray(estimator.offset_).reshape(1, -1)).flat()


_QUADRATIC, _CENTROIDS = _Joint(_quadratic), _Joint(_centroids)

CONVERTERS = {
    "GaussianNB": _bayes(_gaussian),
    "MultinomialNB": _bayes(_multinomial),
    "ComplementNB": _bayes(_complement),
    "BernoulliNB": _bayes(_bernoulli),
    "CategoricalNB": _bayes(_categorical),
    "QuadraticDiscriminantAnalysis": Converter(
        predict=_QUADRATIC.predict, predict_proba=_QUADRATIC.shares, decision_function=_QUADRATIC.decision
    ),
    "LinearDiscriminantAnalysis": Converter(
        transform=DISCRIMINANTS, predict=by_decision, predict_proba=_linear_shares, decision_function=decision
    ),
    "NearestCentroid": Converter(
        predict=_nearest_class, predict_proba=_CENTROIDS.shares, decision_function=_CENTROIDS.decision
    ),
    "GaussianMixture": Converter(predict=_component),
    "BayesianGaussianMixture": Converter(predict=_component),
    "EllipticEnvelope": Converter(predict=_inlier, decision_function=_envelope),
    "SGDOneClassSVM": Converter(predict=_inlier, decision_function=_one_class),
}
