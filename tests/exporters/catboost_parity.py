"""CatBoost against its graph: scores and labels on rows, borders, missing values and extremes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from double_parity import METHODS, Comparison, compare_answers
from onnxport.exporters.from_catboost.estimator import read_estimator

if TYPE_CHECKING:
    import pandas as pd
    from onnxport.artifacts import OnnxArtifact

_BORDERS = 300


def answers(model: Any, artifact: OnnxArtifact, frame: pd.DataFrame) -> dict[str, Any]:
    """What CatBoost itself answers; it gives the labels of several classes as a column."""
    outputs = artifact.conversion.signature.outputs
    found = {output.name: np.asarray(getattr(model, METHODS[output.name])(frame)) for output in outputs}
    return {
        output.name: found[output.name].reshape(len(frame)) if output.shape == (None,) else found[output.name]
        for output in outputs
    }


def compare(
    model: Any, artifact: OnnxArtifact, frames: list[pd.DataFrame], graph: bytes | None = None
) -> Comparison:
    """Source against graph on the rows of all `frames`."""
    return compare_answers(lambda frame: answers(model, artifact, frame), artifact, frames, graph)


def probes(model: Any, frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of `frame` with one value changed: borders and their neighbours in both precisions, zeros, extremes."""
    rng = np.random.default_rng(0)
    names = list(frame.columns)
    changes = [(name, value) for name in names for value in _extremes()]
    trees = read_estimator(model, "model").model.trees
    borders = np.unique(
        np.concatenate([np.stack([tree.feature, tree.border], axis=1)[tree.left >= 0] for tree in trees]), axis=0
    )
    if len(borders) > _BORDERS:
        borders = borders[rng.choice(len(borders), _BORDERS, replace=False)]
    changes += [(names[int(feature)], near) for feature, border in borders for near in _around(border)]
    rows = frame.astype("float64").iloc[rng.integers(0, len(frame), len(changes))].reset_index(drop=True)
    for row, (name, value) in enumerate(changes):
        rows.loc[row, name] = value
    return rows


def _around(border: float) -> list[float]:
    single = np.float32(border)
    with np.errstate(over="ignore"):  # the border below all numbers, where missing values go
        below, above = (float(np.nextafter(single, np.float32(end))) for end in (-np.inf, np.inf))
    return [border, below, above, float(np.nextafter(border, -np.inf)), float(np.nextafter(border, np.inf))]


def _extremes() -> list[float]:
    far = [1e-45, 0.5, 2.0**24 + 1, 1e30, 3.4028234663852886e38, 1e300, np.inf]
    return [np.nan, 0.0, -0.0, *far, *(-value for value in far)]
