"""Several models for several classes or targets: one against the rest, one against one, chains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .columns import Columns, beside, numbers
from .converter import Converter
from .ensembles import class_values, in_one_dtype
from .linear import two_columns
from .scope import has_method
from .tensor import Tensor, join

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .foreign import Estimator
    from .scope import Method, Scope

_BINARY = 2
_ONE_A_ROW = "Train one classifier for each label."


def _members(scope: Scope, estimator: Estimator) -> Iterator[tuple[Scope, Any]]:
    for index, member in enumerate(estimator.estimators_):
        yield scope.at(f"estimators_[{index}]"), member


def _binary_score(scope: Scope, member: Estimator, columns: Columns) -> Tensor:
    """How much one member is for its second class, shape `(n,)`."""
    if not hasattr(member, "classes_"):
        return scope.predict(member, columns)
    if has_method(member, "decision_function"):
        return scope.score(member, "decision_function", columns)
    return scope.probabilities(member, columns).column(1).flat()


def _threshold(member: Estimator) -> float:
    """Above which a member's score means its second class."""
    return 0.0 if has_method(member, "decision_function") and hasattr(member, "classes_") else 0.5


def _rest_scores(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    scores = [at.score(member, "decision_function", columns) for at, member in _members(scope, estimator)]
    return scores[0] if len(scores) == 1 else join([score.unsqueeze(1) for score in in_one_dtype(scores)])


def _rest_shares(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    shares = [at.probabilities(member, columns).column(1) for at, member in _members(scope, estimator)]
    joined = two_columns(shares[0].flat()) if len(shares) == 1 else join(in_one_dtype(shares))
    if estimator.multilabel_:
        return joined
    total = joined.total()
    return joined / total.equals(0.0).where(total.like(1.0), total)


def _rest(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    if estimator.multilabel_:
        raise scope.refuse("it predicts several labels a row", _ONE_A_ROW)
    scores = [_binary_score(at, member, columns) for at, member in _members(scope, estimator)]
    if len(scores) == 1:
        return (scores[0] > _threshold(estimator.estimators_[0])).cast("int64")
    # the first of equally large ones, as the source finds it going backwards
    return join([score.unsqueeze(1) for score in in_one_dtype(scores)]).cast("float64").argmax()


def _pair_scores(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    classes = len(estimator.classes_)
    pairs = [(low, high) for low in range(classes) for high in range(low + 1, classes)]
    chosen = estimator.pairwise_indices_
    votes, confidences = [], []
    for index, (at, member) in enumerate(_members(scope, estimator)):
        part = columns if chosen is None else columns.select([int(place) for place in chosen[index]])
        predicted = at.predict(member, part)
        predicted = predicted if not hasattr(member, "classes_") else class_values(member, predicted)
        votes.append(predicted.cast("float64").unsqueeze(1))
        confidences.append(_binary_score(at, member, part).cast("float64").unsqueeze(1))
    against = np.zeros((len(pairs), classes))
    towards = np.zeros((len(pairs), classes))
    for index, (low, high) in enumerate(pairs):
        against[index, low] = towards[index, high] = 1.0
    vote, confidence = join(votes), join(confidences)
    total = vote.equals(0.0).cast("float64") @ against + vote.equals(1.0).cast("float64") @ towards
    trust = confidence @ (towards - against)
    scores = total + trust / ((trust.absolute() + 1.0) * 3.0)
    return scores.column(1).flat() if classes == _BINARY else scores


def _pairs(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    scores = scope.score(estimator, "decision_function", columns)
    if estimator.n_classes_ == _BINARY:
        return (scores > _threshold(estimator.estimators_[0])).cast("int64")
    return scores.argmax()


def _codes(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    """The class whose code is nearest to the members' scores."""
    scores = join(
        [_binary_score(at, m, columns).cast("float64").unsqueeze(1) for at, m in _members(scope, estimator)]
    )
    book = np.asarray(estimator.code_book_, dtype=np.float64)
    distance = (scores.unsqueeze(1) - book[None]) ** 2.0
    return (-distance.total(2, keep=False)).argmax()


class _Chain:
    """What a method of each member answers, each seeing the answers before it."""

    def __init__(self, method: Method) -> None:
        self.method: Method = method

    def __call__(self, scope: Scope, estimator: Estimator, columns: Columns, /) -> Tensor:
        feature_method: Method = getattr(estimator, "chain_method_", "predict")
        seen: list[Columns] = [columns]
        answers = []
        for at, member in _members(scope, estimator):
            features = beside(seen, sparse=columns.sparse)
            feature = _response(at, member, feature_method, features)
            answers.append(_response(at, member, self.method, features).unsqueeze(1))
            seen.append(numbers(feature.unsqueeze(1), 1))
        return join([answers[index] for index in np.argsort(estimator.order_)])


class _ChainClasses(_Chain):
    def __call__(self, scope: Scope, estimator: Estimator, columns: Columns, /) -> Tensor:
        if any(list(member.classes_) != [0, 1] for member in estimator.estimators_):
            raise scope.refuse("its labels are not 0 and 1", "Encode each label as 0 and 1 before training.")
        return super().__call__(scope, estimator, columns).cast("int64")


def _response(scope: Scope, member: Estimator, method: Method, columns: Columns) -> Tensor:
    """One number a row, float64, as the source's chains ask for it."""
    scores = scope.score(member, method, columns)
    if hasattr(member, "classes_"):
        if len(member.classes_) != _BINARY:
            raise scope.refuse("a chain of classifiers with more than two classes", _ONE_A_ROW)
        if method == "predict":
            return class_values(member, scores)
        if method == "predict_proba":
            return scores.column(1).flat().cast("float64")
    return scores.cast("float64")


def _targets(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    answers = [at.predict(member, columns) for at, member in _members(scope, estimator)]
    return join([answer.unsqueeze(1) for answer in in_one_dtype(answers)])


def _labels(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    """The classes themselves, `(n, T)`: they are whole numbers."""
    tables = [np.asarray(member.classes_) for member in estimator.estimators_]
    if any(table.dtype.kind not in "iu" for table in tables):
        raise scope.refuse("its labels are not whole numbers", "Encode each label as 0, 1, 2, … before training.")
    answers = [
        at.predict(member, columns).rows_of(table.astype(np.int64)).unsqueeze(1)
        for (at, member), table in zip(_members(scope, estimator), tables, strict=True)
    ]
    return join(answers)


CONVERTERS = {
    "MultiOutputClassifier": Converter(predict=_labels),
    "OneVsRestClassifier": Converter(predict=_rest, predict_proba=_rest_shares, decision_function=_rest_scores),
    "OneVsOneClassifier": Converter(predict=_pairs, decision_function=_pair_scores),
    "OutputCodeClassifier": Converter(predict=_codes),
    "ClassifierChain": Converter(
        predict=_ChainClasses("predict"),
        predict_proba=_Chain("predict_proba"),
        decision_function=_Chain("decision_function"),
    ),
    "RegressorChain": Converter(predict=_Chain("predict")),
    "MultiOutputRegressor": Converter(predict=_targets),
}
