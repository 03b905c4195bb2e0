"""LightGBM's trees as one tree ensemble in double precision."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from onnxport.artifacts import IntegrityError
from onnxport.exporters.from_xgboost.categories import CategorySplits, expand
from onnxport.exporters.trees import Mode, TreeEnsemble

if TYPE_CHECKING:
    from onnxport.artifacts import Column

    from .saved import Model, Trees

# Bits of `decision_type`, from LightGBM's include/LightGBM/tree.h; the missing type stands two bits up.
_CATEGORICAL, _DEFAULT_LEFT, _MISSING = 1, 2, 2
_ZERO_MISSING, _NAN_MISSING = 1, 2
_ZERO = float(np.float32(1e-35))
"""LightGBM's `kZeroThreshold`: numbers so close to zero are zero."""
_WORD = 32


def forest(model: Model) -> TreeEnsemble:
    """The trees of `model` in float64; target `k` is output `k`.

    Raises:
        IntegrityError: The arrays contradict each other.
    """
    trees = model.trees
    leaves = trees.counts["leaf_value"]
    _check(trees, model.features)
    inner_tree, inner_node = _numbered(leaves - 1)
    leaf_tree, leaf = _numbered(leaves)
    base = (leaves - 1)[inner_tree]
    left, right = (_child(trees.arrays[name], base) for name in ("left_child", "right_child"))
    value, missing_left, special = _questions(trees)
    order = np.lexsort((np.append(inner_node, leaf + (leaves - 1)[leaf_tree]), np.append(inner_tree, leaf_tree)))
    nothing = np.zeros(len(leaf), dtype=np.int64)

    def placed(inner: Column, rest: Column = nothing) -> Column:
        return np.concatenate([inner, rest])[order]

    ensemble = TreeEnsemble(
        tree=placed(inner_tree, leaf_tree),
        node=placed(inner_node, leaf + (leaves - 1)[leaf_tree]),
        feature=placed(trees.arrays["split_feature"]),
        mode=placed(np.full(len(base), Mode.LTE), nothing + Mode.LEAF).astype(np.uint8),
        value=placed(value).astype(np.float64),
        true=placed(np.where(special, right, left)),
        false=placed(np.where(special, left, right)),
        missing_true=placed(missing_left ^ special).astype(np.uint8),
        leaf_tree=leaf_tree,
        leaf_node=leaf + (leaves - 1)[leaf_tree],
        leaf_target=leaf_tree % model.outputs,
        leaf_weight=trees.arrays["leaf_value"],
        targets=model.outputs,
    )
    if not special.any():
        return ensemble
    where = np.empty(len(order), dtype=np.int64)
    where[order] = np.arange(len(order))
    splits = _splits(trees, inner_tree, special)
    return expand(ensemble, replace(splits, position=where[splits.position]), 2 * leaves - 1)


def _check(trees: Trees, features: int) -> None:
    inner = trees.counts["leaf_value"] - 1
    names = ("split_feature", "threshold", "decision_type", "left_child", "right_child")
    if (inner < 0).any() or any((trees.counts[name] != inner).any() for name in names):
        raise IntegrityError("LightGBM's trees are damaged: their arrays are not of one length")
    owner = np.repeat(inner, inner)
    for name in ("left_child", "right_child"):
        children = trees.arrays[name]
        if (children >= owner).any() or (children < -1 - owner).any():
            raise IntegrityError("LightGBM's trees are damaged: a child lies outside its tree")
    if (trees.arrays["split_feature"] >= features).any() or not np.isfinite(trees.arrays["threshold"]).all():
        raise IntegrityError("LightGBM's trees are damaged: a split is none")
    if not np.isfinite(trees.arrays["leaf_value"]).all():
        raise IntegrityError("LightGBM's trees are damaged: a leaf holds no finite number")


def _numbered(sizes: Column) -> tuple[Column, Column]:
    """For each entry of groups of these sizes: the group, and the place in it."""
    group = np.repeat(np.arange(len(sizes)), sizes)
    return group, np.arange(len(group)) - (np.cumsum(sizes) - sizes)[group]


def _child(children: Column, base: Column) -> Column:
    """Inner nodes keep their numbers, leaves come after them."""
    return np.where(children >= 0, children, base + (-1 - children))


def _questions(trees: Trees) -> tuple[Column, Column, Column]:
    """Threshold, whether NaN goes left, and whether a search over bounds has to stand for the node.

    What LightGBM takes for zero has a direction of its own: the default direction where zero is missing, that of
    the number 0 elsewhere. A threshold on the same side of zero says so by itself; other nodes become searches.
    """
    decision, threshold = trees.arrays["decision_type"], trees.arrays["threshold"]
    missing = decision >> _MISSING
    default_left = (decision & _DEFAULT_LEFT) > 0
    zero_left = np.where(missing == _ZERO_MISSING, default_left, threshold >= 0)
    missing_left = np.where(missing == _NAN_MISSING, default_left, zero_left)
    categorical = (decision & _CATEGORICAL) > 0
    apart = np.where(zero_left, threshold < -_ZERO, threshold >= _ZERO)
    below = np.nextafter(-_ZERO, -np.inf)
    value = np.where(zero_left, np.maximum(threshold, _ZERO), np.minimum(threshold, below))
    return np.where(categorical, 0.0, value), missing_left & ~categorical, apart | categorical


def _splits(trees: Trees, tree: Column, special: Column) -> CategorySplits:
    """The searches: runs of numbers that go left, by position among the inner nodes."""
    decision = trees.arrays["decision_type"]
    categorical = (decision & _CATEGORICAL) > 0
    codes = _category_splits(trees, tree, np.flatnonzero(categorical))
    position = np.flatnonzero(special & ~categorical)
    threshold = trees.arrays["threshold"][position]
    above, beyond = np.nextafter(threshold, np.inf), np.nextafter(_ZERO, np.inf)
    lowest, zero = np.full(len(position), -np.inf), np.full(len(position), _ZERO)
    next_zero = np.full(len(position), beyond)
    zero_left = np.stack([lowest, above, -zero, next_zero], axis=1)
    zero_right = np.stack([lowest, -zero, next_zero, above], axis=1)
    bounds = np.where((threshold < 0)[:, None], zero_left, zero_right)
    size = np.full(len(position), bounds.shape[1], dtype=np.int64)
    return CategorySplits(
        position=np.append(codes.position, position),
        start=np.append(codes.start, len(codes.bounds) + np.cumsum(size) - size),
        size=np.append(codes.size, size),
        bounds=np.append(codes.bounds, bounds.ravel()),
    )


def _category_splits(trees: Trees, tree: Column, position: Column) -> CategorySplits:
    """Categories stand in bit sets; LightGBM cuts off fractions, so that all of (-1, 1) is the code 0."""
    counts = trees.counts["cat_boundaries"]
    at = (np.cumsum(counts) - counts)[tree[position]] + trees.arrays["threshold"][position].astype(np.int64)
    boundaries = trees.arrays["cat_boundaries"]
    begin, end = (boundaries[at], boundaries[at + 1]) if len(at) else (at, at)
    words = trees.counts["cat_threshold"]
    owner, place = _numbered(end - begin)
    word = trees.arrays["cat_threshold"][(np.cumsum(words) - words)[tree[position]][owner] + begin[owner] + place]
    entry, bit = np.nonzero(word[:, None] >> np.arange(_WORD) & 1)
    splits = CategorySplits.from_codes(position, owner[entry], place[entry] * _WORD + bit)
    first = np.nextafter(-1.0, 0.0)
    return replace(splits, bounds=np.where(splits.bounds == 0, first, splits.bounds))
