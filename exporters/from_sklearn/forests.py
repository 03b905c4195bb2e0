"""scikit-learn's own trees and what is made of them: forests, gradient boosting, isolation forests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .columns import numbers
from .converter import Converter
from .leaves import Tree, from_tree, leaf_answers
from .linear import by_probability, two_columns
from .tensor import join

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .columns import Columns
    from .foreign import Estimator, Foreign
    from .scope import Scope
    from .tensor import Tensor

_PAIR = 2
_NOTE = "trees see float32, their leaves are added in float64 in the order of the source"


def _features(scope: Scope, columns: Columns) -> Tensor:
    scope.numbers(columns)
    return columns.matrix("float32")


def _single_output(scope: Scope, estimator: Estimator) -> None:
    if estimator.n_outputs_ != 1:
        raise scope.refuse("it predicts several labels a row", "Train one classifier for each of them.")


def _class_shares(estimator: Estimator) -> list[Tree]:
    trees = []
    for member in estimator:
        value = member.tree_.value[:, 0, : member.n_classes_]
        trees.append(from_tree(member.tree_, value))
    return trees


def _tree_shares(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    _single_output(scope, estimator)
    return leaf_answers(_features(scope, columns), _class_shares([estimator])).squeeze(1)


def _forest_shares(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    _single_output(scope, estimator)
    members = estimator.estimators_
    return leaf_answers(_features(scope, columns), _class_shares(members)).ordered_total() / float(len(members))


def _means(members: Sequence[Any]) -> list[Tree]:
    return [
        from_tree(
            member.tree_, member.tree_.value[:, 0, 0] if member.n_outputs_ == 1 else member.tree_.value[:, :, 0]
        )
        for member in members
    ]


def _tree_mean(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    return leaf_answers(_features(scope, columns), _means([estimator])).squeeze(1)


def _forest_mean(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    members = estimator.estimators_
    return leaf_answers(_features(scope, columns), _means(members)).ordered_total() / float(len(members))


def _boosted(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    """Raw scores, `(n, K)`: the initial ones, then a tree after the other, each scaled by the learning rate."""
    x = _features(scope, columns)
    stages = estimator.estimators_
    scores = []
    for index in range(stages.shape[1]):
        trees = [
            from_tree(stage.tree_, estimator.learning_rate * stage.tree_.value[:, 0, 0])
            for stage in stages[:, index]
        ]
        steps = leaf_answers(x, trees)
        first = steps.column(0) * 0.0 + _initial(scope, estimator)[index]
        scores.append(join([first, steps]).ordered_total().unsqueeze(1))
    return join(scores)


def _initial(scope: Scope, estimator: Estimator) -> Foreign:
    constant = isinstance(estimator.init_, str) or type(estimator.init_).__name__ in {
        "DummyClassifier",
        "DummyRegressor",
    }
    if not constant:
        raise scope.refuse("its init is an estimator of its own", "Leave init at None or 'zero'.")
    return estimator._raw_predict_init(np.zeros((1, estimator.n_features_in_), dtype=np.float32))[0]  # ruff: ignore[SLF001] - the only way to its constant


def _boosted_scores(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    raw = _boosted(scope, estimator, columns)
    return raw.flat() if estimator.estimators_.shape[1] == 1 else raw


def _boosted_shares(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    raw = scope.score(estimator, "decision_function", columns)
    if estimator.estimators_.shape[1] > 1:
        return raw.softmax()
    return two_columns((raw * 2.0 if estimator.loss == "exponential" else raw).sigmoid())


def _boosted_class(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    raw = scope.score(estimator, "decision_function", columns)
    return raw.argmax() if estimator.estimators_.shape[1] > 1 else (raw >= 0.0).cast("int64")


def _boosted_mean(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    return _boosted(scope, estimator, columns).flat()


def _isolation(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    trees = [
        from_tree(member.tree_, lengths + average - 1.0, features)
        for member, features, lengths, average in zip(
            estimator.estimators_,
            estimator.estimators_features_,
            estimator._decision_path_lengths,  # ruff: ignore[SLF001] - computed once at fit
            estimator._average_path_length_per_tree,  # ruff: ignore[SLF001] - computed once at fit
            strict=True,
        )
    ]
    whole = len(trees) * _path_length(estimator._max_samples)  # ruff: ignore[SLF001] - what it was fitted on
    depths = leaf_answers(_features(scope, columns), trees).ordered_total()
    share = depths / whole if whole else depths * 0.0 + 1.0
    return share.like(2.0) ** (-share) * -1.0 - float(estimator.offset_)


def _path_length(rows: int) -> float:
    """The mean length of an unsuccessful search in a binary tree of `rows` rows (Liu et al. 2008, equation 1)."""
    if rows <= _PAIR:
        return float(rows == _PAIR)
    return float(2.0 * (np.log(rows - 1.0) + np.euler_gamma) - 2.0 * (rows - 1.0) / rows)


def _inlier(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    """1 for inliers, -1 where the decision function is negative."""
    outside = scope.score(estimator, "decision_function", columns) < 0.0
    return outside.where(scope.constant(-1, "int64"), 1)


def _embedding(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    trees, width = [], 0
    for member, known in zip(estimator.estimators_, estimator.one_hot_encoder_.categories_, strict=True):
        place = np.full(member.tree_.node_count, -1.0)
        place[np.asarray(known, dtype=np.int64)] = width + np.arange(len(known))
        trees.append(from_tree(member.tree_, place))
        width += len(known)
    places = leaf_answers(_features(scope, columns), trees).unsqueeze(2)
    marks = places.equals(np.arange(width, dtype=np.float64)[None, None]).cast("float64").total(1, keep=False)
    return numbers(marks, width, sparse=bool(estimator.sparse_output))


_TREE_CLASSIFIER = Converter(precision="float32", predict=by_probability, predict_proba=_tree_shares, note=_NOTE)
_TREE_REGRESSOR = Converter(precision="float32", predict=_tree_mean, note=_NOTE)
_FOREST_CLASSIFIER = Converter(
    precision="float32", predict=by_probability, predict_proba=_forest_shares, note=_NOTE
)
_FOREST_REGRESSOR = Converter(precision="float32", predict=_forest_mean, note=_NOTE)

CONVERTERS = {
    "DecisionTreeClassifier": _TREE_CLASSIFIER,
    "ExtraTreeClassifier": _TREE_CLASSIFIER,
    "DecisionTreeRegressor": _TREE_REGRESSOR,
    "ExtraTreeRegressor": _TREE_REGRESSOR,
    "RandomForestClassifier": _FOREST_CLASSIFIER,
    "ExtraTreesClassifier": _FOREST_CLASSIFIER,
    "RandomForestRegressor": _FOREST_REGRESSOR,
    "ExtraTreesRegressor": _FOREST_REGRESSOR,
    "GradientBoostingClassifier": Converter(
        precision="float32",
        predict=_boosted_class,
        predict_proba=_boosted_shares,
        decision_function=_boosted_scores,
        note=_NOTE,
    ),
    "GradientBoostingRegressor": Converter(precision="float32", predict=_boosted_mean, note=_NOTE),
    "IsolationForest": Converter(precision="float32", predict=_inlier, decision_function=_isolation, note=_NOTE),
    "RandomTreesEmbedding": Converter(precision="float32", transform=_embedding, note=_NOTE),
}
