"""A search over runs of codes decides membership of a set as XGBoost does, for any number."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnxport.exporters import ExportOptions
from onnxport.exporters.assemble import new_builder
from onnxport.exporters.from_xgboost.categories import CategorySplits, expand
from onnxport.exporters.trees import Mode, TreeEnsemble, add_tree_ensemble

LEFT, RIGHT = 1.0, 2.0


def answers(sets: list[set[int]], default_left: list[int], values: np.ndarray) -> np.ndarray:
    """For each value the sum over one tree a set, in the digits of base 4: 1 for left, 2 for right."""
    count = len(sets)
    numbers = np.arange(3 * count, dtype=np.int32)
    root = numbers % 3 == 0

    def at_roots(value: np.ndarray | int) -> np.ndarray:
        column = np.zeros(3 * count, dtype=np.int32)
        column[root] = value
        return column

    trees = TreeEnsemble(
        tree=numbers // 3,
        node=numbers % 3,
        feature=at_roots(0),
        mode=at_roots(Mode.LT).astype(np.uint8),
        value=at_roots(0).astype(np.float32),
        true=at_roots(1),
        false=at_roots(2),
        missing_true=at_roots(np.array(default_left)),
        leaf_tree=np.repeat(np.arange(count, dtype=np.int32), 2),
        leaf_node=np.tile(np.array([1, 2], dtype=np.int32), count),
        leaf_target=np.zeros(2 * count, dtype=np.int32),
        leaf_weight=np.array(
            [side * 4.0**tree for tree in range(count) for side in (LEFT, RIGHT)], dtype=np.float32
        ),
        targets=1,
    )
    owner = np.array([index for index, codes in enumerate(sets) for _ in codes], dtype=np.int64)
    codes = np.array([code for codes in sets for code in codes], dtype=np.int64)
    splits = CategorySplits.from_codes(np.flatnonzero(root), owner, codes)
    builder = new_builder(ExportOptions())
    matrix = builder.input("features", "float32", [None, 1])
    value = add_tree_ensemble(builder, matrix, expand(trees, splits, np.full(count, 3)))
    builder.output(value, "sums", "float32", [None, 1])
    session = onnxruntime.InferenceSession(builder.build(name="sets", metadata={}))
    return session.run(None, {"features": values[:, None]})[0][:, 0]


def expected(sets: list[set[int]], default_left: list[int], values: np.ndarray) -> list[float]:
    """By the rule of XGBoost's `common::Decision`."""

    def side(codes: set[int], left: int, value: float) -> float:
        if np.isnan(value):
            return LEFT if left else RIGHT
        if value < 0 or value >= 2**24:
            return LEFT
        return RIGHT if int(value) in codes else LEFT

    return [
        sum(
            side(codes, left, value) * 4.0**tree
            for tree, (codes, left) in enumerate(zip(sets, default_left, strict=True))
        )
        for value in values.tolist()
    ]


@settings(deadline=None)
@given(
    sets=st.lists(st.sets(st.integers(0, 90), max_size=60), min_size=1, max_size=6),
    default_left=st.lists(st.integers(0, 1), min_size=6, max_size=6),
)
def test_any_sets_are_decided_as_xgboost_does(sets: list[set[int]], default_left: list[int]) -> None:
    codes = np.arange(-2, 95, dtype=np.float32)
    odd = np.array([np.nan, np.inf, -np.inf, -0.0, -0.5, 2**24 - 1, 2**24, 1e30], dtype=np.float32)
    values = np.concatenate([codes, codes + np.float32(0.5), odd])
    assert answers(sets, default_left[: len(sets)], values).tolist() == expected(
        sets, default_left[: len(sets)], values
    )


@pytest.mark.parametrize("left", [0, 1])
def test_a_set_of_thousands_of_runs_does_not_crash_the_runtime(left: int) -> None:
    codes = set(range(0, 16_000, 2))
    values = np.append(np.arange(-3, 16_005, dtype=np.float32), np.float32(np.nan))
    assert answers([codes], [left], values).tolist() == expected([codes], [left], values)
