"""What a Booster predicts with, read from its own text: a line an array, numbers with all their digits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from onnxport.artifacts import IntegrityError
from onnxport.exporters.refused import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lightgbm import Booster
    from onnxport.artifacts import Column

_INTEGERS = ("split_feature", "decision_type", "left_child", "right_child", "cat_boundaries", "cat_threshold")
_REALS = ("threshold", "leaf_value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trees:
    """The arrays of all trees by name, one tree after the other, as LightGBM names them.

    Attributes:
        arrays: `split_feature`, `threshold`, `decision_type`, `left_child`, `right_child`, `leaf_value`,
            `cat_boundaries` and `cat_threshold`; children below 0 are leaves: `-1 - leaf`.
        counts: How long each array is in each tree, `(trees,)` by name.
    """

    arrays: Mapping[str, Column]
    counts: Mapping[str, Column]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A Booster as numbers.

    Attributes:
        objective: The name and its parameters: `("binary", "sigmoid:1")`; empty for one of the user's own.
        outputs: How many scores a row has: so many trees make a round.
        features: How many columns a row has.
        names: Their names, blanks replaced by underscores.
        average: Whether the scores are means over the rounds, as those of a random forest are.
        rounds: How many there are, and how many take part.
        categories: The categories by code of each categorical column of the training frame, in order.
        trees: The trees that take part.
    """

    objective: tuple[str, ...]
    outputs: int
    features: int
    names: tuple[str, ...]
    average: bool
    rounds: tuple[int, int]
    categories: tuple[tuple[Any, ...], ...]
    trees: Trees


def read_booster(booster: Booster, step: str) -> Model:
    """`booster` as numbers, with the rounds that its `predict` takes; `step` is its path in the source.

    Raises:
        Refused: Its leaves hold linear models.
        IntegrityError: LightGBM saved what we cannot read.
    """
    text = booster.model_to_string(num_iteration=-1)
    try:
        return _read(text, booster, step)
    except (KeyError, IndexError, ValueError, DeprecationWarning) as error:
        raise IntegrityError(f"{step}: LightGBM saved a model in a form that is not known: {error!r}") from error


def _read(text: str, booster: Booster, step: str) -> Model:
    head, *blocks = text.partition("\nend of trees")[0].split("\nTree=")
    facts = _lines(head)
    outputs = int(facts["num_tree_per_iteration"])
    trees = [_lines(block) for block in blocks]
    if any(tree.get("is_linear", "0") != "0" for tree in trees):
        raise Refused(
            f"{step}.linear_tree",
            "its leaves hold linear models, whose sums the runtime's trees cannot compute",
            "Train with linear_tree=false, or serve this model from its source.",
        )
    available = len(trees) // outputs
    best = int(booster.best_iteration)
    used = min(best, available) if best > 0 else available
    return Model(
        objective=tuple(facts.get("objective", "").split()),
        outputs=outputs,
        features=int(facts["max_feature_idx"]) + 1,
        names=tuple(facts["feature_names"].split(" ")),
        average="average_output" in facts,
        rounds=(available, used),
        categories=tuple(map(tuple, booster.pandas_categorical or ())),
        trees=_trees(trees[: used * outputs]),
    )


def _lines(block: str) -> dict[str, str]:
    return {name: value for name, _, value in (line.partition("=") for line in block.splitlines())}


def _trees(trees: Sequence[Mapping[str, str]]) -> Trees:
    arrays: dict[str, Column] = {}
    counts: dict[str, Column] = {}
    for names, dtype in ((_INTEGERS, np.int64), (_REALS, np.float64)):
        for name in names:
            parts = [_numbers(tree.get(name, ""), dtype) for tree in trees]
            arrays[name] = np.concatenate([np.empty(0, dtype=dtype), *parts])
            counts[name] = np.array([len(part) for part in parts], dtype=np.int64)
    return Trees(arrays=arrays, counts=counts)


def _numbers(text: str, dtype: type[np.generic]) -> Column:
    values = np.fromstring(text, dtype=dtype, sep=" ") if text else np.empty(0, dtype=dtype)
    if len(values) != text.count(" ") + bool(text):
        raise ValueError(f"{len(values)} numbers in {text[:60]!r}")
    return values
