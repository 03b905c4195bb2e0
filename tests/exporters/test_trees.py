"""A tree ensemble answers as its arrays say, in every mode, for every target, with NaN where it belongs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import pytest
from onnxport.exporters import ExportOptions
from onnxport.exporters.assemble import new_builder
from onnxport.exporters.trees import Mode, TreeEnsemble, add_tree_ensemble

if TYPE_CHECKING:
    from collections.abc import Callable

    from onnxport.artifacts import Dtype

NAN = float("nan")


def ensemble(mode: Mode, *, missing_true: int, dtype: Any = np.float32) -> TreeEnsemble:
    """Is column 1 so against 0.5? 1 where it is, 2 where not; and a leaf alone that adds 10 and 20."""

    def numbers(*values: int) -> np.ndarray:
        return np.array(values, dtype=np.int32)

    return TreeEnsemble(
        tree=numbers(0, 0, 0, 1),
        node=numbers(0, 1, 2, 0),
        feature=numbers(1, 0, 0, 0),
        mode=np.array([mode, 0, 0, 0], dtype=np.uint8),
        value=np.array([0.5, 0, 0, 0], dtype=dtype),
        true=numbers(1, 0, 0, 0),
        false=numbers(2, 0, 0, 0),
        missing_true=numbers(missing_true, 0, 0, 0),
        leaf_tree=numbers(0, 0, 1, 1),
        leaf_node=numbers(1, 2, 0, 0),
        leaf_target=numbers(0, 0, 0, 1),
        leaf_weight=np.array([1, 2, 10, 20], dtype=dtype),
        targets=2,
    )


def run(trees: TreeEnsemble, rows: np.ndarray, dtype: Dtype) -> list[list[float]]:
    builder = new_builder(ExportOptions())
    value = add_tree_ensemble(builder, builder.input("features", dtype, [None, 2]), trees)
    builder.output(value, "sums", "float32", [None, 2])
    session = onnxruntime.InferenceSession(builder.build(name="trees", metadata={}))
    return session.run(None, {"features": rows})[0].tolist()


@pytest.mark.parametrize(
    ("mode", "holds"),
    [
        (Mode.LT, lambda value: value < 0.5),
        (Mode.LTE, lambda value: value <= 0.5),
        (Mode.GT, lambda value: value > 0.5),
        (Mode.GTE, lambda value: value >= 0.5),
        (Mode.EQ, lambda value: value == 0.5),
        (Mode.NEQ, lambda value: value != 0.5),
    ],
)
@pytest.mark.parametrize("missing_true", [0, 1])
def test_every_mode_asks_what_its_name_says(mode: Mode, holds: Callable[[float], bool], missing_true: int) -> None:
    values = (0.4, 0.5, 0.6, -np.inf, np.inf)
    rows = np.array([[0, value] for value in values], dtype=np.float32)
    wanted = [[11.0 if holds(value) else 12.0, 20.0] for value in values]
    assert run(ensemble(mode, missing_true=missing_true), rows, "float32") == wanted


@pytest.mark.parametrize(("missing_true", "wanted"), [(0, 12.0), (1, 11.0)])
def test_missing_values_go_where_they_are_sent(missing_true: int, wanted: float) -> None:
    rows = np.array([[0, NAN]], dtype=np.float32)
    assert run(ensemble(Mode.LT, missing_true=missing_true), rows, "float32") == [[wanted, 20.0]]


def test_float64_thresholds_are_compared_in_float64() -> None:
    rows = np.array([[0, np.nextafter(0.5, 0)], [0, 0.5]])
    trees = ensemble(Mode.LT, missing_true=0, dtype=np.float64)
    assert run(trees, rows, "float64") == [[11.0, 20.0], [12.0, 20.0]]
