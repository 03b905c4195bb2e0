"""Whether the document of an XGBoost model file is one that XGBoost can read without harm.

XGBoost trusts the numbers in its files: a child that lies outside the tree, or a truncated document, ends the whole
process. What this module lets through has complete, consistent trees.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Numbers = np.ndarray[Any, np.dtype[Any]]

_PER_NODE = (
    "left_children", "right_children", "parents", "split_indices", "split_conditions", "default_left", "loss_changes",
    "sum_hessian",
)  # fmt: skip
_PER_CATEGORICAL_NODE = ("categories_nodes", "categories_segments", "categories_sizes")
_DELETED = 0x7FFFFFFF


class Inconsistent(ValueError):
    """The document is not that of an XGBoost model."""


def check_model(document: Any) -> dict[str, Any]:  # ruff: ignore[ANN401] - any JSON value
    """The `learner` of `document`, whose trees are complete and consistent.

    Raises:
        Inconsistent: It is not an XGBoost model, or its parts contradict each other.
    """
    try:
        learner: dict[str, Any] = document["learner"]
        features = int(learner["learner_model_param"]["num_feature"])
        _check_booster(learner["gradient_booster"], features)
        return {"attributes": dict(learner.get("attributes", {})), **learner}
    except (KeyError, TypeError, IndexError, OverflowError) as error:
        raise Inconsistent(f"its part {error} is missing or of the wrong kind") from error
    except ValueError as error:
        raise Inconsistent(str(error)) from error


def _check_booster(booster: dict[str, Any], features: int) -> None:
    kind = booster["name"]
    if kind == "gblinear":
        booster["model"]["weights"]
        return
    if kind == "dart":
        trees = booster["gbtree"]["model"]
        if len(booster["weight_drop"]) != len(trees["trees"]):
            raise Inconsistent("the weights of its trees do not match their number")
    elif kind == "gbtree":
        trees = booster["model"]
    else:
        raise Inconsistent(f"its booster {kind!r} is unknown")
    _check_forest(trees, features)


def _check_forest(model: dict[str, Any], features: int) -> None:
    trees = model["trees"]
    info = np.asarray(model["tree_info"], dtype=np.int64)
    if not len(trees) == len(info) == int(model["gbtree_model_param"]["num_trees"]):
        raise Inconsistent(f"it announces {len(info)} trees and holds {len(trees)}")
    if len(info) and info.min() < 0:
        raise Inconsistent("a tree belongs to no output")
    rounds = np.asarray(model.get("iteration_indptr", [0, len(trees)]), dtype=np.int64)
    if len(rounds) and (rounds[0] != 0 or rounds[-1] != len(trees) or (np.diff(rounds) < 0).any()):
        raise Inconsistent("its rounds do not match its trees")
    for index, tree in enumerate(trees):
        try:
            _check_tree(tree, features)
        except Inconsistent as error:
            raise Inconsistent(f"tree {index}: {error}") from error


def _check_tree(tree: dict[str, Any], features: int) -> None:
    nodes = int(tree["tree_param"]["num_nodes"])
    columns = {name: np.asarray(tree[name]) for name in _PER_NODE if name in tree}
    if nodes < 1 or any(len(column) != nodes for column in columns.values()):
        raise Inconsistent(f"its arrays are not all {nodes} nodes long")
    left = columns["left_children"].astype(np.int64)
    right = columns["right_children"].astype(np.int64)
    inner = np.flatnonzero(left != -1)
    if max(left.max(), right.max()) >= nodes or min(left.min(), right[inner].min(initial=0)) < -1:
        raise Inconsistent("a node has a child outside the tree")
    live = inner[columns["parents"].astype(np.int64)[inner] != _DELETED] if nodes > 1 else inner
    if (right[live] < 0).any() or (columns["split_indices"].astype(np.int64)[live] >= features).any():
        raise Inconsistent(f"a node splits on a feature beyond the {features} that there are")
    _check_reachable(left, right, nodes)
    _check_categories(tree)
    _check_leaves(tree, nodes)


def _check_reachable(left: Numbers, right: Numbers, nodes: int) -> None:
    seen, level = 0, np.zeros(1, dtype=np.int64)
    while len(level):
        seen += len(level)
        if seen > nodes:
            raise Inconsistent("its nodes form a circle")
        inner = level[left[level] != -1]
        level = np.concatenate([left[inner], right[inner]])


def _check_categories(tree: dict[str, Any]) -> None:
    if "categories" not in tree:
        return
    total = len(tree["categories"])
    nodes, starts, sizes = (np.asarray(tree[name], dtype=np.int64) for name in _PER_CATEGORICAL_NODE)
    if not len(nodes) == len(starts) == len(sizes):
        raise Inconsistent("its categorical splits are incomplete")
    if len(starts) and (min(starts.min(), sizes.min()) < 0 or (starts + sizes).max() > total):
        raise Inconsistent("a categorical split names categories that are not there")


def _check_leaves(tree: dict[str, Any], nodes: int) -> None:
    width = int(tree["tree_param"].get("size_leaf_vector", 1))
    if width > 1 and len(tree["base_weights"]) != width * nodes and "leaf_weights" not in tree:
        raise Inconsistent("its leaves do not match its outputs")
