"""Where LightGBM cannot be followed exactly, there is no graph but a reason."""

from __future__ import annotations

from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
from exporting import REFERENCE, exported, refusal
from lightgbm_cases import CASES, CATEGORICAL, SETTINGS, SMALL, classes, signal, table, with_categories
from onnxport.artifacts import IntegrityError, SourceModel, UsageError
from onnxport.exporters import ExportOptions, export


class Doubled(lgb.LGBMRegressor):
    """A subclass that answers in its own way."""

    def predict(self, *arguments: Any, **options: Any) -> Any:
        return 2 * super().predict(*arguments, **options)


def test_linear_trees_are_refused() -> None:
    frame = table()
    model = lgb.LGBMRegressor(**SMALL, linear_tree=True).fit(frame, signal(frame))
    refused = refusal(model, frame)
    assert refused.step == "model.linear_tree"
    assert "linear_tree=false" in refused.instead


def test_a_subclass_with_a_predict_of_its_own_is_refused() -> None:
    frame = table()
    refused = refusal(Doubled(**SMALL).fit(frame, signal(frame)), frame)
    assert refused.step == "model.predict"


def test_a_model_that_is_not_fitted_is_refused() -> None:
    assert "not fitted" in refusal(lgb.LGBMRegressor(), table()).reason


def test_early_stopping_of_a_single_prediction_is_refused() -> None:
    frame = table()
    model = lgb.LGBMClassifier(**SMALL, pred_early_stop=True).fit(frame, classes(frame, 2))
    assert refusal(model, frame).step == "model.pred_early_stop"


def test_a_classifier_with_an_objective_of_the_users_own_is_refused() -> None:
    def logistic(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        share = 1 / (1 + np.exp(-scores))
        return share - labels, share * (1 - share)

    frame = table()
    model = lgb.LGBMClassifier(**SMALL, objective=logistic).fit(frame, classes(frame, 2))
    assert refusal(model, frame).step == "model.objective"


def test_a_classifier_of_one_class_is_refused() -> None:
    frame = table()
    model = lgb.LGBMClassifier(**SMALL).fit(frame, np.zeros(len(frame), dtype=int))
    assert "1 classes" in refusal(model, frame).reason


def test_a_frame_with_other_categorical_columns_is_refused() -> None:
    frame = with_categories()
    model = lgb.LGBMRegressor(**SMALL | CATEGORICAL).fit(frame, signal(frame))
    assert "2 columns of dtype category" in refusal(model, frame.assign(size=1.0)).reason
    assert "strings" in refusal(model, frame.astype({"kind": "str"})).reason


@pytest.mark.parametrize("columns", [["é", "a b", "f3", "f0", "$"], ["a b", "é", "f3", "f0"]])
def test_columns_that_are_missing_or_in_another_order_are_the_users_error(columns: list[str]) -> None:
    model, frame = CASES["squares"]()
    with pytest.raises(UsageError):
        exported(model, frame[columns])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\nleft_child=", "\nleft_child=99 "),
        ("\nthreshold=", "\nthreshold=x "),
        ("\nsplit_feature=", "\nsplit_feature=1 "),
    ],
)
def test_a_damaged_model_is_not_read(old: str, new: str) -> None:
    class Damaged(lgb.Booster):
        def model_to_string(self, *arguments: Any, **options: Any) -> str:
            text: str = super().model_to_string(*arguments, **options)
            assert old in text
            return text.replace(old, new, 1)

    frame = table()
    model = lgb.train(SETTINGS, lgb.Dataset(frame, signal(frame)), 2)
    damaged = Damaged(model_str=model.model_to_string())
    with pytest.raises(IntegrityError):
        export(SourceModel(reference=REFERENCE, model=damaged), frame.head(5), ExportOptions())
