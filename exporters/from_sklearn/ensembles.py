"""Voting, stacking, bagging, AdaBoost: the answers of several models put together in the order of the source."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

import numpy as np

from .columns import Columns, beside, numbers
from .converter import Converter
from .linear import by_probability
from .scope import has_method
from .tensor import Tensor, join

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from onnxport.artifacts import Dtype

    from .foreign import Estimator, Foreign
    from .scope import Method, Scope

_BINARY = 2


def in_one_dtype(tensors: Sequence[Tensor]) -> list[Tensor]:
    """The tensors as numpy would put them into one array: float32 only if all are."""
    dtype: Dtype = "float32" if all(tensor.dtype == "float32" for tensor in tensors) else "float64"
    return [tensor.cast(dtype) for tensor in tensors]


def _members(scope: Scope, estimator: Estimator) -> Iterator[tuple[Scope, Any]]:
    for index, member in enumerate(estimator.estimators_):
        yield scope.at(f"estimators_[{index}]"), member


def class_values(estimator: Estimator, index: Tensor) -> Tensor:
    """The class at each index as a number, float64: inside ensembles classes are 0, 1, 2 and so on."""
    return index.rows_of(np.asarray(estimator.classes_, dtype=np.float64))


def _average(tensors: Sequence[Tensor], weights: Foreign) -> Tensor:
    if weights is None:
        return reduce(add, in_one_dtype(tensors)) / float(len(tensors))
    weighted = [tensor.cast("float64") * float(weight) for tensor, weight in zip(tensors, weights, strict=True)]
    return reduce(add, weighted) / float(np.sum(weights))


def _vote_shares(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    shares = [at.probabilities(member, columns) for at, member in _members(scope, estimator)]
    return _average(shares, estimator._weights_not_none)  # ruff: ignore[SLF001] - the weights of the kept members


def _vote(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    if estimator.voting == "soft":
        return by_probability(scope, estimator, columns)
    classes = np.arange(len(estimator.classes_), dtype=np.float64)[None, :]
    weights = estimator._weights_not_none or [1.0] * len(estimator.estimators_)  # ruff: ignore[SLF001] - likewise
    votes = [
        class_values(member, at.predict(member, columns)).unsqueeze(1).equals(classes).cast("float64")
        * float(weight)
        for (at, member), weight in zip(_members(scope, estimator), weights, strict=True)
    ]
    return reduce(add, votes).argmax()


def _vote_mean(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    means = [at.predict(member, columns) for at, member in _members(scope, estimator)]
    return _average(means, estimator._weights_not_none)  # ruff: ignore[SLF001] - likewise


def _stacked(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    """What the members say, side by side; the features behind them where they are passed through."""
    methods: list[Method] = [method for method in estimator.stack_method_ if method is not None]
    parts = []
    for (at, member), method in zip(_members(scope, estimator), methods, strict=True):
        scores = at.score(member, method, columns)
        classifier = hasattr(member, "classes_")
        if method == "predict" and classifier:
            scores = class_values(member, scores)
        if method == "predict_proba" and len(estimator.classes_) == _BINARY:
            scores = scores.columns([1])
        width = _width(method, member)
        parts.append(numbers(scores if width > 1 or _is_column(method, member) else scores.unsqueeze(1), width))
    if estimator.passthrough:
        parts.append(columns)
        return beside(parts, sparse=columns.sparse)
    return beside(parts)


def _width(method: Method, member: Estimator) -> int:
    classes = len(getattr(member, "classes_", ()))
    if method == "predict" or classes == _BINARY or not classes:
        return 1
    return classes


def _is_column(method: Method, member: Estimator) -> bool:
    """Whether the scores have a second axis although there is only one of them."""
    return method == "predict_proba" and len(member.classes_) == _BINARY


class _Final:
    """A method of the final estimator, over what the members say."""

    def __init__(self, method: Method) -> None:
        self.method: Method = method

    def __call__(self, scope: Scope, estimator: Estimator, columns: Columns, /) -> Tensor:
        if isinstance(getattr(estimator, "_label_encoder", None), list):
            raise scope.refuse("it predicts several labels a row", "Train one classifier for each of them.")
        features = scope.transform(estimator, columns)
        return scope.at("final_estimator_").score(estimator.final_estimator_, self.method, features)


def _chosen(scope: Scope, estimator: Estimator, columns: Columns) -> Iterator[tuple[Scope, Any, Columns]]:
    for (at, member), features in zip(_members(scope, estimator), estimator.estimators_features_, strict=True):
        yield at, member, columns.select([int(feature) for feature in features])


def _bagged_shares(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    classes = np.arange(estimator.n_classes_, dtype=np.float64)[None, :]
    shares = []
    for at, member, features in _chosen(scope, estimator, columns):
        if not has_method(member, "predict_proba"):
            values = class_values(member, at.predict(member, features)).unsqueeze(1)
            shares.append(values.equals(classes).cast("float64"))
            continue
        share = at.probabilities(member, features).cast("float64")
        if len(member.classes_) != estimator.n_classes_:
            seen = np.asarray(member.classes_, dtype=np.float64)[:, None] == classes
            share = share @ seen.astype(np.float64)
        shares.append(share)
    return reduce(add, shares) / float(estimator.n_estimators)


def _bagged_scores(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    scores = [
        at.score(member, "decision_function", part) for at, member, part in _chosen(scope, estimator, columns)
    ]
    return reduce(add, scores) / float(estimator.n_estimators)


def _bagged_mean(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    scores = [at.predict(member, part) for at, member, part in _chosen(scope, estimator, columns)]
    return reduce(add, scores) / float(estimator.n_estimators)


def _ada_scores(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    count = estimator.n_classes_
    rows = []
    for (at, member), weight in zip(_members(scope, estimator), estimator.estimator_weights_, strict=False):
        table = np.full((count, count), -1 / (count - 1) * weight)
        np.fill_diagonal(table, weight)
        seen = np.flatnonzero(np.isin(estimator.classes_, member.classes_))
        rows.append(at.predict(member, columns).rows_of(table[seen]))
    scores = reduce(add, rows) / float(estimator.estimator_weights_.sum())
    return (scores.column(1) - scores.column(0)).flat() if count == _BINARY else scores


def _ada_shares(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    scores = scope.score(estimator, "decision_function", columns)
    if estimator.n_classes_ == _BINARY:
        column = scores.unsqueeze(1)
        return (join([-column, column]) / 2.0).softmax()
    return (scores / float(estimator.n_classes_ - 1)).softmax()


def _ada_class(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    scores = scope.score(estimator, "decision_function", columns)
    return (scores > 0.0).cast("int64") if estimator.n_classes_ == _BINARY else scores.argmax()


def _ada_median(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    """The weighted median of the members' answers."""
    answers = join(
        in_one_dtype([at.predict(member, columns).unsqueeze(1) for at, member in _members(scope, estimator)])
    )
    count = len(estimator.estimators_)
    names = answers.builder.add_many(
        "TopK", answers.name, scope.constant([count], "int64").name, outputs=2, axis=1, largest=0, sorted=1
    )
    ordered = Tensor(builder=answers.builder, name=names[0], dtype=answers.dtype)
    order = Tensor(builder=answers.builder, name=names[1], dtype="int64")
    weights = order.rows_of(np.asarray(estimator.estimator_weights_[:count], dtype=np.float64))
    sums = weights.op("CumSum", scope.constant(1, "int64"))
    reached = sums >= sums.column(count - 1) * 0.5
    place = reached.cast("float64").argmax().unsqueeze(1)
    return ordered.op("GatherElements", place, axis=1).flat()


CONVERTERS = {
    "VotingClassifier": Converter(predict=_vote, predict_proba=_vote_shares),
    "VotingRegressor": Converter(predict=_vote_mean),
    "StackingClassifier": Converter(
        transform=_stacked,
        predict=_Final("predict"),
        predict_proba=_Final("predict_proba"),
        decision_function=_Final("decision_function"),
    ),
    "StackingRegressor": Converter(transform=_stacked, predict=_Final("predict")),
    "BaggingClassifier": Converter(
        predict=by_probability, predict_proba=_bagged_shares, decision_function=_bagged_scores
    ),
    "BaggingRegressor": Converter(predict=_bagged_mean),
    "AdaBoostClassifier": Converter(predict=_ada_class, predict_proba=_ada_shares, decision_function=_ada_scores),
    "AdaBoostRegressor": Converter(predict=_ada_median),
}
