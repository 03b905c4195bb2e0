"""XGBoost models of full trees, written as XGBoost saves them: training so many would take an hour."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import xgboost
from onnxport.exporters.from_xgboost.ubj import decode

if TYPE_CHECKING:
    from pathlib import Path

FEATURES = 20
_CODES = {"i1": "i", "u1": "U", "i4": "l", "i8": "L", "f4": "d"}
_NO_PARENT = 2**31 - 1


def write_full_forest(path: Path, *, trees: int, depth: int) -> None:
    """`path` is a Booster of `trees` trees of 2^depth leaves each, over 20 features, for binary:logistic."""
    rng = np.random.default_rng(trees * 100 + depth)
    rows = rng.normal(size=(50, FEATURES))
    tiny = xgboost.train(
        {"objective": "binary:logistic", "max_depth": 1, "nthread": 1},
        xgboost.DMatrix(rows, label=np.arange(50) % 2),
        1,
    )
    document = decode(tiny.save_raw("ubj"))
    model = document["learner"]["gradient_booster"]["model"]
    model["gbtree_model_param"]["num_trees"] = str(trees)
    model["iteration_indptr"] = list(range(trees + 1))
    model["tree_info"] = [0] * trees
    model["trees"] = [_full_tree(number, depth, rng) for number in range(trees)]
    path.write_bytes(_encode(document))


def _full_tree(number: int, depth: int, rng: np.random.Generator) -> dict[str, Any]:
    inner, nodes = 2**depth - 1, 2 ** (depth + 1) - 1
    index = np.arange(nodes)
    leaf = index >= inner
    values = np.where(leaf, rng.normal(size=nodes) * 0.05, rng.normal(size=nodes)).astype(np.float32)
    parents = ((index - 1) // 2).astype(np.int32)
    parents[0] = _NO_PARENT
    nothing, none = np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int64)
    return {
        "base_weights": values,
        "categories": nothing,
        "categories_nodes": nothing,
        "categories_segments": none,
        "categories_sizes": none,
        "default_left": rng.integers(0, 2, nodes).astype(np.uint8) * ~leaf,
        "id": number,
        "left_children": np.where(leaf, -1, 2 * index + 1).astype(np.int32),
        "loss_changes": np.where(leaf, 0, 1).astype(np.float32),
        "parents": parents,
        "right_children": np.where(leaf, -1, 2 * index + 2).astype(np.int32),
        "split_conditions": values,
        "split_indices": np.where(leaf, 0, rng.integers(0, FEATURES, nodes)).astype(np.int32),
        "split_type": np.zeros(nodes, dtype=np.uint8),
        "sum_hessian": np.full(nodes, 10, dtype=np.float32),
        "tree_param": {
            "num_deleted": "0",
            "num_feature": str(FEATURES),
            "num_nodes": str(nodes),
            "size_leaf_vector": "1",
        },
    }


def _encode(value: object) -> bytes:
    """`value` in XGBoost's binary JSON."""
    match value:
        case dict():
            members = (_text(key) + _encode(member) for key, member in value.items())
            return b"{" + b"".join(members) + b"}"
        case list():
            return b"[#" + _length(len(value)) + b"".join(map(_encode, value))
        case str():
            return b"S" + _text(value)
        case int():
            return b"l" + struct.pack(">i", value)
        case np.ndarray():
            code = _CODES[f"{value.dtype.kind}{value.dtype.itemsize}"]
            big = value.astype(value.dtype.newbyteorder(">")).tobytes()
            return b"[$" + code.encode() + b"#" + _length(len(value)) + big
        case _:
            raise TypeError(type(value))


def _text(text: str) -> bytes:
    return _length(len(text.encode())) + text.encode()


def _length(count: int) -> bytes:
    return b"L" + struct.pack(">q", count)
