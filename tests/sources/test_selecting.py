from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from onnxport.artifacts import SourceModel, SourceReference, UsageError
from onnxport.sources import select_features

from .conftest import FEATURES

if TYPE_CHECKING:
    import pandas as pd

    from .conftest import Models


def _source(model: Any, columns: tuple[str, ...] | None = None) -> SourceModel:
    reference = SourceReference(uri="model", kind="joblib", sha256="0" * 64)
    return SourceModel(reference=reference, model=model, feature_columns=columns)


@pytest.fixture
def nameless(table: pd.DataFrame) -> Any:
    import xgboost

    rows = xgboost.DMatrix(table[FEATURES].to_numpy(), table["risk"])
    return xgboost.train({"max_depth": 2, "nthread": 1}, rows, 2)


@pytest.mark.parametrize("kind", ["classifier", "booster", "calibrated", "pipeline"])
def test_the_models_own_names_select_and_order_the_columns(kind: str, models: Models, table: pd.DataFrame) -> None:
    shuffled = table[["won", "f1", *reversed(FEATURES[:-1])]]
    selected = select_features(_source(getattr(models, kind)), shuffled, None)
    assert list(selected.columns) == FEATURES


def test_the_names_of_a_bundle_come_first(nameless: Any, table: pd.DataFrame) -> None:
    names = tuple(reversed(FEATURES))
    assert tuple(select_features(_source(nameless, names), table, None).columns) == names


def test_missing_columns_are_listed(models: Models, table: pd.DataFrame) -> None:
    with pytest.raises(UsageError, match="lacks 2 of the model's 6 columns: 'größe', 'f1'"):
        select_features(_source(models.booster), table.drop(columns=["größe", "f1"]), None)


def test_a_model_without_names_takes_exactly_as_many_columns_as_it_has(nameless: Any, table: pd.DataFrame) -> None:
    assert list(select_features(_source(nameless), table[FEATURES], None).columns) == FEATURES


def test_a_model_without_names_and_another_number_of_columns_asks_for_them(
    nameless: Any, table: pd.DataFrame
) -> None:
    with pytest.raises(UsageError, match="takes 6 features") as refused:
        select_features(_source(nameless), table, None)
    assert "--features" in refused.value.hint


def test_a_model_without_names_takes_the_columns_that_are_named(nameless: Any, table: pd.DataFrame) -> None:
    names = list(reversed(FEATURES))
    assert list(select_features(_source(nameless), table, names).columns) == names


def test_too_few_names_are_refused(nameless: Any, table: pd.DataFrame) -> None:
    with pytest.raises(UsageError, match="takes 6 features; 2 are named"):
        select_features(_source(nameless), table, FEATURES[:2])


def test_a_name_that_is_given_twice_is_refused(nameless: Any, table: pd.DataFrame) -> None:
    with pytest.raises(UsageError, match="twice"):
        select_features(_source(nameless), table, [*FEATURES[:5], FEATURES[0]])


def test_names_that_contradict_the_model_are_refused(models: Models, table: pd.DataFrame) -> None:
    with pytest.raises(UsageError, match="the model has"):
        select_features(_source(models.booster), table, ["won", "risk"])


def test_the_same_names_in_another_order_are_the_models(models: Models, table: pd.DataFrame) -> None:
    selected = select_features(_source(models.booster), table, list(reversed(FEATURES)))
    assert list(selected.columns) == FEATURES


def test_an_estimator_that_was_fitted_on_an_array_has_a_count(table: pd.DataFrame) -> None:
    from sklearn.linear_model import LinearRegression

    model = LinearRegression().fit(np.ones((4, 2)), np.arange(4))
    with pytest.raises(UsageError, match="takes 2 features"):
        select_features(_source(model), table, None)
