"""What a CatBoost model predicts with, read from the JSON that it saves: numbers with all their digits.

CatBoost's own ONNX export adds leaves in float32, leaves out link functions, has ZipMap for an output, and holds
the time of training.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from onnxport.artifacts import IntegrityError
from onnxport.exporters.refused import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from onnxport.artifacts import Column

_NUMBERS = "float_features"
_FEATURES = {
    "cat": "categories, whose hashes do not say which strings they stand for",
    "text": "texts, which the runtime's operators do not cut as CatBoost does",
    "embedding": "embeddings, whose statistics the runtime has no operator for",
}
_RIGHT = "AsTrue"
"""How CatBoost says that a missing value is greater than every border; otherwise it is greater than none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """One tree, an entry a node; node 0 is the root, children come after their parents.

    Attributes:
        feature: Column that an inner node reads, 0 at leaves, `(m,)`.
        border: What the feature must exceed for the right child, 0 at leaves, `(m,)`.
        left: Left child, -1 at leaves, `(m,)`.
        right: Right child, -1 at leaves, `(m,)`.
        values: What the leaves add, in the order of their nodes, float64 `(leaves, outputs)`.
    """

    feature: Column
    border: Column
    left: Column
    right: Column
    values: Column


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A CatBoost model as numbers.

    Attributes:
        loss: `Logloss`, `RMSE`, …; empty where the model does not say.
        names: The columns' names, those that CatBoost makes up included.
        missing_right: Whether NaN is greater than every border, `(features,)`.
        scale: What the sums of leaves are multiplied with.
        bias: What is added to the product, float64 `(outputs,)`.
        threshold: The probability above which the second of two classes is predicted.
        trees: The trees, in order.
    """

    loss: str
    names: tuple[str, ...]
    missing_right: Column
    scale: float
    bias: Column
    threshold: float
    trees: tuple[Tree, ...]

    @property
    def outputs(self) -> int:
        """How many scores a row has."""
        return len(self.bias)


def read_model(model: Any, step: str) -> Model:  # ruff: ignore[ANN401] - a foreign estimator
    """`model` as numbers; `step` is its path in the source.

    Raises:
        Refused: It reads other features than numbers.
        IntegrityError: CatBoost saved what we cannot read.
    """
    for kind, what in _FEATURES.items():
        if getattr(model, f"get_{kind}_feature_indices")():
            raise Refused(
                f"{step}.{kind}_features",
                f"it was trained on {what}",
                "Encode these columns before the model, with scikit-learn's encoders in a pipeline.",
            )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        model.save_model(str(path), format="json")
        text = path.read_text(encoding="utf-8")
    try:
        return _read(json.loads(text), tuple(map(str, model.feature_names_)))
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise IntegrityError(f"{step}: CatBoost saved a model in a form that is not known: {error!r}") from error


def _read(document: Mapping[str, Any], names: tuple[str, ...]) -> Model:
    features = document["features_info"][_NUMBERS]
    places = [int(feature["flat_feature_index"]) for feature in features]
    missing = np.zeros(len(names), dtype=np.bool_)
    missing[places] = [feature["nan_value_treatment"] == _RIGHT for feature in features]
    scale, bias = document["scale_and_bias"]
    outputs = len(bias)
    if "oblivious_trees" in document:
        trees = [_oblivious(tree, places, outputs) for tree in document["oblivious_trees"]]
    else:
        trees = [_other(tree, places, outputs) for tree in document.get("trees") or []]
    if any(not np.isfinite(tree.values).all() for tree in trees):
        raise ValueError("a leaf holds no finite number")
    facts = document["model_info"]
    return Model(
        loss=facts.get("params", {}).get("loss_function", {}).get("type", ""),
        names=names,
        missing_right=missing,
        scale=float(scale),
        bias=np.array(bias, dtype=np.float64),
        threshold=float(facts.get("binclass_probability_threshold", 0.5)),
        trees=tuple(trees),
    )


def _oblivious(tree: Mapping[str, Any], places: Sequence[int], outputs: int) -> Tree:
    """All nodes of a level ask the same; the first split decides about the lowest bit of a leaf's number."""
    splits = (tree.get("splits") or [])[::-1]
    leaves = 1 << len(splits)
    values = np.array(tree["leaf_values"], dtype=np.float64).reshape(leaves, outputs)
    levels = np.repeat(np.arange(len(splits)), 1 << np.arange(len(splits)))
    index = np.arange(leaves - 1)
    ends, none = np.zeros(leaves, dtype=np.int64), np.full(leaves, -1)
    features = np.array([places[split["float_feature_index"]] for split in splits], dtype=np.int64)
    borders = np.array([split["border"] for split in splits], dtype=np.float64)
    return Tree(
        feature=np.append(features[levels], ends),
        border=np.append(borders[levels], ends),
        left=np.append(2 * index + 1, none),
        right=np.append(2 * index + 2, none),
        values=values,
    )


def _other(tree: Mapping[str, Any], places: Sequence[int], outputs: int) -> Tree:
    """A tree of nested nodes, level by level."""
    nodes, children = [tree], []
    for node in nodes:  # grows on the way
        inner = "split" in node
        children.append((len(nodes), len(nodes) + 1) if inner else (-1, -1))
        nodes += [node["left"], node["right"]] if inner else []
    splits = [node.get("split") for node in nodes]
    values = [node["value"] for node in nodes if "split" not in node]
    left, right = np.array(children).T
    return Tree(
        feature=np.array([places[split["float_feature_index"]] if split else 0 for split in splits]),
        border=np.array([split["border"] if split else 0.0 for split in splits], dtype=np.float64),
        left=left,
        right=right,
        values=np.array(values, dtype=np.float64).reshape(len(values), outputs),
    )
