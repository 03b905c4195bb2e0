"""Trees as arrays, an exact reference in numpy, and the same trees as a node of a graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import helper

F32 = np.float32


@dataclass(frozen=True, slots=True, kw_only=True)
class Trees:
    """Trees as arrays, one entry a node; a node with feature -1 is a leaf of value `leaf`."""

    tree: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    yes: np.ndarray
    no: np.ndarray
    missing_yes: np.ndarray
    leaf: np.ndarray
    roots: np.ndarray
    base: np.float32
    strict: bool

    def margins(self, values: np.ndarray) -> np.ndarray:
        """Float32 sums in the order of the trees, as a runtime on one thread has them."""
        values = values.astype(F32)
        total = np.full(len(values), self.base, dtype=F32)
        for root in self.roots:
            node = np.full(len(values), root)
            while (self.feature[node] >= 0).any():
                feature, inner = np.maximum(self.feature[node], 0), self.feature[node] >= 0
                value, threshold = values[np.arange(len(values)), feature], self.threshold[node]
                goes = (value < threshold) if self.strict else (value <= threshold)
                goes = np.where(np.isnan(value), self.missing_yes[node], goes)
                node = np.where(inner, np.where(goes, self.yes[node], self.no[node]), node)
            total = (total + self.leaf[node]).astype(F32)
        return total


def grow(seed: int, *, features: int, trees: int, depth: int, data: np.ndarray, strict: bool = True) -> Trees:
    """Full trees whose thresholds are values of the data, so that ties are real."""
    random = np.random.default_rng(seed)
    columns: dict[str, list[Any]] = {name: [] for name in Trees.__dataclass_fields__}
    for tree in range(trees):
        start = len(columns["tree"])
        inner = 2**depth - 1
        for node in range(2 ** (depth + 1) - 1):
            leaf = node >= inner
            feature = -1 if leaf else int(random.integers(features))
            value = random.choice(data[:, max(feature, 0)][np.isfinite(data[:, max(feature, 0)])])
            columns["tree"].append(tree)
            columns["feature"].append(feature)
            columns["threshold"].append(0.0 if leaf else value)
            columns["yes"].append(0 if leaf else start + 2 * node + 1)
            columns["no"].append(0 if leaf else start + 2 * node + 2)
            columns["missing_yes"].append(bool(random.integers(2)))
            columns["leaf"].append(random.normal(scale=0.3) if leaf else 0.0)
        columns["roots"].append(start)
    return Trees(
        tree=np.array(columns["tree"]),
        feature=np.array(columns["feature"]),
        threshold=np.array(columns["threshold"], dtype=F32),
        yes=np.array(columns["yes"]),
        no=np.array(columns["no"]),
        missing_yes=np.array(columns["missing_yes"]),
        leaf=np.array(columns["leaf"], dtype=F32),
        roots=np.array(columns["roots"]),
        base=F32(0.25),
        strict=strict,
    )


def tree_node(trees: Trees, source: str, target: str) -> onnx.NodeProto:
    """One `TreeEnsembleRegressor` (ai.onnx.ml 3); the base value is in the first tree's leaves."""
    leaves = trees.feature < 0
    first = np.zeros_like(trees.tree)
    for tree, root in enumerate(trees.roots):
        first[trees.tree == tree] = root
    ids = np.arange(len(trees.tree)) - first
    weights = trees.leaf.copy()
    weights[leaves & (trees.tree == 0)] += trees.base
    mode = "BRANCH_LT" if trees.strict else "BRANCH_LEQ"
    return helper.make_node(
        "TreeEnsembleRegressor",
        [source],
        [target],
        domain="ai.onnx.ml",
        name="trees",
        n_targets=1,
        nodes_treeids=trees.tree.tolist(),
        nodes_nodeids=ids.tolist(),
        nodes_featureids=np.maximum(trees.feature, 0).tolist(),
        nodes_modes=["LEAF" if leaf else mode for leaf in leaves],
        nodes_values=trees.threshold.tolist(),
        nodes_truenodeids=np.where(leaves, 0, trees.yes - first).tolist(),
        nodes_falsenodeids=np.where(leaves, 0, trees.no - first).tolist(),
        nodes_missing_value_tracks_true=trees.missing_yes.astype(int).tolist(),
        target_treeids=trees.tree[leaves].tolist(),
        target_nodeids=ids[leaves].tolist(),
        target_ids=[0] * int(leaves.sum()),
        target_weights=weights[leaves].tolist(),
    )
