"""LightGBM at the end of pipelines and inside other estimators, and as files that the sources open."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import joblib
import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
from exporting import exported, refusal
from lightgbm_cases import CASES, SMALL, classes, signal, table, with_categories
from lightgbm_parity import compare, probes
from onnxport.artifacts import PostProcessing, SourceModel
from onnxport.sources import SourceAccess, load, rows_of, scorer, select_features
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import VotingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore:X does not have valid feature names")


def _columns(frame: pd.DataFrame) -> ColumnTransformer:
    numbers = [name for name in frame.columns if frame[name].dtype.kind == "f"]
    return ColumnTransformer([("n", StandardScaler(), numbers), ("c", OneHotEncoder(), ["kind", "size"])])


def _text() -> pd.DataFrame:
    frame = with_categories()
    return frame.astype({"kind": object, "size": object}).fillna({"kind": "none"})


PIPELINES: dict[str, tuple[Callable[[], pd.DataFrame], Callable[[pd.DataFrame], Any], int]] = {
    "scaler, classifier": (
        table,
        lambda _: make_pipeline(StandardScaler().set_output(transform="default"), lgb.LGBMClassifier(**SMALL)),
        3,
    ),
    "imputer, regressor": (table, lambda _: make_pipeline(SimpleImputer(), lgb.LGBMRegressor(**SMALL)), 0),
    "sparse codes, classifier": (
        _text,
        lambda frame: make_pipeline(_columns(frame), lgb.LGBMClassifier(**SMALL)),
        2,
    ),
    "calibrated": (table, lambda _: CalibratedClassifierCV(lgb.LGBMClassifier(**SMALL), cv=2), 2),
    "voting": (
        lambda: table().fillna(0.0),
        lambda _: VotingRegressor([("a", lgb.LGBMRegressor(**SMALL)), ("b", Ridge())]),
        0,
    ),
}


@pytest.mark.parametrize("name", sorted(PIPELINES))
def test_a_model_with_lightgbm_in_it_answers_the_same(name: str) -> None:
    make, build, count = PIPELINES[name]
    frame = make()
    numbers = frame[table().columns]
    model = build(frame).fit(frame, classes(numbers, count) if count else signal(numbers))
    artifact = exported(model, frame.head(60))
    found = compare(model, artifact, [frame])
    assert found.off <= 1
    assert found.labels == 0
    assert any("lightgbm" in step.estimator for step in artifact.conversion.plan.steps)
    assert "lightgbm" in artifact.conversion.packages


def test_an_array_of_wide_integers_is_refused_inside_a_pipeline() -> None:
    frame = pd.DataFrame({"a": np.arange(1500) * 1001, "b": np.arange(1500) % 7})
    model = make_pipeline(ColumnTransformer([("all", "passthrough", ["a", "b"])]), lgb.LGBMRegressor(**SMALL))
    refused = refusal(model.fit(frame, np.sin(np.arange(1500.0))), frame)
    assert "rounds them to float32" in refused.reason


@pytest.mark.parametrize("kind", ["estimator", "booster"])
@pytest.mark.parametrize("suffix", ["joblib", "pkl"])
def test_a_file_opens_by_the_list_and_its_own_scorer_agrees_with_the_graph(
    kind: str, suffix: str, tmp_path: Path
) -> None:
    model, frame = CASES["booster, stopped early" if kind == "booster" else "three classes"]()
    path = tmp_path / f"model.{suffix}"
    if suffix == "pkl":
        path.write_bytes(pickle.dumps(model))
    else:
        joblib.dump(model, path)
    source = load(str(path), SourceAccess(allow_pickle=True))
    chosen = select_features(source, frame[frame.columns[::-1]].assign(other=1), None)
    assert list(chosen.columns) == list(frame.columns)
    artifact = exported(source.model, chosen)
    own = scorer(source, chosen, artifact.conversion.signature, PostProcessing())(rows_of(probes(model, frame)))
    for name, values in own.items():
        assert np.array_equal(values, getattr(model, _METHODS[name])(probes(model, frame)))


_METHODS = {"label": "predict", "probabilities": "predict_proba", "prediction": "predict"}


def test_a_booster_without_names_takes_the_columns_of_the_sample() -> None:
    frame = table()
    model = lgb.train({"verbose": -1}, lgb.Dataset(frame.to_numpy(), signal(frame)), 2)
    source = SourceModel(reference=exported(model, frame.head(5)).conversion.source, model=model)
    assert list(select_features(source, frame, None).columns) == list(frame.columns)
