"""LightGBM against its graph: scores and labels on rows, thresholds, zeros, missing values and extremes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
import onnx
import onnxruntime
import pandas as pd
from onnx import numpy_helper
from onnxport.artifacts import OnnxArtifact, Refusal, SourceModel, SourceReference
from onnxport.exporters import ExportOptions, export
from onnxport.exporters.from_lightgbm.estimator import read_estimator
from onnxport.sources import rows_of

REFERENCE = SourceReference(uri="model.joblib", kind="joblib", sha256="0" * 64)
RTOL = 1e-9
"""Far above what the two sums of a score may lose, far below a float32."""
ATOL = 1e-11
"""Of the largest score: where leaves cancel, little is left to compare relatively."""
_ZERO = float(np.float32(1e-35))
_THRESHOLDS = 500
_METHODS = {"label": "predict", "probabilities": "predict_proba", "prediction": "predict"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How far source and graph are apart.

    Attributes:
        off: Largest distance of scores, in units of what is allowed.
        labels: How many labels differ.
    """

    off: float
    labels: int


def exported(model: Any, sample: pd.DataFrame) -> OnnxArtifact:
    """The model's graph; a refusal fails the test."""
    result = export(SourceModel(reference=REFERENCE, model=model), sample, ExportOptions())
    assert isinstance(result, OnnxArtifact), result
    return result


def refusal(model: Any, sample: pd.DataFrame) -> Refusal:
    """Why the model is refused; a graph fails the test."""
    result = export(SourceModel(reference=REFERENCE, model=model), sample, ExportOptions())
    assert isinstance(result, Refusal)
    return result


def run(
    artifact: OnnxArtifact, frame: pd.DataFrame, model: bytes | None = None, threads: int = 1
) -> dict[str, Any]:
    """All outputs of the graph for the rows of `frame`, by name."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 3
    session = onnxruntime.InferenceSession(model or artifact.model, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    outputs = session.run(names, artifact.conversion.signature.feeds(rows_of(frame)))
    return dict(zip(names, outputs, strict=True))


def answers(model: Any, artifact: OnnxArtifact, frame: pd.DataFrame) -> dict[str, Any]:
    """What LightGBM itself answers."""
    data = frame.to_numpy() if _nameless(model, frame) else frame
    outputs = artifact.conversion.signature.outputs
    return {output.name: np.asarray(getattr(model, _METHODS[output.name])(data)) for output in outputs}


def _nameless(model: Any, frame: pd.DataFrame) -> bool:
    """scikit-learn warns of names that a model was trained without."""
    wrapper = isinstance(model, lightgbm.LGBMModel)
    return wrapper and not hasattr(model, "feature_names_in_") and all(dtype.kind == "f" for dtype in frame.dtypes)


def compare(
    model: Any, artifact: OnnxArtifact, frames: list[pd.DataFrame], graph: bytes | None = None
) -> Comparison:
    """Source against graph on the rows of all `frames`."""
    off, labels = 0.0, 0
    for frame in frames:
        wanted, found = answers(model, artifact, frame), run(artifact, frame, graph)
        assert {name: value.shape for name, value in found.items()} == {
            name: value.shape for name, value in wanted.items()
        }
        for name, values in wanted.items():
            if name == "label":
                labels += int((found[name] != values).sum())
                continue
            assert np.isfinite(values).all()
            allowed = RTOL * np.abs(values) + ATOL * np.abs(values).max()
            distance = np.abs(found[name] - values)
            off = max(off, float(np.where(distance == 0, 0.0, distance / np.maximum(allowed, 1e-300)).max()))
    return Comparison(off=off, labels=labels)


def probes(model: Any, frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of `frame` with one value changed: thresholds and their neighbours, zeros, extremes, categories."""
    rng = np.random.default_rng(0)
    kinds = {name: isinstance(frame[name].dtype, pd.CategoricalDtype) for name in frame.columns}
    single = {name for name in frame.columns if frame[name].dtype == np.float32}
    rows = frame.astype({name: "float64" for name, category in kinds.items() if not category})
    changes: list[tuple[str, Any]] = []
    for name, category in kinds.items():
        if category:
            unseen = "never seen" if isinstance(frame[name].cat.categories[0], str) else -99
            rows[name] = rows[name].cat.add_categories([unseen])
            changes += [(name, value) for value in [None, unseen, *frame[name].cat.categories]]
        else:
            changes += [(name, value) for value in _extremes()]
    changes += _thresholds(model, [name for name in frame.columns if not kinds[name]], list(frame.columns), rng)
    rows = rows.iloc[rng.integers(0, len(rows), len(changes))].reset_index(drop=True)
    for name in frame.columns:
        at = [index for index, (changed, _) in enumerate(changes) if changed == name]
        rows.loc[at, name] = pd.Series([changes[index][1] for index in at], index=at, dtype=rows[name].dtype)
    return _as_floats(rows, single)


def _as_floats(rows: pd.DataFrame, single: set[str]) -> pd.DataFrame:
    with np.errstate(over="ignore"):
        return rows.astype(dict.fromkeys(single, "float32"))


def _extremes() -> list[float]:
    near = [_ZERO, np.nextafter(_ZERO, 1), np.nextafter(_ZERO, 0), 1e-36, 5e-324, 0.0, 0.5, 0.999, 1.0, 1.9, 63.5]
    far = [13.0, 69.0, 70.0, 95.0, 1e5, 2.0**31 - 1, 2.0**31, 1e30, 1e300, np.inf]
    return [np.nan, *near, *far, *(-value for value in near + far)]


def _thresholds(
    model: Any, plain: list[str], columns: list[str], rng: np.random.Generator
) -> list[tuple[str, float]]:
    trees = read_estimator(model, "model").model.trees.arrays
    numeric = trees["decision_type"] & 1 == 0
    splits = np.unique(np.stack([trees["split_feature"][numeric], trees["threshold"][numeric]], axis=1), axis=0)
    if len(splits) > _THRESHOLDS:
        splits = splits[rng.choice(len(splits), _THRESHOLDS, replace=False)]
    return [
        (columns[int(feature)], float(near))
        for feature, value in splits
        for near in (np.nextafter(value, -np.inf), value, np.nextafter(value, np.inf))
        if columns[int(feature)] in plain  # ordered categories are compared by their codes
    ]


def with_changed(model: bytes, attribute: str, change: Any) -> bytes:
    """The graph with what `change` makes of the array `attribute` of its trees."""
    proto = onnx.load_model_from_string(model)
    node = next(node for node in proto.graph.node if node.op_type == "TreeEnsembleRegressor")
    tensor = next(entry.t for entry in node.attribute if entry.name == f"{attribute}_as_tensor")
    tensor.CopyFrom(numpy_helper.from_array(change(numpy_helper.to_array(tensor).copy()), tensor.name))
    return proto.SerializeToString()
