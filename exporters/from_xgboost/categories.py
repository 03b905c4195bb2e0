"""Categorical splits as comparisons with the bounds of runs of codes.

XGBoost sends a code to the right if it is in the node's set, to the left otherwise (also negative codes and
those that are too large), and truncates fractions. A set of codes is a union of runs `a <= code < b`, so a search
over the sorted bounds decides membership exactly, for any number, with `BRANCH_LT` alone. Chains of `BRANCH_EQ`
would need a node a code, and crash onnxruntime for sets of a few thousand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from onnxport.exporters.trees import Mode, TreeEnsemble

if TYPE_CHECKING:
    from onnxport.artifacts import Column

    from .saved import TreeArrays

_CHAIN = 16
"""Up to so many bounds are compared one after the other; more are halved first, so that trees stay shallow."""

_NODE_FIELDS = ("tree", "node", "feature", "mode", "value", "true", "false", "missing_true")


@dataclass(frozen=True, slots=True, kw_only=True)
class CategorySplits:
    """The categorical nodes of a forest, `s` of them.

    Attributes:
        position: Index of the node in the forest's arrays, `(s,)`.
        start: Where its bounds start, `(s,)`.
        size: How many it has: two a run, at least two, `(s,)`.
        bounds: First code of each run and first code after it, ascending for each node, `(sum(size),)`, float64.
    """

    position: Column
    start: Column
    size: Column
    bounds: Column

    @classmethod
    def read(cls, arrays: TreeArrays, count: int, starts: Column) -> CategorySplits | None:
        """The categorical nodes of the first `count` trees, which begin at `starts`; `None` if there are none."""
        nodes = arrays.joined("categories_nodes", count)
        if not len(nodes):
            return None
        tree = np.repeat(np.arange(count), arrays.counts("categories_nodes", count))
        lengths = arrays.counts("categories", count)
        first = (np.cumsum(lengths) - lengths)[tree] + arrays.joined("categories_segments", count)
        sizes = arrays.joined("categories_sizes", count)
        owner = np.repeat(np.arange(len(nodes)), sizes)
        inside = np.arange(len(owner)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        codes = arrays.joined("categories", count)[first[owner] + inside]
        return cls.from_codes(starts[tree] + nodes, owner, codes)

    @classmethod
    def from_codes(cls, position: Column, owner: Column, codes: Column) -> CategorySplits:
        """The nodes at `position`, whose sets hold `codes`: each belongs to the node with the index `owner`."""
        order = np.lexsort((codes, owner))
        owner, codes = owner[order], codes[order].astype(np.int64)
        begins = np.ones(len(codes), dtype=np.bool_)
        begins[1:] = (owner[1:] != owner[:-1]) | (codes[1:] != codes[:-1] + 1)
        ends = np.append(begins[1:], True)[: len(codes)]
        # A node whose set is empty gets the empty run [0, 0).
        empty = np.setdiff1d(np.arange(len(position)), owner)
        owners = np.concatenate([owner[begins], empty])
        runs = np.stack([np.append(codes[begins], 0 * empty), np.append(codes[ends] + 1, 0 * empty)], axis=1)
        size = 2 * np.bincount(owners, minlength=len(position))
        return cls(
            position=position,
            start=np.cumsum(size) - size,
            size=size,
            bounds=runs[np.argsort(owners, kind="stable")].ravel().astype(np.float64),
        )

    def kept(self, keep: Column) -> CategorySplits:
        """The splits at nodes that `keep`, `(nodes,)`, retains, by their positions among these."""
        moved = np.cumsum(keep) - 1
        here = keep[self.position]
        return replace(self, position=moved[self.position[here]], start=self.start[here], size=self.size[here])


def expand(forest: TreeEnsemble, splits: CategorySplits, free: Column) -> TreeEnsemble:
    """`forest` with each categorical node replaced by a search over its bounds.

    Bounds cut the numbers into intervals; those with an odd number are runs of the set and lead to the right, the
    others to the left. In the search for an interval the left child is the `false` child of exactly one node: the
    last of the outermost path. All other ways to the two children are `true` edges, behind a node that is always
    true where the search would need a `false` edge.

    Args:
        forest: The trees; at the positions of `splits` only children, feature and missing count.
        splits: Which nodes are categorical, and their bounds.
        free: First unused node number of each tree.
    """
    search = _Search(forest, splits, free.copy())
    while len(search.split):
        search.step()
    rest = np.ones(len(forest.tree), dtype=np.bool_)
    rest[splits.position] = False
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(forest, name)[rest], *search.emitted[name]]).astype(
            getattr(forest, name).dtype
        )
        for name in _NODE_FIELDS
    }
    order = np.lexsort((columns["node"], columns["tree"]))
    dead = np.concatenate(search.dead) if search.dead else np.empty((0, 2), dtype=np.int64)
    weights: dict[str, Any] = {
        "leaf_tree": np.append(forest.leaf_tree, dead[:, 0]).astype(forest.leaf_tree.dtype),
        "leaf_node": np.append(forest.leaf_node, dead[:, 1]).astype(forest.leaf_node.dtype),
        "leaf_target": np.append(forest.leaf_target, 0 * dead[:, 0]).astype(forest.leaf_target.dtype),
        "leaf_weight": np.append(forest.leaf_weight, 0 * dead[:, 0]).astype(forest.leaf_weight.dtype),
    }
    by_tree = np.lexsort((weights["leaf_node"], weights["leaf_tree"]))
    return replace(
        forest,
        **{name: column[order] for name, column in columns.items()},
        **{name: column[by_tree] for name, column in weights.items()},
    )


class _Search:
    """All searches at once, one level a step: each open range `[low, high)` of bounds becomes one node."""

    def __init__(self, forest: TreeEnsemble, splits: CategorySplits, free: Column) -> None:
        at = splits.position
        self.tree, self.feature = forest.tree[at], forest.feature[at]
        self.left, self.right = forest.true[at], forest.false[at]
        self.default_left = forest.missing_true[at]
        self.splits = splits
        self.free = free
        self.split = np.arange(len(at))
        self.low, self.high = np.zeros(len(at), dtype=np.int64), splits.size.copy()
        self.node = forest.node[at]
        self.emitted: dict[str, list[Column]] = {name: [] for name in _NODE_FIELDS}
        self.dead: list[Column] = []

    def step(self) -> None:
        """Every open range is a node now; what its bound leaves open is the next step's."""
        split, low, high = self.split, self.low, self.high
        middle = np.where(high - low <= _CHAIN, low, (low + high) // 2)
        more_true, more_false = middle > low, middle + 1 < high
        last = middle + 1 == self.splits.size[split]
        true = np.where(more_true, -1, self._target(split, middle))
        true[more_true] = self._numbers(split[more_true])
        false = np.where(last, self.left[split], -1)
        false[~last] = self._numbers(split[~last])
        value = self.splits.bounds[self.splits.start[split] + middle]
        missing = (self.default_left[split] == 1) | (middle > 0)
        self._emit(split, node=self.node, value=value, true=true, false=false, missing_true=missing)
        self._pass_on(split, middle + 1, false, ~more_false & ~last)
        self.split = np.concatenate([split[more_true], split[more_false]])
        self.low = np.concatenate([low[more_true], middle[more_false] + 1])
        self.high = np.concatenate([middle[more_true], high[more_false]])
        self.node = np.concatenate([true[more_true], false[more_false]])

    def _pass_on(self, split: Column, interval: Column, node: Column, where: Column) -> None:
        """Nodes that are always true, for a `false` edge that must end in a child that others share."""
        split, interval, node = split[where], interval[where], node[where]
        dead = self._numbers(split)
        infinite = np.full(len(split), np.inf, dtype=np.float32)
        always = np.ones(len(split), dtype=np.bool_)
        target = self._target(split, interval)
        self._emit(split, node=node, value=infinite, true=target, false=dead, missing_true=always)
        nothing = np.zeros(len(split), dtype=np.int64)
        leaf = {"node": dead, "value": nothing, "true": nothing, "false": nothing, "missing_true": nothing}
        self._emit(split, **leaf, mode=Mode.LEAF)
        self.dead.append(np.stack([self.tree[split], dead], axis=1))

    def _target(self, split: Column, interval: Column) -> Column:
        return np.where(interval % 2 == 0, self.left[split], self.right[split])

    def _emit(self, split: Column, *, mode: Mode = Mode.LT, **columns: Column) -> None:
        columns |= {
            "tree": self.tree[split],
            "feature": self.feature[split] if mode else 0 * split,
            "mode": np.full(len(split), mode, dtype=np.uint8),
        }
        for name in _NODE_FIELDS:
            self.emitted[name].append(columns[name])

    def _numbers(self, split: Column) -> Column:
        """A new node number in its tree for each entry."""
        tree = self.tree[split]
        order = np.argsort(tree, kind="stable")
        counts = np.bincount(tree, minlength=len(self.free))
        rank = np.empty(len(tree), dtype=np.int64)
        rank[order] = np.arange(len(tree)) - np.repeat(np.cumsum(counts) - counts, counts)
        numbers = self.free[tree] + rank
        self.free += counts
        return numbers
