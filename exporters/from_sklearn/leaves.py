"""Which leaf of each tree a row falls into, and the sum of what the leaves say in float64.

ONNX Runtime's tree operator of ai.onnx.ml 3 answers in float32. So it is asked for the number of the leaf, which
float32 holds exactly, and the leaves' float64 values are looked up and added in the order of the source.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from onnxport.exporters.trees import Mode, TreeEnsemble, add_tree_ensemble

from .tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onnxport.artifacts import Column

    from .foreign import Estimator, Foreign


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """One tree, an entry a node; node 0 is the root, and every other node has one parent.

    Narrow numbers keep a large forest small: int32 for places, uint8 for the rest.

    Attributes:
        feature: Column that the node reads, `(m,)`.
        mode: `Mode` of the node, `(m,)`.
        value: Threshold, `(m,)`, float32 or float64.
        true: Node to go to where the question holds, `(m,)`.
        false: Node to go to where it does not, `(m,)`.
        missing_true: 1 where NaN goes to `true`, `(m,)`.
        answers: What a leaf says, `(m, …)`, float64; anything at inner nodes.
    """

    feature: Column
    mode: Column
    value: Column
    true: Column
    false: Column
    missing_true: Column
    answers: Column


def from_tree(tree: Estimator, answers: Column, features: Column | None = None) -> Tree:
    """A tree of scikit-learn's; `features` maps its columns to those of the matrix.

    It compares float32 values with float64 thresholds, so the thresholds are rounded down to float32: `x <= t`
    holds for the same float32 `x`.
    """
    leaf = tree.children_left < 0
    threshold = tree.threshold.astype(np.float32)
    above = threshold.astype(np.float64) > tree.threshold
    threshold[above] = np.nextafter(threshold[above], np.float32(-np.inf))
    feature = _inner(leaf, tree.feature, np.int32)
    missing = getattr(tree, "missing_go_to_left", None)
    return Tree(
        feature=feature if features is None else _inner(leaf, np.asarray(features)[feature], np.int32),
        mode=np.where(leaf, np.uint8(Mode.LEAF), np.uint8(Mode.LTE)),
        value=_inner(leaf, threshold, np.float32),
        true=_inner(leaf, tree.children_left, np.int32),
        false=_inner(leaf, tree.children_right, np.int32),
        missing_true=_inner(leaf, np.zeros(1, np.uint8) if missing is None else missing, np.uint8),
        answers=answers,
    )


def _inner(leaf: Column, values: Column, dtype: type[np.generic]) -> Column:
    """`values` at inner nodes, 0 at leaves."""
    return np.where(leaf, dtype(0), values.astype(dtype, copy=False))


def leaf_answers(x: Tensor, trees: Sequence[Tree]) -> Tensor:
    """What the leaf of each tree says, shape `(n, T, …)`, float64.

    Args:
        x: The features, shape `(n, features)`, in the dtype of the thresholds.
        trees: T of them; a leaf's answers have one shape.
    """
    modes = _joined([tree.mode for tree in trees], np.uint8)
    leaf = modes == Mode.LEAF
    sizes = np.array([len(tree.mode) for tree in trees])
    tree, node = _numbered(sizes)
    counts = np.bincount(tree[leaf], minlength=len(trees))
    tree_of_leaf, leaf_of_tree = _numbered(counts)
    ensemble = TreeEnsemble(
        tree=tree,
        node=node,
        feature=_joined([tree.feature for tree in trees], np.int32),
        mode=modes,
        value=_joined([tree.value for tree in trees], x.dtype),
        true=_joined([tree.true for tree in trees], np.int32),
        false=_joined([tree.false for tree in trees], np.int32),
        missing_true=_joined([tree.missing_true for tree in trees], np.uint8),
        leaf_tree=tree_of_leaf,
        leaf_node=node[leaf],
        leaf_target=tree_of_leaf,
        leaf_weight=leaf_of_tree.astype(x.dtype),
        targets=len(trees),
    )
    name = add_tree_ensemble(x.builder, x.name, ensemble)
    numbers = Tensor(builder=x.builder, name=name, dtype="float32").cast("int64")
    answers = _joined([tree.answers[tree.mode == Mode.LEAF] for tree in trees], np.float64)
    return (numbers + (np.cumsum(counts) - counts)[None, :]).rows_of(answers)


def _numbered(sizes: Column) -> tuple[Column, Column]:
    """For each entry of groups of these sizes: the group, and the place in it; int32."""
    group = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    place = np.arange(len(group), dtype=np.int32)
    place -= np.repeat((np.cumsum(sizes) - sizes).astype(np.int32), sizes)
    return group, place


def _joined(arrays: Sequence[Column], dtype: Foreign) -> Column:
    return np.concatenate(arrays, dtype=dtype, casting="same_kind")
