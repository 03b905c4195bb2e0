"""Forests as arrays, and the one node that computes them: the sum of a leaf a tree."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from .graph import ML
from .wire import Strings

if TYPE_CHECKING:
    from onnxport.artifacts import Column

    from .graph import GraphBuilder


class Mode(IntEnum):
    """What an inner node asks of its feature; the number is the code in `TreeEnsemble.mode`."""

    LEAF = 0
    LT = 1
    LTE = 2
    GT = 3
    GTE = 4
    EQ = 5
    NEQ = 6


_INTEGER_BITS = 23
"""Sums of integers up to twice 2^23 are exact in float32; the second half is for rounding up."""
_SMALLEST_EXPONENT = -1000

_MODES = ("LEAF", "BRANCH_LT", "BRANCH_LEQ", "BRANCH_GT", "BRANCH_GTE", "BRANCH_EQ", "BRANCH_NEQ")


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeEnsemble:
    """A forest, one entry a node and one entry a leaf and target; `m` nodes, `w` weights.

    The integers may have any width: narrow ones save memory, the file is the same. A node may be the `true` child
    of several nodes, but the `false` child of one at most (onnxruntime lays out nodes so that it comes next).

    Attributes:
        tree: Number of the tree, `(m,)`; ascending, so that sums run in the order of the trees.
        node: Number of the node inside its tree, `(m,)`; node 0 is the root and comes first.
        feature: Column that an inner node reads, `(m,)`; 0 at leaves.
        mode: `Mode` of the node, `(m,)`.
        value: Threshold, `(m,)`, float32 or float64; 0 at leaves.
        true: Node to go to where the question holds, `(m,)`; 0 at leaves.
        false: Node to go to where it does not, `(m,)`; 0 at leaves.
        missing_true: 1 where NaN goes to `true`, `(m,)`.
        leaf_tree: Tree of the weight, `(w,)`.
        leaf_node: Node of the weight, `(w,)`.
        leaf_target: Target that it is added to, `(w,)`.
        leaf_weight: What is added, `(w,)`, float32 or float64 as `value`.
        targets: How many sums there are.
    """

    tree: Column
    node: Column
    feature: Column
    mode: Column
    value: Column
    true: Column
    false: Column
    missing_true: Column
    leaf_tree: Column
    leaf_node: Column
    leaf_target: Column
    leaf_weight: Column
    targets: int


def add_tree_ensemble(builder: GraphBuilder, value: str, trees: TreeEnsemble) -> str:
    """The name of the float32 sums, shape `(n, trees.targets)`.

    On one thread the sums run in float32 in the order of the trees, from 0. With float64 thresholds `value` must
    be float64; the sums run in float64 and are rounded to float32 once: onnxruntime has no other output type.

    Args:
        builder: The graph.
        value: The features, shape `(n, features)`, in the dtype of the thresholds.
        trees: The forest.
    """
    return builder.add(
        "TreeEnsembleRegressor",
        value,
        domain=ML,
        n_targets=trees.targets,
        aggregate_function="SUM",
        post_transform="NONE",
        nodes_treeids=trees.tree,
        nodes_nodeids=trees.node,
        nodes_featureids=trees.feature,
        nodes_modes=Strings(table=_MODES, codes=trees.mode),
        nodes_truenodeids=trees.true,
        nodes_falsenodeids=trees.false,
        target_treeids=trees.leaf_tree,
        target_nodeids=trees.leaf_node,
        target_ids=trees.leaf_target,
        **({"nodes_missing_value_tracks_true": trees.missing_true} if trees.missing_true.any() else {}),
        **_reals("nodes_values", trees.value),
        **_reals("target_weights", trees.leaf_weight),
    )


def add_double_sums(builder: GraphBuilder, value: str, trees: TreeEnsemble) -> str:
    """The name of the float64 sums, shape `(n, trees.targets)`: no more than a double loses on its way.

    The runtime adds float64 leaves in float64, but answers in float32. So each leaf, in units of a step, is split
    in two parts that go to two sums: an integer, so that the sum is one that float32 holds, and what is left. The
    first sum is exact on any number of threads, the second is rounded to float32: together they are off by
    2^-47 of the largest possible sum of leaves for each tree, at most.

    Args:
        builder: The graph.
        value: The features, float64 `(n, features)`.
        trees: The forest in float64; its leaves are finite and stand in the order of the trees.
    """
    step = _step(trees)
    scaled = trees.leaf_weight / step
    whole = np.round(scaled)
    both = replace(
        trees,
        leaf_tree=np.repeat(trees.leaf_tree, 2),
        leaf_node=np.repeat(trees.leaf_node, 2),
        leaf_target=np.stack([2 * trees.leaf_target, 2 * trees.leaf_target + 1], axis=1).ravel(),
        leaf_weight=np.stack([whole, scaled - whole], axis=1).ravel(),
        targets=2 * trees.targets,
    )
    parts = builder.cast(add_tree_ensemble(builder, value, both), "float64")
    even = np.arange(0, 2 * trees.targets, 2)
    wholes, rests = (builder.add("Gather", parts, builder.constant(even + odd), axis=1) for odd in (0, 1))
    return builder.add("Mul", builder.add("Add", wholes, rests), builder.constant(step, "float64"))


def _step(trees: TreeEnsemble) -> float:
    """A power of two, in units of which no sum of leaves has more than 23 bits before the point."""
    starts = np.flatnonzero(np.diff(trees.leaf_tree, prepend=-1))
    largest = np.maximum.reduceat(np.abs(trees.leaf_weight), starts) if len(starts) else np.zeros(1)
    exponent = int(np.frexp(largest.sum())[1]) - _INTEGER_BITS
    return float(np.ldexp(1.0, max(exponent, _SMALLEST_EXPONENT)))


def _reals(name: str, values: Column) -> dict[str, Any]:
    return {f"{name}_as_tensor" if values.dtype == np.float64 else name: values}
