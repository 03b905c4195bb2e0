"""CatBoost at the end of pipelines and inside other estimators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import catboost as cb
import numpy as np
import pytest
from catboost_cases import ROWS, SMALL, classes, signal, table
from catboost_parity import compare
from exporting import exported, refusal
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import VotingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = list(table().columns)


def _frame() -> pd.DataFrame:
    return table().assign(kind=np.array(["x", "y", "z"])[np.arange(ROWS) % 3])


def _mixed(model: Any) -> Any:
    encoded = [("n", StandardScaler(), COLUMNS), ("c", OneHotEncoder(), ["kind"])]
    return make_pipeline(ColumnTransformer(encoded), model)


MODELS: dict[str, tuple[Any, list[str], int]] = {
    "scaler, classifier": (make_pipeline(StandardScaler(), cb.CatBoostClassifier(**SMALL)), COLUMNS, 3),
    "codes, classifier": (_mixed(cb.CatBoostClassifier(**SMALL)), [*COLUMNS, "kind"], 2),
    "imputer, regressor": (
        make_pipeline(SimpleImputer(), cb.CatBoostRegressor(**SMALL, loss_function="Quantile")),
        COLUMNS,
        0,
    ),
    "calibrated": (CalibratedClassifierCV(cb.CatBoostClassifier(**SMALL), cv=2), COLUMNS, 2),
    "voting": (
        make_pipeline(SimpleImputer(), VotingRegressor([("a", cb.CatBoostRegressor(**SMALL)), ("b", Ridge())])),
        COLUMNS,
        0,
    ),
}


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_model_with_catboost_in_it_answers_the_same(name: str) -> None:
    model, columns, count = MODELS[name]
    frame = _frame()
    model.fit(frame[columns], classes(table(), count) if count else signal(table()))
    artifact = exported(model, frame[columns].head(60))
    found = compare(model, artifact, [frame[columns]])
    assert found.off <= 1
    assert found.labels == 0
    assert any("catboost" in step.estimator for step in artifact.conversion.plan.steps)
    assert "catboost" in artifact.conversion.packages


def test_several_labels_are_refused_inside_a_pipeline() -> None:
    frame = table()
    both = np.column_stack([classes(frame, 2), frame["f0"] > 0]).astype(int)
    model = make_pipeline(StandardScaler(), cb.CatBoostClassifier(**SMALL, loss_function="MultiLogloss"))
    assert "several labels" in refusal(model.fit(frame, both), frame).reason
