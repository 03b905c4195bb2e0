"""CatBoost's trees as one tree ensemble in double precision."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from onnxport.exporters.trees import Mode, TreeEnsemble

if TYPE_CHECKING:
    from collections.abc import Iterable

    from onnxport.artifacts import Column

    from .saved import Model


def forest(model: Model) -> TreeEnsemble:
    """The trees of `model`, at least one; target `k` is output `k`.

    CatBoost goes right where a float32 value is greater than a float32 border.
    """
    trees, outputs = model.trees, model.outputs
    sizes = [len(tree.left) for tree in trees]
    tree = np.repeat(np.arange(len(trees)), sizes)
    node = _joined(np.arange(size) for size in sizes)
    left, right = _joined(tree.left for tree in trees), _joined(tree.right for tree in trees)
    feature = _joined(tree.feature for tree in trees)
    leaf = left < 0
    values = np.concatenate([tree.values for tree in trees])
    return TreeEnsemble(
        tree=tree,
        node=node,
        feature=feature,
        mode=np.where(leaf, np.uint8(Mode.LEAF), np.uint8(Mode.LTE)),
        value=np.concatenate([tree.border for tree in trees]),
        true=np.where(leaf, 0, left),
        false=np.where(leaf, 0, right),
        missing_true=np.where(leaf | model.missing_right[feature], np.uint8(0), np.uint8(1)),
        leaf_tree=np.repeat(tree[leaf], outputs),
        leaf_node=np.repeat(node[leaf], outputs),
        leaf_target=np.tile(np.arange(outputs), len(values)),
        leaf_weight=values.ravel(),
        targets=outputs,
    )


def _joined(arrays: Iterable[Column]) -> Column:
    return np.concatenate(list(arrays)).astype(np.int32)
