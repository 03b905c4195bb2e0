"""XGBoost against its graph, to the last bit: margins, outputs and labels on rows, thresholds and extremes."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pandas as pd
import xgboost
from exporting import session
from onnx import numpy_helper
from onnxport.sources import rows_of

if TYPE_CHECKING:
    from onnxport.artifacts import OnnxArtifact

LINK_ULPS = 2
"""What a link function may add: an exponential rounded once in float64 against the C library's `expf`."""
SOFTMAX_ULPS = 8
"""`predict_proba` of multi:softmax takes scipy's softmax: numpy's own float32 exp and pairwise sum."""
MARGIN_ULPS = {"gbtree": 0, "dart": 2, "gblinear": 2}
"""Products that a compiler may fuse with a sum on other machines stand in dart and gblinear alone."""
_THRESHOLDS = 1_200


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How far source and graph are apart.

    Attributes:
        rows: How many rows were compared.
        margin_ulps: Largest distance of margins, in steps of float32.
        output_ulps: Largest distance of scores, in steps of float32 at the source's value.
        labels: How many labels differ.
    """

    rows: int
    margin_ulps: int
    output_ulps: int
    labels: int


def with_margin(model: bytes) -> tuple[bytes, str]:
    """The graph with its margins as one more output, and that output's name."""
    proto = onnx.load_model_from_string(model)
    ops = {node.op_type: node for node in proto.graph.node}
    node = ops.get("TreeEnsembleRegressor") or next(n for n in proto.graph.node if "CumSum" in n.input[0])
    proto.graph.output.append(onnx.ValueInfoProto(name=node.output[0]))
    return proto.SerializeToString(), node.output[0]


class Graph:
    """A graph in this process, on one thread."""

    def __init__(self, artifact: OnnxArtifact, model: bytes | None = None) -> None:
        graph, self.margin = with_margin(model or artifact.model)
        self.signature = artifact.conversion.signature
        self._session = session(graph)

    def run(self, frame: pd.DataFrame) -> dict[str, np.ndarray]:
        """All outputs for the rows of `frame`, by name; the margins as `margin`."""
        names = [output.name for output in self._session.get_outputs()]
        outputs = self._session.run(None, self.signature.feeds(rows_of(frame)))
        return {
            "margin" if name == self.margin else name: value for name, value in zip(names, outputs, strict=True)
        }


