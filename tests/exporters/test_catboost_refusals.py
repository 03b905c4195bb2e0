"""Where CatBoost cannot be followed exactly, there is no graph but a reason."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import catboost as cb
import numpy as np
import pytest
from catboost_cases import CASES, SMALL, classes, signal, table
from exporting import exported, refusal
from onnxport.artifacts import IntegrityError, UsageError


class Doubled(cb.CatBoostRegressor):
    """A subclass that answers in its own way."""

    def predict(self, *arguments: Any, **options: Any) -> Any:
        return 2 * super().predict(*arguments, **options)


class Weighed:
    """An objective of the user's own, for two classes."""

    def calc_ders_range(self, approxes: Any, targets: Any, weights: Any) -> list[tuple[float, float]]:
        assert weights is None
        shares = 1.0 / (1.0 + np.exp(-np.asarray(approxes)))
        return [(goal - share, -share * (1 - share)) for share, goal in zip(shares, targets, strict=True)]


def test_categories_are_refused_with_what_to_do_instead() -> None:
    frame = table().assign(kind=np.where(table()["f0"] > 0, "p", "q"))
    model = cb.CatBoostRegressor(**SMALL, cat_features=["kind"]).fit(frame, signal(table()))
    refused = refusal(model, frame)
    assert refused.step == "model.cat_features"
    assert "encoders" in refused.instead


def test_texts_are_refused() -> None:
    frame = table().assign(words=np.where(table()["f0"] > 0, "good day", "bad night"))
    model = cb.CatBoostClassifier(**SMALL, text_features=["words"]).fit(frame, classes(table(), 2))
    assert refusal(model, frame).step == "model.text_features"


def test_a_subclass_with_a_predict_of_its_own_is_refused() -> None:
    frame = table()
    assert refusal(Doubled(**SMALL).fit(frame, signal(frame)), frame).step == "model.predict"


def test_a_model_that_is_not_fitted_is_refused() -> None:
    assert "not fitted" in refusal(cb.CatBoostRegressor(), table()).reason


def test_a_classifier_with_an_objective_of_the_users_own_is_refused() -> None:
    frame = table()
    options = SMALL | {"iterations": 2, "loss_function": Weighed(), "eval_metric": "Logloss"}
    model = cb.CatBoostClassifier(**options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # CatBoost warns of objectives that run slowly
        model.fit(frame, classes(frame, 2))
    assert refusal(model, frame).step == "model.loss_function"


def test_a_sample_with_strings_for_numbers_is_refused() -> None:
    model, frame = CASES["squares"]()
    assert refusal(model, frame.assign(f0="1.5")).step == "column 'f0'"


@pytest.mark.parametrize("columns", [["é", "a b", "f3", "f0", "$", "same"], ["a b", "é", "f3", "f0", "$"]])
def test_columns_that_are_missing_or_in_another_order_are_the_users_error(columns: list[str]) -> None:
    model, frame = CASES["squares"]()
    with pytest.raises(UsageError, match="trained on the columns 'a b'"):
        exported(model, frame[columns])


@pytest.mark.parametrize(
    "damage",
    [
        lambda document: document.pop("scale_and_bias"),
        lambda document: document["oblivious_trees"][0]["leaf_values"].pop(),
        lambda document: document["oblivious_trees"][0]["splits"][0].update(float_feature_index=99),
        lambda document: document["oblivious_trees"][0]["leaf_values"].__setitem__(0, float("nan")),
    ],
)
def test_a_damaged_model_is_not_read(damage: Any) -> None:
    class Damaged(cb.CatBoostRegressor):
        def save_model(self, fname: str, *arguments: Any, **options: Any) -> None:
            super().save_model(fname, *arguments, **options)
            path = Path(fname)
            document = json.loads(path.read_text(encoding="utf-8"))
            damage(document)
            path.write_text(json.dumps(document), encoding="utf-8")

    frame = table()
    with pytest.raises(IntegrityError):
        exported(Damaged(**SMALL).fit(frame, signal(frame)), frame.head(5))
