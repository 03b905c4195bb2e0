"""Forests as arrays, and the one node that computes them: the sum of a leaf a tree."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import numpy_helper

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
        nodes_missing_value_tracks_true=trees.missing_true,
        target_treeids=trees.leaf_tree,
        target_nodeids=trees.leaf_node,
        target_ids=trees.leaf_target,
        **_reals("nodes_values", trees.value),
        **_reals("target_weights", trees.leaf_weight),
    )


def _reals(name: str, values: Column) -> dict[str, Any]:
    if values.dtype == np.float64:
        return {f"{name}_as_tensor": numpy_helper.from_array(values, name)}
    return {name: values}
