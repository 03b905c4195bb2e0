"""Which tree sends rows to another leaf than the source does: told by the differences, which are leaf values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .forest import Forest

    Integers = NDArray[np.int64]
    Numbers = NDArray[np.float64]

NEARLY_ALL: Final = 0.95
CLOSE: Final = 2e-3
"""How near a difference must come to that of two leaves, relative to the spread of the tree's leaves."""
_FEWEST: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Detour:
    """A tree that explains the differences of nearly all failing rows.

    Attributes:
        tree: Index into the forest's roots.
        node: Where the ways of source and graph part, an index into the forest; -1 where a tree counts twice.
        rows: How many of the failing rows it explains.
        row: One of them.
    """

    tree: int
    node: int
    rows: int
    row: int


def find_detour(forest: Forest, values: NDArray[Any], off: Numbers) -> Detour | None:
    """The tree whose other leaves, or whose own leaf a second time, are what the graph is off by.

    Args:
        forest: Trees of one target that are summed up.
        values: Failing rows of the forest's input, `(n, k)`.
        off: What the graph's sum is off by, `(n,)`.
    """
    if forest.weight is None or len(off) < _FEWEST:
        return None
    reached = list(forest.levels(values))[-1]
    best: Detour | None = None
    for tree in range(len(forest.roots)):
        found = _explained(forest, tree, reached[:, tree], off)
        if found is not None and (best is None or found.rows > best.rows):
            best = found
    return best


def _explained(forest: Forest, tree: int, leaf: Integers, off: Numbers) -> Detour | None:
    """What this tree explains, if it explains nearly all rows."""
    weight = forest.weight
    if weight is None:
        return None
    leaves = np.flatnonzero(forest.leaf & (forest.tree == forest.tree[forest.roots[tree]]))
    room = CLOSE * (float(np.ptp(weight[leaves])) + 1e-300)
    twice = np.abs(off - weight[leaf]) <= room
    if twice.mean() >= NEARLY_ALL:
        return Detour(tree=tree, node=-1, rows=int(twice.sum()), row=int(twice.argmax()))
    wanted = (weight[leaf] - off)[:, None]
    distance = np.abs(wanted - weight[leaves][None, :])
    elsewhere = (distance.min(axis=1) <= room) & (leaves[distance.argmin(axis=1)] != leaf)
    if elsewhere.mean() < NEARLY_ALL:
        return None
    pairs = np.stack([leaf, leaves[distance.argmin(axis=1)]], axis=1)[elsewhere]
    nodes, counts = np.unique([_parting(forest, *pair) for pair in pairs.tolist()], return_counts=True)
    return Detour(
        tree=tree, node=int(nodes[counts.argmax()]), rows=int(elsewhere.sum()), row=int(elsewhere.argmax())
    )


def _parting(forest: Forest, left: int, right: int) -> int:
    """The lowest node that both leaves lie below."""
    parents = forest.parents()
    above = {left}
    while parents[left] >= 0:
        left = int(parents[left])
        above.add(left)
    while right not in above:
        right = int(parents[right])
    return right
