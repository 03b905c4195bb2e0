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
    *_, reached = forest.levels(values)
    parents, families = forest.parents(), _leaves_by_tree(forest)
    best: Detour | None = None
    for tree, leaves in enumerate(families):
        found = _explained(forest.weight, tree, (leaves, reached[:, tree], parents), off)
        if found is not None and (best is None or found.rows > best.rows):
            best = found
    return best


def _leaves_by_tree(forest: Forest) -> list[Integers]:
    """The leaves of each tree, in the order of the roots."""
    leaves = np.flatnonzero(forest.leaf)
    leaves = leaves[np.argsort(forest.tree[leaves], kind="stable")]
    numbers = forest.tree[leaves]
    starts = np.searchsorted(numbers, forest.tree[forest.roots])
    ends = np.searchsorted(numbers, forest.tree[forest.roots], side="right")
    return [leaves[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]


def _explained(
    weight: Numbers, tree: int, family: tuple[Integers, Integers, Integers], off: Numbers
) -> Detour | None:
    """What a tree explains, if it explains nearly all rows; `family` is its leaves, those reached, all parents."""
    leaves, leaf, parents = family
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
    nodes, counts = np.unique([_parting(parents, *pair) for pair in pairs.tolist()], return_counts=True)
    return Detour(
        tree=tree, node=int(nodes[counts.argmax()]), rows=int(elsewhere.sum()), row=int(elsewhere.argmax())
    )


def _parting(parents: Integers, left: int, right: int) -> int:
    """The lowest node that both leaves lie below."""
    above = {left}
    while parents[left] >= 0:
        left = int(parents[left])
        above.add(left)
    while right not in above:
        right = int(parents[right])
    return right