def answers(model: Any, frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """What XGBoost itself answers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if isinstance(model, xgboost.Booster):
            matrix = xgboost.DMatrix(frame, feature_types=model.feature_types, enable_categorical=True)
            return {
                "margin": model.predict(matrix, output_margin=True),
                "prediction": model.predict(matrix),
            }
        margin = model.predict(frame, output_margin=True)
        if isinstance(model, xgboost.XGBClassifier):
            return {
                "margin": margin,
                "label": model.predict(frame),
                "probabilities": model.predict_proba(frame),
            }
        return {"margin": margin, "prediction": model.predict(frame)}


def probes(artifact: OnnxArtifact, frame: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Rows of `frame` with one value changed: thresholds and their neighbours, gaps, extremes, every category."""
    rng = np.random.default_rng(seed)
    wide = frame.copy()
    plain = [name for name in wide.columns if not isinstance(wide[name].dtype, pd.CategoricalDtype)]
    for name in plain:
        wide[name] = wide[name].astype("float64").astype("float32")
    changes = _threshold_changes(artifact, list(frame.columns), plain, rng)
    tiny = np.float32(1.4e-45)
    for name in frame.columns:
        changes.append((name, None if name not in plain else np.nan))
        if name in plain:
            changes += [(name, np.float32(value)) for value in (0.0, -0.0, 1, -1, 1e30, -1e30, tiny, -tiny, 3e38)]
        else:
            changes += [(name, category) for category in wide[name].cat.categories[:300]]
    rows = wide.iloc[rng.integers(0, len(wide), len(changes))].reset_index(drop=True)
    for name in frame.columns:
        at = [index for index, (changed, _) in enumerate(changes) if changed == name]
        values = [changes[index][1] for index in at]
        rows.loc[at, name] = pd.Series(values, index=at, dtype=rows[name].dtype)
    empty = wide.iloc[:1].copy()
    for name in frame.columns:
        empty[name] = pd.Series([np.nan], index=empty.index).astype(wide[name].dtype)
    return pd.concat([rows, empty], ignore_index=True)


def _threshold_changes(
    artifact: OnnxArtifact, columns: list[str], plain: list[str], rng: np.random.Generator
) -> list[tuple[str, Any]]:
    splits = np.array(sorted(thresholds(artifact.model)), dtype=np.float64).reshape(-1, 2)
    splits = splits[[columns[int(feature)] in plain for feature, _ in splits]]
    if len(splits) > _THRESHOLDS:
        splits = splits[rng.choice(len(splits), _THRESHOLDS, replace=False)]
    changes: list[tuple[str, Any]] = []
    for feature, value in splits:
        single = np.float32(value)
        around = (np.nextafter(single, np.float32(-3e38)), single, np.nextafter(single, np.float32(3e38)))
        changes += [(columns[int(feature)], near) for near in around]
    return changes


def thresholds(model: bytes) -> set[tuple[int, float]]:
    """Feature and threshold of each finite comparison in the graph's trees."""
    found: set[tuple[int, float]] = set()
    for node in onnx.load_model_from_string(model).graph.node:
        attributes = {attribute.name: attribute for attribute in node.attribute}
        if "nodes_values" in attributes:
            modes = attributes["nodes_modes"].strings
            pairs = zip(attributes["nodes_featureids"].ints, attributes["nodes_values"].floats, strict=True)
            found |= {pair for pair, mode in zip(pairs, modes, strict=True) if mode != b"LEAF"}
    return {(feature, value) for feature, value in found if np.isfinite(value)}


def ulps(found: np.ndarray, wanted: np.ndarray) -> int:
    """Largest distance in steps of float32; the largest integer where one is NaN and the other is not."""
    found, wanted = (np.asarray(values, dtype=np.float32).ravel() for values in (found, wanted))
    assert found.shape == wanted.shape
    if not len(found):
        return 0
    ordered = [
        np.where(v.view(np.int32) < 0, -2147483648 - v.view(np.int32).astype(np.int64), v.view(np.int32))
        for v in (found, wanted)
    ]
    distance = np.abs(ordered[0] - ordered[1])
    distance[np.isnan(found) & np.isnan(wanted)] = 0
    return int(distance.max())


def compare(
    model: Any, artifact: OnnxArtifact, frames: list[pd.DataFrame], graph: bytes | None = None
) -> Comparison:
    """Source against graph on the rows of all `frames`."""
    session = Graph(artifact, graph)
    rows = margin = output = labels = 0
    for frame in frames:
        wanted, found = answers(model, frame), session.run(frame)
        assert {name: value.shape for name, value in found.items() if name != "margin"} == {
            name: value.shape for name, value in wanted.items() if name != "margin"
        }
        margin = max(margin, ulps(found["margin"], wanted["margin"]))
        if "label" in wanted:
            labels += int((found["label"] != wanted["label"]).sum())
        output = max(output, _score_ulps(found, wanted))
        rows += len(frame)
    return Comparison(rows=rows, margin_ulps=margin, output_ulps=output, labels=labels)


def _score_ulps(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> int:
    if "prediction" in wanted:
        return ulps(found["prediction"], wanted["prediction"])
    scores, expected = found["probabilities"], wanted["probabilities"]
    if (
        wanted["margin"].ndim == 1 and scores.shape[1] == 2
    ):  # [1 - p, p]: the first column is computed of the second
        assert np.array_equal(scores[:, 0], np.float32(1) - scores[:, 1])
        return ulps(scores[:, 1], expected[:, 1])
    return ulps(scores, expected)


def perturbed_leaf(model: bytes) -> bytes:
    """The graph with one leaf moved by one step of float32."""
    proto = onnx.load_model_from_string(model)
    node = next(node for node in proto.graph.node if node.op_type == "TreeEnsembleRegressor")
    weights = next(attribute for attribute in node.attribute if attribute.name == "target_weights")
    last = len(weights.floats) - 1
    weights.floats[last] = float(np.nextafter(np.float32(weights.floats[last]), np.float32(np.inf)))
    return proto.SerializeToString()


def largest_initializer(model: bytes) -> int:
    """Elements of the largest constant."""
    tensors = onnx.load_model_from_string(model).graph.initializer
    return max((numpy_helper.to_array(tensor).size for tensor in tensors), default=0)
