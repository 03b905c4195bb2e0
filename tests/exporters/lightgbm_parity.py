"""LightGBM against its graph: scores and labels on rows, thresholds, zeros, missing values and extremes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lightgbm
import numpy as np
import pandas as pd
from double_parity import METHODS, Comparison, compare_answers
from onnxport.exporters.from_lightgbm.estimator import read_estimator

if TYPE_CHECKING:
    from onnxport.artifacts import OnnxArtifact

_ZERO = float(np.float32(1e-35))
_THRESHOLDS = 500


def answers(model: Any, artifact: OnnxArtifact, frame: pd.DataFrame) -> dict[str, Any]:
    """What LightGBM itself answers."""
    data = frame.to_numpy() if _nameless(model, frame) else frame
    outputs = artifact.conversion.signature.outputs
    return {output.name: np.asarray(getattr(model, METHODS[output.name])(data)) for output in outputs}


def _nameless(model: Any, frame: pd.DataFrame) -> bool:
    """scikit-learn warns of names that a model was trained without."""
    wrapper = isinstance(model, lightgbm.LGBMModel)
    return wrapper and not hasattr(model, "feature_names_in_") and all(dtype.kind == "f" for dtype in frame.dtypes)


def compare(
    model: Any, artifact: OnnxArtifact, frames: list[pd.DataFrame], graph: bytes | None = None
) -> Comparison:
    """Source against graph on the rows of all `frames`."""
    return compare_answers(lambda frame: answers(model, artifact, frame), artifact, frames, graph)


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
