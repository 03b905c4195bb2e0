"""XGBoost's trees as one tree ensemble whose float32 sums run in XGBoost's own order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from onnxport.artifacts import IntegrityError
from onnxport.exporters.trees import Mode, TreeEnsemble

from .categories import CategorySplits, expand

if TYPE_CHECKING:
    from onnxport.artifacts import Column

    from .booster import Trees

_NODE_FIELDS = ("tree", "node", "feature", "mode", "value", "true", "false", "missing_true")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Nodes:
    """Where the nodes of some trees lie, one entry a node; tree 0 is a single leaf in front of them.

    Attributes:
        sizes: Nodes of each tree, `(trees + 1,)`.
        starts: Index of each tree's root, `(trees + 1,)`.
        tree: Tree of each node.
        node: Its number inside the tree.
        left: Left child, -1 at leaves.
        right: Right child; at leaves of several values the number of the leaf.
    """

    sizes: Column
    starts: Column
    tree: Column
    node: Column
    left: Column
    right: Column

    def reachable(self) -> Column | None:
        """Which nodes a root leads to, or `None` for all of them: pruning leaves deleted nodes in the arrays."""
        inner = self.left >= 0
        while True:
            known = np.zeros(len(self.tree), dtype=np.bool_)
            known[self.starts] = True
            start = self.starts.astype(np.int32)[self.tree[inner]]
            known[start + self.left[inner]] = True
            known[start + self.right[inner]] = True
            if known[inner].all():
                return None if known.all() else known
            inner &= known


def forest(trees: Trees, intercept: Column, count: int, *, through_intercept: bool) -> TreeEnsemble:
    """The first `count` trees, after a tree that is one leaf: the `intercept`, margins `(outputs,)`.

    XGBoost starts each float32 sum from the intercept and adds tree after tree; so does onnxruntime, in the order
    of the trees, on one thread.

    Args:
        trees: The model's trees.
        intercept: The margin of each output without any tree.
        count: How many trees take part.
        through_intercept: How `dart` weighs a leaf `v` of a tree with weight `w`, rounding each step to float32:
            `((intercept + v) - intercept) * w`, as XGBoost's prediction in place (the scikit-learn wrappers)
            computes it, or `v * w`, as `Booster.predict` does.

    Raises:
        IntegrityError: The arrays contradict each other.
    """
    nodes = _nodes(trees, count)
    reachable = nodes.reachable()
    leaf = nodes.left < 0
    at = np.flatnonzero(leaf if reachable is None else leaf & reachable)[1:]
    values = trees.arrays.joined("split_conditions", count, lead=1).astype(np.float32, copy=False)
    weights = _Weights.read(trees, nodes, at, values=values, outputs=len(intercept))
    weights = weights.dart(trees, intercept, through=through_intercept)
    outputs = np.arange(len(intercept))
    ensemble = TreeEnsemble(
        tree=nodes.tree,
        node=nodes.node,
        feature=_unless(leaf, trees.arrays.joined("split_indices", count, lead=1)),
        mode=np.where(leaf, np.uint8(Mode.LEAF), np.uint8(Mode.LT)),
        value=_unless(leaf, values),
        true=_unless(leaf, nodes.left),
        false=_unless(leaf, nodes.right),
        missing_true=_unless(leaf, trees.arrays.joined("default_left", count, lead=1)),
        leaf_tree=np.append(np.zeros_like(outputs, dtype=np.int32), weights.tree),
        leaf_node=np.append(np.zeros_like(outputs, dtype=np.int32), weights.node),
        leaf_target=np.append(outputs.astype(np.int32), weights.target),
        leaf_weight=np.append(intercept.astype(np.float32), weights.value),
        targets=len(intercept),
    )
    return _finished(trees, ensemble, nodes, reachable)


def _nodes(trees: Trees, count: int) -> _Nodes:
    arrays = trees.arrays
    sizes = np.append(1, arrays.counts("left_children", count))
    starts = np.cumsum(sizes) - sizes
    node = np.arange(int(sizes.sum()), dtype=np.int32)
    node -= np.repeat(starts.astype(np.int32), sizes)
    nodes = _Nodes(
        sizes=sizes,
        starts=starts,
        tree=np.repeat(np.arange(count + 1, dtype=np.int32), sizes),
        node=node,
        left=arrays.joined("left_children", count, lead=1),
        right=arrays.joined("right_children", count, lead=1),
    )
    nodes.left[0] = -1
    last = np.where(nodes.left < 0, np.int32(0), np.maximum(nodes.left, nodes.right))
    if (
        len(nodes.left) != len(nodes.tree)
        or (last >= sizes.astype(np.int32)[nodes.tree]).any()
        or len(trees.group) < count
    ):
        raise IntegrityError("XGBoost's trees are damaged: a child lies outside its tree")
    return nodes


def _unless(leaf: Column, values: Column) -> Column:
    """`values` with 0 at leaves, where XGBoost keeps other things."""
    values[leaf] = 0
    return values


@dataclass(frozen=True, slots=True, kw_only=True)
class _Weights:
    """What the leaves add: one entry a leaf and output."""

    tree: Column
    node: Column
    target: Column
    value: Column

    @classmethod
    def read(cls, trees: Trees, nodes: _Nodes, at: Column, *, values: Column, outputs: int) -> _Weights:
        """The weights of the leaves at the positions `at`; `values` are what leaves of one value hold."""
        tree, node = nodes.tree[at], nodes.node[at]
        every = np.arange(outputs)
        if "leaf_weights" in trees.arrays:
            counts = trees.arrays.counts("leaf_weights", len(trees.group))
            first = (np.cumsum(counts) - counts)[tree - 1] + nodes.right[at] * outputs
            held = trees.arrays.joined("leaf_weights", len(counts))
        elif "base_weights" in trees.arrays:
            first = (at - 1) * outputs
            held = trees.arrays.joined("base_weights", len(trees.group))
        else:
            return cls(tree=tree, node=node, target=trees.group[tree - 1].astype(np.int32), value=values[at])
        return cls(
            tree=np.repeat(tree, outputs),
            node=np.repeat(node, outputs),
            target=np.tile(every.astype(np.int32), len(at)),
            value=held[(first[:, None] + every).ravel()],
        )

    def dart(self, trees: Trees, intercept: Column, *, through: bool) -> _Weights:
        """The weights as `dart` weighs them; see `forest`."""
        if trees.weights is None:
            return self
        base = intercept[self.target] if through else np.float32(0)
        return replace(self, value=((base + self.value) - base) * trees.weights[self.tree - 1])


def _finished(trees: Trees, ensemble: TreeEnsemble, nodes: _Nodes, reachable: Column | None) -> TreeEnsemble:
    """`ensemble` without unreachable nodes, and with categorical splits as searches."""
    count = len(nodes.sizes) - 1
    splits = CategorySplits.read(trees.arrays, count, nodes.starts[1:]) if count else None
    free = nodes.sizes
    if reachable is not None:
        ensemble = _compact(ensemble, nodes, reachable)
        splits = None if splits is None else splits.kept(reachable)
        free = np.add.reduceat(reachable, nodes.starts, dtype=nodes.sizes.dtype)
    return ensemble if splits is None else expand(ensemble, splits, free)


def _compact(ensemble: TreeEnsemble, nodes: _Nodes, reachable: Column) -> TreeEnsemble:
    """The reachable nodes, numbered anew in each tree: onnxruntime wants numbers below the count of nodes."""
    place = np.cumsum(reachable, dtype=np.int32) - 1
    begins = nodes.starts[nodes.tree]
    number = place - place[begins]
    numbered = replace(
        ensemble,
        node=number,
        true=number[begins + ensemble.true],
        false=number[begins + ensemble.false],
        leaf_node=number[nodes.starts[ensemble.leaf_tree] + ensemble.leaf_node],
    )
    return replace(numbered, **{name: getattr(numbered, name)[reachable] for name in _NODE_FIELDS})
