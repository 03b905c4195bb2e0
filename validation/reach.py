"""Which rows reach which nodes of a forest, and what a row must be like to reach one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .forest import Forest

    Integers = NDArray[np.int64]
    Numbers = NDArray[np.float64]

_CELLS: Final = 2_000_000
"""Rows times trees that are walked at once."""


def first_visitors(forest: Forest, values: NDArray[Any]) -> Integers:
    """For each tree node a row that visits it, `(m,)`; -1 where none does.

    Args:
        forest: The trees.
        values: Rows of their input tensor, `(n, k)`.
    """
    visitor = np.full(len(forest.feature), -1, dtype=np.int64)
    size = max(1, _CELLS // max(1, len(forest.roots)))
    for start in range(0, len(values), size):
        rows = np.arange(start, min(start + size, len(values)))
        for nodes in forest.levels(values[rows]):
            visitor[nodes] = rows[:, None]
    return visitor


def intervals(forest: Forest, nodes: Integers, width: int) -> tuple[Numbers, Numbers]:
    """Between which values each column must lie for a row to reach each of `nodes`, both `(len(nodes), width)`.

    Law: a row without missing values that lies between, ends included, visits the node; set membership and
    equality are not looked at, nodes below them may need more.
    """
    low = np.full((len(nodes), width), -np.inf)
    high = np.full((len(nodes), width), np.inf)
    parent = forest.parents()
    place, child = np.arange(len(nodes)), nodes
    while len(place):
        above = parent[child]
        place, child, above = place[above >= 0], child[above >= 0], above[above >= 0]
        _narrow(forest, (place, child, above), low, high)
        child = above
    return low, high


def _narrow(forest: Forest, step: tuple[Integers, Integers, Integers], low: Numbers, high: Numbers) -> None:
    ordered = forest.ordered_only(step[2])
    place, child, above = (part[ordered] for part in step)
    column, level = forest.feature[above], forest.threshold[above]
    greater = forest.greater(above) == (forest.yes[above] == child)
    exact = forest.above(above)
    least = np.where(exact, level, _next(level, np.inf))
    most = np.where(exact, _next(level, -np.inf), level)
    up, down = np.flatnonzero(greater), np.flatnonzero(~greater)
    np.maximum.at(low, (place[up], column[up]), least[up])
    np.minimum.at(high, (place[down], column[down]), most[down])


def _next(levels: Numbers, towards: float) -> Numbers:
    """The next float32 where the level is one, the next float64 otherwise."""
    with np.errstate(over="ignore", under="ignore"):
        narrow = levels.astype(np.float32)
        stepped = np.nextafter(narrow, np.float32(towards)).astype(np.float64)
    return np.where(narrow.astype(np.float64) == levels, stepped, np.nextafter(levels, towards))
