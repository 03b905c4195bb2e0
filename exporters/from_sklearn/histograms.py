"""Histogram gradient boosting: trees on float64, with categories as sets and missing values of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnxport.exporters.trees import Mode

from .converter import Converter
from .leaves import Tree, leaf_answers
from .linear import two_columns
from .tensor import join

if TYPE_CHECKING:
    from onnxport.artifacts import Column

    from .columns import Columns
    from .foreign import Estimator
    from .scope import Scope
    from .tensor import Tensor

_BITS = 32
_LOG_LINK = "LogLink"


def _raw(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    """Raw scores, `(n, K)`: the baseline, then a tree after the other, in float64."""
    preprocessor = getattr(estimator, "_preprocessor", None)
    if preprocessor is not None:
        columns = scope.at("_preprocessor").transform(preprocessor, columns)
    scope.numbers(columns)
    x = columns.matrix("float64")
    known = _known(estimator)
    rounds = estimator._predictors  # ruff: ignore[SLF001] - the trees have no public name
    baseline = np.asarray(estimator._baseline_prediction, dtype=np.float64).reshape(-1)  # ruff: ignore[SLF001] - likewise
    scores = []
    for index, start in enumerate(baseline):
        steps = leaf_answers(x, [_tree(one[index], known) for one in rounds])
        scores.append(join([steps.column(0) * 0.0 + start, steps]).ordered_total().unsqueeze(1))
    return join(scores)


def _known(estimator: Estimator) -> dict[int, set[int]]:
    """Codes that were seen at fit, by column."""
    bitsets, places = estimator._bin_mapper.make_known_categories_bitsets()  # ruff: ignore[SLF001] - as its own predict does
    categorical = np.flatnonzero(estimator._bin_mapper.is_categorical_)  # ruff: ignore[SLF001] - likewise
    return {int(column): _codes(bitsets[places[column]]) for column in categorical}


def _codes(bitset: Column) -> set[int]:
    return {
        word * _BITS + bit for word, bits in enumerate(bitset.tolist()) for bit in range(_BITS) if bits >> bit & 1
    }


def _tree(predictor: Estimator, known: dict[int, set[int]]) -> Tree:
    nodes = predictor.nodes
    leaf = nodes["is_leaf"].astype(bool)
    tree = Tree(
        feature=np.where(leaf, 0, nodes["feature_idx"]).astype(np.int32),
        mode=np.where(leaf, Mode.LEAF, Mode.LTE).astype(np.uint8),
        value=np.where(leaf, 0.0, nodes["num_threshold"]),
        true=np.where(leaf, 0, nodes["left"]).astype(np.int32),
        false=np.where(leaf, 0, nodes["right"]).astype(np.int32),
        missing_true=np.where(leaf, 0, nodes["missing_go_to_left"]).astype(np.uint8),
        answers=nodes["value"].astype(np.float64),
    )
    categorical = np.flatnonzero(nodes["is_categorical"].astype(bool) & ~leaf)
    if len(categorical) == 0:
        return tree
    sets = {int(node): _codes(predictor.raw_left_cat_bitsets[nodes["bitset_idx"][node]]) for node in categorical}
    return _with_sets(tree, sets, known)


def _with_sets(tree: Tree, sets: dict[int, set[int]], known: dict[int, set[int]]) -> Tree:
    """Each question "is the code one of these" as a chain of "is it this one": the smaller side is asked for."""
    columns: dict[str, list[Any]] = {
        name: getattr(tree, name).tolist()
        for name in ("feature", "mode", "value", "true", "false", "missing_true")
    }
    answers = tree.answers.tolist()
    for node, left in sets.items():
        feature = int(tree.feature[node])
        yes, no = int(tree.true[node]), int(tree.false[node])
        right = known[feature] - left
        missing_yes = int(tree.missing_true[node])
        asked = sorted(left & known[feature])
        if len(right) < len(asked):
            asked, yes, no, missing_yes = sorted(right), no, yes, 1 - missing_yes
        for place, code in enumerate(asked):
            last = place == len(asked) - 1
            target = node if place == 0 else len(answers)
            if place:
                answers.append(0.0)
                for values in columns.values():
                    values.append(0)
            row = (
                feature,
                Mode.EQ,
                float(code),
                yes,
                no if last else len(answers),
                missing_yes if place == 0 else 0,
            )
            for values, value in zip(columns.values(), row, strict=True):
                values[target] = value
    return Tree(
        answers=np.array(answers),
        feature=np.array(columns["feature"], dtype=np.int32),
        mode=np.array(columns["mode"], dtype=np.uint8),
        value=np.array(columns["value"], dtype=np.float64),
        true=np.array(columns["true"], dtype=np.int32),
        false=np.array(columns["false"], dtype=np.int32),
        missing_true=np.array(columns["missing_true"], dtype=np.uint8),
    )


def _scores(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    raw = _raw(scope, estimator, columns)
    return raw.flat() if estimator.n_trees_per_iteration_ == 1 else raw


def _class(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    raw = scope.score(estimator, "decision_function", columns)
    return (raw > 0.0).cast("int64") if estimator.n_trees_per_iteration_ == 1 else raw.argmax()


def _shares(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    raw = scope.score(estimator, "decision_function", columns)
    return two_columns(raw.sigmoid()) if estimator.n_trees_per_iteration_ == 1 else raw.softmax()


def _mean(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    raw = _raw(scope, estimator, columns).flat()
    link = type(estimator._loss.link).__name__  # ruff: ignore[SLF001] - the loss has no public name
    return raw.exp() if link == _LOG_LINK else raw


_NOTE = "leaves are added in float64 in the order of the source"

CONVERTERS = {
    "HistGradientBoostingClassifier": Converter(
        predict=_class, predict_proba=_shares, decision_function=_scores, note=_NOTE
    ),
    "HistGradientBoostingRegressor": Converter(predict=_mean, note=_NOTE),
}
