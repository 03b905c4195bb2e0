"""What cannot be exact is refused with the step, the reason and a way out; a wrong sample is an error of use."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xgboost as xgb
from exporting import exported, refusal
from onnxport.artifacts import UsageError
from onnxport.exporters import ExportOptions
from onnxport.exporters.from_xgboost.booster import read_booster
from onnxport.exporters.from_xgboost.objectives import objective_of
from onnxport.exporters.refused import Refused
from xgboost_cases import CASES
from xgboost_data import binary, categorical, flags, signal, table
from xgboost_models import FIT, SMALL, Overriding, coded_booster, fitted, with_categories


def test_an_estimator_that_answers_in_its_own_way_is_refused() -> None:
    refused = refusal(*fitted(Overriding(**SMALL), table(), binary(table())))
    assert refused.step == "model.predict"
    assert "of its own" in refused.reason
    assert "Booster" in refused.instead


def test_an_estimator_that_is_not_fitted_is_refused() -> None:
    assert "not fitted" in refusal(xgb.XGBClassifier(), table()).reason


def test_what_is_no_model_is_refused() -> None:
    assert "is no model of XGBoost, LightGBM, CatBoost or scikit-learn" in refusal({"model": 1}, table()).reason
    assert "neither a Booster nor an estimator" in refusal(xgb.DMatrix(table()), table()).reason


def test_an_unknown_objective_is_refused_by_name() -> None:
    model, _ = CASES["squared error"]()
    unknown = replace(read_booster(model.get_booster(), "model"), objective="reg:tomorrow")
    with pytest.raises(Refused) as caught:
        objective_of(unknown, "pipeline.model")
    assert caught.value.refusal.step == "pipeline.model.objective"
    assert "reg:tomorrow" in caught.value.refusal.reason


def test_a_best_iteration_beyond_the_rounds_is_refused() -> None:
    model, frame = CASES["binary"]()
    model.get_booster().set_attr(best_iteration="99")
    assert "best iteration is 99" in refusal(model, frame).reason


def test_dart_without_a_tree_is_refused_as_xgboost_cannot_predict_it() -> None:
    refused = refusal(*fitted(xgb.XGBRegressor(booster="dart", n_estimators=0), table(), signal(table())))
    assert "without trees" in refused.reason


def test_a_classifier_whose_outputs_are_not_its_classes_is_refused() -> None:
    model, frame = fitted(xgb.XGBClassifier(**SMALL), table(), flags(table()))
    model.n_classes_ = 5
    assert "3 outputs for 5 classes" in refusal(model, frame).reason


def test_categories_without_a_vocabulary_are_refused() -> None:
    model, frame = coded_booster()
    frame = frame.assign(code=pd.Categorical.from_codes(np.arange(len(frame)) % 3, ["a", "b", "c"]))
    refused = refusal(model, frame)
    assert refused.step == "input 'code'"
    assert "no vocabulary" in refused.reason


def test_names_that_xgboost_cut_are_refused_in_another_order() -> None:
    model, frame = CASES["categories with accents"]()
    words = list(frame["stage1"].cat.categories)
    frame["stage1"] = frame["stage1"].cat.set_categories(words[::-1])
    assert "plain ASCII" in refusal(model, frame).reason


def test_a_missing_value_that_may_be_a_code_is_refused_with_categories() -> None:
    refused = refusal(*with_categories(missing=2.0)())
    assert refused.step == "model.missing"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda frame: frame[frame.columns[::-1]], "trained on the columns"),
        (lambda frame: frame.drop(columns="c"), "are missing"),
        (lambda frame: frame.assign(z=1.0), "'z'"),
        (lambda frame: frame.assign(a="text"), "dtype"),
        (lambda frame: frame.assign(a=pd.Timestamp(0)), "dtype"),
    ],
)
def test_a_sample_with_other_columns_is_an_error_of_use(change: Any, words: str) -> None:
    model, frame = CASES["binary"]()
    with pytest.raises(UsageError, match=words):
        exported(model, change(frame.head(5)))


def test_a_sample_of_another_width_is_an_error_of_use() -> None:
    model, frame = CASES["binary, from a matrix without names"]()
    with pytest.raises(UsageError, match="6 columns, the sample has 5"):
        exported(model, frame.iloc[:, :5])
    with pytest.raises(UsageError, match="same name"):
        exported(model, frame.set_axis(list("aabcde"), axis=1))


def test_categories_of_another_type_are_an_error_of_use() -> None:
    model, frame = with_categories()()
    frame = frame.assign(number=frame["stage0"], stage0=frame["number"])
    with pytest.raises(UsageError, match="the model was trained on strings"):
        exported(model, frame)


@pytest.mark.parametrize(
    ("runtime", "words"),
    [("onnxruntime>=1.9", "too old"), ("tensorrt>=1", "not understood"), ("onnxruntime==1.17", "not understood")],
)
def test_a_runtime_that_nobody_can_serve_is_an_error_of_use(runtime: str, words: str) -> None:
    model, frame = CASES["binary"]()
    with pytest.raises(UsageError, match=words):
        exported(model, frame, ExportOptions(runtime=runtime))


def test_bounds_that_are_none_are_an_error_of_use() -> None:
    with pytest.raises(UsageError, match="lower and a higher"):
        ExportOptions(clip=(1.0, 0.0))


def test_categories_of_a_column_that_was_numeric_in_training_are_refused() -> None:
    frame = categorical()[["x", "y"]]
    model = xgb.XGBRegressor(**SMALL).fit(frame.iloc[:FIT], signal(frame)[:FIT])
    now = frame.assign(y=pd.Categorical.from_codes(np.arange(len(frame)) % 2, ["a", "b"]))
    assert "no vocabulary" in refusal(model, now).reason
