from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from onnxport.artifacts import Silent, UsageError
from onnxport.sources import TrainAccess
from onnxport.sources.dataset import Dataset, read_dataset
from onnxport.sources.recipe import Recipe

ROWS = 200


def _frame() -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "x": random.normal(size=ROWS),
            "stage": random.choice(["new", "old", None], ROWS),
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(random.permutation(ROWS), unit="D"),
            "tenant": random.choice(list("abcdefghij"), ROWS),
            "y": random.integers(0, 2, ROWS).astype(float),
        }
    )


def _dataset(
    frame: pd.DataFrame | None = None, filters: list[dict[str, Any]] | None = None, **changes: Any
) -> Dataset:
    (_frame() if frame is None else frame).to_parquet("rows.parquet")
    content = {
        "name": "m",
        "data": {"path": "rows.parquet", "filters": filters or []},
        "features": ["x"],
        "target": "y",
        "model": {"estimator": "xgboost.XGBClassifier"},
        **changes,
    }
    return read_dataset(Recipe.model_validate(content), TrainAccess(), Silent())


def test_a_random_split_holds_out_its_share_and_every_row_is_in_one_part() -> None:
    dataset = _dataset(split={"by": "random", "test": 0.25})
    assert len(dataset.test) == 50
    assert sorted([*dataset.train["day"], *dataset.test["day"]]) == sorted(_frame()["day"])


def test_a_split_by_time_holds_out_the_last_rows_and_sorts_the_others() -> None:
    dataset = _dataset(split={"by": "time", "column": "day", "test": 0.1})
    assert len(dataset.test) == 20
    assert dataset.train["day"].is_monotonic_increasing
    assert dataset.train["day"].max() < dataset.test["day"].min()


def test_a_split_by_group_tears_no_group_apart() -> None:
    dataset = _dataset(split={"by": "group", "column": "tenant", "test": 0.3})
    assert not set(dataset.train["tenant"]) & set(dataset.test["tenant"])
    assert 0.3 * ROWS <= len(dataset.test) < ROWS / 2


@pytest.mark.parametrize("split", [{"by": "random"}, {"by": "group", "column": "tenant"}])
def test_the_seed_decides_the_split(split: dict[str, Any]) -> None:
    one, again, other = (_dataset(split=split, seed=seed).test["day"].tolist() for seed in (1, 1, 2))
    assert one == again != other


@pytest.mark.parametrize(
    ("condition", "kept"),
    [
        ({"column": "x", "op": ">", "value": 0}, lambda frame: frame["x"] > 0),
        ({"column": "x", "op": "<=", "value": 0.5}, lambda frame: frame["x"] <= 0.5),
        ({"column": "stage", "op": "==", "value": "new"}, lambda frame: frame["stage"] == "new"),
        ({"column": "stage", "op": "!=", "value": "new"}, lambda frame: frame["stage"] == "old"),
        ({"column": "stage", "op": "in", "value": ["new"]}, lambda frame: frame["stage"] == "new"),
        ({"column": "stage", "op": "not in", "value": ["new"]}, lambda frame: frame["stage"] == "old"),
        ({"column": "stage", "op": "notnull"}, lambda frame: frame["stage"].notna()),
        ({"column": "day", "op": ">=", "value": "2024-03-01"}, lambda frame: frame["day"] >= "2024-03-01"),
    ],
)
def test_filters_keep_what_they_say_and_never_a_missing_value(condition: dict[str, Any], kept: Any) -> None:
    dataset = _dataset(filters=[condition])
    frame = _frame()
    assert sorted([*dataset.train["day"], *dataset.test["day"]]) == sorted(
        frame[kept(frame).fillna(value=False)]["day"]
    )


def test_rows_without_a_target_are_left_out() -> None:
    frame = _frame()
    frame.loc[:49, "y"] = np.nan
    dataset = _dataset(frame)
    assert len(dataset.train) + len(dataset.test) == ROWS - 50


def test_columns_that_the_recipe_names_and_the_data_lacks_are_listed() -> None:
    with pytest.raises(UsageError, match="lacks 'amount', 'nowhere'"):
        _dataset(features=["x", "amount"], segments=["nowhere"])


def test_filters_that_leave_nothing_are_refused() -> None:
    with pytest.raises(UsageError, match="0 rows to train on"):
        _dataset(filters=[{"column": "x", "op": ">", "value": 1000}])


def test_a_filter_of_another_type_is_refused() -> None:
    with pytest.raises(UsageError, match="does not fit"):
        _dataset(filters=[{"column": "x", "op": ">", "value": "high"}])


def test_a_missing_time_is_refused() -> None:
    frame = _frame()
    frame.loc[3, "day"] = pd.NaT
    with pytest.raises(UsageError, match="1 rows have no 'day'"):
        _dataset(frame, split={"by": "time", "column": "day"})


@pytest.mark.parametrize(
    ("split", "law"),
    [
        ({"by": "time", "column": "day"}, lambda _, fit, test: max(fit) < min(test)),
        (
            {"by": "group", "column": "tenant"},
            lambda train, fit, test: not set(train["tenant"].iloc[fit]) & set(train["tenant"].iloc[test]),
        ),
        ({"by": "random"}, lambda _, fit, test: not set(fit) & set(test)),
    ],
)
def test_folds_are_cut_as_the_split_is(split: dict[str, Any], law: Any) -> None:
    dataset = _dataset(split=split)
    folds = list(dataset.folds(3))
    assert len(folds) == 3
    assert all(law(dataset.train, fit, test) for fit, test in folds)


def test_other_data_can_take_the_place_of_the_recipes() -> None:
    dataset = _dataset()
    _frame().head(50).to_csv("other.csv", index=False)
    other = read_dataset(dataset.recipe, TrainAccess(data="other.csv"), Silent())
    assert len(other.train) + len(other.test) == 50
