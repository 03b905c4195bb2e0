"""Whether the document of an XGBoost model file is one that XGBoost can read without harm.

XGBoost trusts the numbers in its files: a child that lies outside the tree, or a truncated document, ends the
whole process. What this module lets through has complete, consistent trees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Numbers = np.ndarray[Any, np.dtype[Any]]

_INTEGERS = ("left_children", "right_children", "parents", "split_indices")
_PER_NODE = (*_INTEGERS, "split_conditions", "default_left", "loss_changes", "sum_hessian")
_CATEGORICAL = ("categories_nodes", "categories_segments", "categories_sizes")
_NOBODY = 0x7FFFFFFF
"""What XGBoost writes for no parent, and for the feature of a node that was pruned away."""


class Inconsistent(ValueError):
    """The document is not that of an XGBoost model."""


def check_model(document: Any) -> dict[str, Any]:  # ruff: ignore[ANN401] - any JSON value
    """The attributes of the model in `document`, whose trees are complete and consistent.

    Raises:
        Inconsistent: It is not an XGBoost model, or its parts contradict each other.
    """
    try:
        learner = document["learner"]
        shape = _shape(learner["learner_model_param"])
        with np.errstate(invalid="raise"):
            _check_booster(learner["gradient_booster"], shape)
        return dict(learner.get("attributes", {}))
    except (KeyError, TypeError, IndexError, OverflowError, AttributeError, FloatingPointError) as error:
        raise Inconsistent(f"a part is missing or of the wrong kind: {error}") from error
    except ValueError as error:
        raise Inconsistent(str(error)) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """How many features the model takes and how many outputs it has."""

    features: int
    outputs: int


def _shape(parameters: dict[str, Any]) -> _Shape:
    outputs = max(1, int(parameters.get("num_class", 0)), int(parameters.get("num_target", 0)))
    scores = len(str(parameters.get("base_score", "")).split(","))
    if scores not in {1, outputs}:
        raise Inconsistent(f"it has {scores} base scores for {outputs} outputs")
    return _Shape(features=int(parameters["num_feature"]), outputs=outputs)


def _check_booster(booster: dict[str, Any], shape: _Shape) -> None:
    kind = booster["name"]
    if kind == "gblinear":
        if len(booster["model"]["weights"]) != (shape.features + 1) * shape.outputs:
            raise Inconsistent(f"its weights are not those of {shape.features} features")
    elif kind == "dart":
        trees = booster["gbtree"]["model"]
        if len(booster["weight_drop"]) != len(trees["trees"]):
            raise Inconsistent("the weights of its trees do not match their number")
        _check_forest(trees, shape)
    elif kind == "gbtree":
        _check_forest(booster["model"], shape)
    else:
        raise Inconsistent(f"its booster {kind!r} is unknown")


def _check_forest(model: dict[str, Any], shape: _Shape) -> None:
    trees = model["trees"]
    info = np.asarray(model["tree_info"], dtype=np.int64)
    if not len(trees) == len(info) == int(model["gbtree_model_param"]["num_trees"]):
        raise Inconsistent(f"it announces {len(info)} trees and holds {len(trees)}")
    if len(info) and not 0 <= info.min() <= info.max() < shape.outputs:
        raise Inconsistent("a tree belongs to no output")
    rounds = np.asarray(model.get("iteration_indptr", [0, len(trees)]), dtype=np.int64)
    if len(rounds) and (rounds[0] != 0 or rounds[-1] != len(trees) or (np.diff(rounds) < 0).any()):
        raise Inconsistent("its rounds do not match its trees")
    if sorted(int(tree["id"]) for tree in trees) != list(range(len(trees))):
        raise Inconsistent("its trees are not numbered one by one")
    if "cats" in model:
        _check_encoding(model["cats"], shape.features)
    for index, tree in enumerate(trees):
        try:
            _check_tree(tree, shape.features)
        except Inconsistent as error:
            raise Inconsistent(f"tree {index}: {error}") from error


def _check_encoding(encoding: dict[str, Any], features: int) -> None:
    """The categories of each feature, in the order of the training data and sorted."""
    segments = np.asarray(encoding["feature_segments"]).astype(np.int64)
    counts = [_category_count(column) for column in encoding["enc"]]
    positions = np.asarray(encoding["sorted_idx"]).astype(np.int64)
    if not len(segments) and not counts and not len(positions):
        return
    if len(counts) != features or segments.tolist() != [0, *np.cumsum(counts).tolist()]:
        raise Inconsistent("its categories are not those of its features")
    if len(positions) != segments[-1] or ((positions < 0) | (positions >= np.repeat(counts, counts))).any():
        raise Inconsistent("its categories are not sorted")


def _category_count(column: dict[str, Any]) -> int:
    if "offsets" not in column:
        return len(column["values"])
    offsets = np.asarray(column["offsets"]).astype(np.int64)
    if len(offsets) and (offsets[0] != 0 or (np.diff(offsets) < 0).any() or offsets[-1] > len(column["values"])):
        raise Inconsistent("the names of its categories overlap")
    return max(0, len(offsets) - 1)


def _check_tree(tree: dict[str, Any], features: int) -> None:
    nodes = int(tree["tree_param"]["num_nodes"])
    lengths = {len(tree[name]) for name in _PER_NODE} | {len(tree.get("split_type", tree["parents"]))}
    if nodes < 1 or lengths != {nodes}:
        raise Inconsistent(f"its arrays are not all {nodes} nodes long")
    left, right, parents, splits = (np.asarray(tree[name]).astype(np.int64) for name in _INTEGERS)
    inner = left != -1
    if not _within(left, nodes) or not _within(right, nodes) or (right[inner] < 0).any():
        raise Inconsistent("a node has a child outside the tree")
    _check_reachable(left, right, nodes)
    if not _within(parents[parents != _NOBODY], nodes):
        raise Inconsistent("a node has a parent outside the tree")
    if splits.min() < 0 or (splits[splits != _NOBODY] >= features).any():
        raise Inconsistent(f"a node splits on a feature beyond the {features} that there are")
    _check_categories(tree, nodes)
    _check_leaves(tree, nodes)


def _within(indices: Numbers, nodes: int) -> bool:
    return bool(((indices >= -1) & (indices < nodes)).all())


def _check_reachable(left: Numbers, right: Numbers, nodes: int) -> None:
    seen, level = 0, np.zeros(1, dtype=np.int64)
    while len(level):
        seen += len(level)
        if seen > nodes:
            raise Inconsistent("its nodes form a circle")
        inner = level[left[level] != -1]
        level = np.concatenate([left[inner], right[inner]])


def _check_categories(tree: dict[str, Any], nodes: int) -> None:
    if "categories" not in tree:
        return
    total = len(tree["categories"])
    holders, starts, sizes = (np.asarray(tree[name]).astype(np.int64) for name in _CATEGORICAL)
    kinds = np.asarray(tree.get("split_type", [0] * nodes)).astype(np.int64)
    if not len(holders) == len(starts) == len(sizes) or not np.array_equal(holders, np.flatnonzero(kinds)):
        raise Inconsistent("its categorical splits are incomplete")
    if not len(holders):
        return
    if min(starts.min(), sizes.min()) < 0:
        raise Inconsistent("a categorical split has no categories")
    if (starts + sizes).max() > total or np.asarray(tree["categories"]).astype(np.int64).min(initial=0) < 0:
        raise Inconsistent("a categorical split names categories that are not there")


def _check_leaves(tree: dict[str, Any], nodes: int) -> None:
    width = int(tree["tree_param"].get("size_leaf_vector", 1))
    if width <= 1:
        return
    leaves = int((np.asarray(tree["left_children"]).astype(np.int64) == -1).sum())
    if len(tree["base_weights"]) != width * nodes or len(tree["leaf_weights"]) != width * leaves:
        raise Inconsistent("its leaves do not match its outputs")
