"""Binary search and piecewise linear interpolation, a sorted list of knots for each column."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from onnxport.exporters.trees import Mode, TreeEnsemble, add_tree_ensemble

from .tensor import Tensor

if TYPE_CHECKING:
    from onnxport.artifacts import Column

_FEW = 32  # up to here comparing with all knots is faster than a tree


def count_below(values: Tensor, knots: Column, side: Literal["left", "right"]) -> Tensor:
    """`numpy.searchsorted(knots[f], values[:, f], side)` for every column.

    NaN counts as greater than every knot.

    Args:
        values: Shape `(n, F)`, float32 or float64.
        knots: Shape `(F, K)`, each row sorted; exact in the dtype of `values`.
        side: `left`: how many knots are less than the value; `right`: less or equal.

    Returns:
        Shape `(n, F)`, int64.
    """
    columns, size = knots.shape
    if size == 0:
        return values.cast("int64") * 0
    if size <= _FEW:
        stacked = values.unsqueeze(2)
        below = stacked <= knots[None] if side == "left" else stacked < knots[None]
        answer: Tensor = size - below.cast("int64").total(2, keep=False)
        return answer
    return _by_trees(values, knots, side, columns)


def _by_trees(values: Tensor, knots: Column, side: str, columns: int) -> Tensor:
    feature, threshold, true, false, is_leaf, answer = _balanced(knots.shape[1])
    nodes = len(feature)
    tree = np.repeat(np.arange(columns), nodes)
    leaves = np.flatnonzero(is_leaf)
    padded = np.concatenate([knots, np.zeros((columns, 1), dtype=knots.dtype)], axis=1).astype(values.dtype)
    ensemble = TreeEnsemble(
        tree=tree,
        node=np.tile(np.arange(nodes), columns),
        feature=np.where(np.tile(is_leaf, columns), 0, tree),
        mode=np.tile(np.where(is_leaf, Mode.LEAF, Mode.LTE if side == "left" else Mode.LT), columns),
        value=padded[:, threshold].reshape(-1),
        true=np.tile(true, columns),
        false=np.tile(false, columns),
        missing_true=np.zeros(columns * nodes, dtype=np.uint8),
        leaf_tree=np.repeat(np.arange(columns), len(leaves)),
        leaf_node=np.tile(leaves, columns),
        leaf_target=np.repeat(np.arange(columns), len(leaves)),
        leaf_weight=np.tile(answer[leaves], columns).astype(values.dtype),
        targets=columns,
    )
    name = add_tree_ensemble(values.builder, values.name, ensemble)
    return Tensor(builder=values.builder, name=name, dtype="float32").cast("int64")


def _balanced(size: int) -> tuple[Column, ...]:
    """A search tree over `size` knots: per node 0, its knot (`size` at leaves), children, leaf?, the answer."""
    knot: list[int] = []
    true: list[int] = []
    false: list[int] = []
    answer: list[int] = []

    def grow(low: int, high: int) -> int:
        place = len(knot)
        middle = (low + high) // 2
        leaf = low == high
        knot.append(size if leaf else middle)
        answer.append(low if leaf else 0)
        true.append(0)
        false.append(0)
        if not leaf:
            true[place] = grow(low, middle)
            false[place] = grow(middle + 1, high)
        return place

    grow(0, size)
    knots = np.array(knot)
    return np.zeros_like(knots), knots, np.array(true), np.array(false), knots == size, np.array(answer)


def lookup_by_column(indices: Tensor, table: Column) -> Tensor:
    """`table[f, indices[:, f]]` for every column, shape `(n, F)`; `table` has the shape `(F, K)`."""
    columns, size = table.shape
    answer: Tensor = (indices + (np.arange(columns) * size)[None, :]).rows_of(table.reshape(-1))
    return answer


def interpolate(values: Tensor, knots: Column, answers: Column) -> Tensor:
    """Piecewise linear interpolation as `numpy.interp` computes it, a function for each column.

    Args:
        values: Shape `(n, F)`.
        knots: Shape `(F, K)`, each row sorted, K at least 2.
        answers: Shape `(F, K)`.

    Returns:
        Shape `(n, F)`: below the first knot the first answer, above the last the last; NaN stays NaN.
    """
    low = count_below(values, knots[:, 1:-1], "right")
    inside = _on_segment(values, low, knots, answers)
    first = (values < knots[None, :, 0]).where(values.like(answers[None, :, 0]), inside)
    return (values >= knots[None, :, -1]).where(values.like(answers[None, :, -1]), first)


def interpolate_left(values: Tensor, knots: Column, answers: Column) -> Tensor:
    """Piecewise linear interpolation as SciPy's `interp1d` computes it for float32, between the knots.

    SciPy 1.18 changed the arithmetic: from slopes to weights of the two knots around a value. Each is followed as
    installed, since half a unit in the last place turns a tie of two classes around.
    """
    low = count_below(values, knots[:, 1:-1], "left")
    return (_between_knots if _scipy() >= (1, 18) else _on_segment)(values, low, knots, answers)


def _scipy() -> tuple[int, ...]:
    return tuple(int(part) for part in version("scipy").split(".")[:2])


def _between_knots(values: Tensor, low: Tensor, knots: Column, answers: Column) -> Tensor:
    start, end = lookup_by_column(low, knots[:, :-1]), lookup_by_column(low, knots[:, 1:])
    width = lookup_by_column(low, np.diff(knots, axis=1))
    above = (values - start) / width * lookup_by_column(low, answers[:, 1:])
    return above + (end - values) / width * lookup_by_column(low, answers[:, :-1])


def _on_segment(values: Tensor, low: Tensor, knots: Column, answers: Column) -> Tensor:
    with np.errstate(divide="ignore", invalid="ignore"):  # equal knots: a segment that no value falls on
        slopes = np.diff(answers, axis=1) / np.diff(knots, axis=1)
    start = lookup_by_column(low, knots[:, :-1])
    return lookup_by_column(low, slopes) * (values - start) + lookup_by_column(low, answers[:, :-1])


def as_rows(*arrays: Any) -> tuple[Column, ...]:
    """One-dimensional arrays as tables of one row."""
    return tuple(np.asarray(array)[None, :] for array in arrays)
