"""Rows on every threshold, and one unit in the last place below and above it, fall on the same side."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from exporting import exported, session
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, QuantileTransformer, SplineTransformer
from sklearn.tree import DecisionTreeRegressor
from sklearn_parity import answers, feeds


def _rows(size: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    rows = pd.DataFrame(
        {"a": rng.normal(1e6, 1e4, size), "b": rng.exponential(3, size), "c": rng.integers(0, 9, size)}
    )
    return rows.astype(np.float64)


def _target(rows: pd.DataFrame) -> Any:
    return ((rows["a"] - 1e6) / 1e4 + rows["b"] * 0.3 - rows["c"] * 0.2 > 0).astype(int).to_numpy()


def _on_edges(rows: pd.DataFrame, edges: dict[str, Any], width: Any) -> pd.DataFrame:
    """A row for every edge and its neighbours in the precision `width`, and the edge itself in float64."""
    found = []
    for column, values in edges.items():
        exact = np.asarray(values, dtype=np.float64)
        near = exact.astype(width)
        around = [np.nextafter(near, width(-np.inf)), near, np.nextafter(near, width(np.inf))]
        points = np.concatenate(
            [np.asarray(values, dtype=np.float64), *(one.astype(np.float64) for one in around)]
        )
        base = rows.iloc[np.arange(len(points)) % len(rows)].reset_index(drop=True)
        base[column] = points
        found.append(base)
    return pd.concat(found, ignore_index=True)


def _same(model: Any, rows: pd.DataFrame, probes: pd.DataFrame) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        artifact = exported(model, rows)
        expected = answers(model, probes, artifact)
    found = dict(zip(expected, session(artifact.model).run(list(expected), feeds(artifact, probes)), strict=True))
    for name, reference in expected.items():
        np.testing.assert_allclose(found[name].astype(float), reference.astype(float), rtol=1e-12, atol=1e-12)


def _splits(trees: Any) -> dict[str, Any]:
    edges: dict[str, list[float]] = {"a": [], "b": [], "c": []}
    for tree in trees:
        for name, place in zip(edges, range(3), strict=True):
            inner = (tree.children_left >= 0) & (tree.feature == place)
            edges[name] += tree.threshold[inner].tolist()
    return edges


@pytest.mark.parametrize(
    "model",
    [
        RandomForestClassifier(10, random_state=0),
        DecisionTreeRegressor(random_state=0),
        GradientBoostingClassifier(n_estimators=10, random_state=0),
        IsolationForest(n_estimators=10, random_state=0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_trees_that_see_float32(model: Any) -> None:
    rows = _rows()
    model.fit(rows, _target(rows))
    members = np.ravel(getattr(model, "estimators_", [model]))
    probes = _on_edges(rows, _splits([member.tree_ for member in members]), np.float32)
    assert len(probes) > 100
    _same(model, rows, probes)


def test_histogram_trees_that_see_float64() -> None:
    rows = _rows()
    model = HistGradientBoostingClassifier(max_iter=10, random_state=0).fit(rows, _target(rows))
    edges: dict[str, list[float]] = {"a": [], "b": [], "c": []}
    for (predictor,) in model._predictors:  # ruff: ignore[SLF001] - the thresholds have no public name
        for node in predictor.nodes[predictor.nodes["is_leaf"] == 0]:
            edges["abc"[node["feature_idx"]]].append(float(node["num_threshold"]))
    _same(model, rows, _on_edges(rows, edges, np.float64))


@pytest.mark.parametrize("bins", [5, 60])
def test_edges_of_bins(bins: int) -> None:
    rows = _rows()[["a", "b"]]
    model = make_pipeline(KBinsDiscretizer(bins, encode="ordinal", strategy="uniform"), Ridge())
    model.fit(rows, rows["b"])
    edges = dict(zip(rows, model[0].bin_edges_, strict=True))
    _same(model, rows, _on_edges(rows, edges, np.float64))


@pytest.mark.parametrize("step", [QuantileTransformer(n_quantiles=100), SplineTransformer(n_knots=7)])
def test_knots_of_curves(step: Any) -> None:
    rows = _rows()[["a", "b"]]
    model = make_pipeline(step, Ridge()).fit(rows, rows["b"])
    fitted = model[0]
    knots = fitted.quantiles_.T if hasattr(fitted, "quantiles_") else [spline.t for spline in fitted.bsplines_]
    _same(model, rows, _on_edges(rows, dict(zip(rows, knots, strict=True)), np.float64))


@pytest.mark.parametrize("precision", [np.float32, np.float64])
def test_knots_of_isotonic_functions(precision: Any) -> None:
    rows = _rows()[["b"]].astype(precision)
    noise = np.random.default_rng(6).normal(0, 1, len(rows)).astype(precision)
    model = IsotonicRegression(out_of_bounds="clip").fit(rows, rows["b"] + noise)
    probes = _on_edges(rows, {"b": model.X_thresholds_}, precision).astype(precision)
    artifact = exported(model, rows)
    found = session(artifact.model).run(["prediction"], feeds(artifact, probes))[0]
    np.testing.assert_array_equal(found, model.predict(probes))
