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
    feature = np.where(leaf, 0, tree.feature)
    missing = getattr(tree, "missing_go_to_left", None)
    return Tree(
        feature=feature if features is None else np.where(leaf, 0, np.asarray(features)[feature]),
        mode=np.where(leaf, Mode.LEAF, Mode.LTE).astype(np.uint8),
        value=np.where(leaf, np.float32(0), threshold),
        true=np.where(leaf, 0, tree.children_left),
        false=np.where(leaf, 0, tree.children_right),
        missing_true=np.zeros(len(leaf), np.uint8)
        if missing is None
        else np.where(leaf, 0, missing).astype(np.uint8),
        answers=answers,
    )


def leaf_answers(x: Tensor, trees: Sequence[Tree]) -> Tensor:
    """What the leaf of each tree says, shape `(n, T, …)`, float64.

    Args:
        x: The features, shape `(n, features)`, in the dtype of the thresholds.
        trees: T of them; a leaf's answers have one shape.
    """
    leaves = [np.flatnonzero(tree.mode == Mode.LEAF) for tree in trees]
    sizes = np.array([len(tree.mode) for tree in trees])
    counts = np.array([len(one) for one in leaves])
    tree_of_leaf = np.repeat(np.arange(len(trees)), counts)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    ensemble = TreeEnsemble(
        tree=np.repeat(np.arange(len(trees), dtype=np.int32), sizes),
        node=_numbered(sizes),
        feature=_joined([tree.feature for tree in trees], np.int32),
        mode=_joined([tree.mode for tree in trees], np.uint8),
        value=_joined([tree.value for tree in trees], x.dtype),
        true=_joined([tree.true for tree in trees], np.int32),
        false=_joined([tree.false for tree in trees], np.int32),
        missing_true=_joined([tree.missing_true for tree in trees], np.uint8),
        leaf_tree=tree_of_leaf,
        leaf_node=_joined(leaves, np.int32),
        leaf_target=tree_of_leaf,
        leaf_weight=_numbered(counts).astype(x.dtype),
        targets=len(trees),
    )
    name = add_tree_ensemble(x.builder, x.name, ensemble)
    numbers = Tensor(builder=x.builder, name=name, dtype="float32").cast("int64")
    answers = _joined([tree.answers[one] for tree, one in zip(trees, leaves, strict=True)], np.float64)
    return (numbers + starts[None, :]).rows_of(answers)


def _numbered(sizes: Column) -> Column:
    """0, 1, 2, … for each size, one after the other."""
    starts = np.repeat(np.cumsum(sizes) - sizes, sizes)
    answer: Column = (np.arange(int(sizes.sum())) - starts).astype(np.int32)
    return answer


def _joined(arrays: Sequence[Column], dtype: Foreign) -> Column:
    return np.concatenate(arrays).astype(dtype, copy=False)
