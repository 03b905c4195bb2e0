from __future__ import annotations

import numpy as np
import pytest
from onnxport.artifacts import OverBudget, UsageError
from onnxport.sources.metrics import calibration_error, check_gates, classification, regression
from onnxport.sources.recipe import Gate

TRUTH = np.array([0, 1, 1, 0, 1])
SCORE = np.array([0.1, 0.8, 0.6, 0.4, 0.35])


def test_two_classes_have_all_metrics_as_scikit_learn_computes_them() -> None:
    from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

    found = classification(TRUTH, np.c_[1 - SCORE, SCORE], np.array([0, 1]))
    assert found["auc"] == pytest.approx(roc_auc_score(TRUTH, SCORE))
    assert found["brier"] == pytest.approx(brier_score_loss(TRUTH, SCORE))
    assert found["log_loss"] == pytest.approx(log_loss(TRUTH, SCORE))
    assert found["accuracy"] == pytest.approx(0.8)


def test_one_class_alone_has_no_auc() -> None:
    found = classification(np.ones(3), np.full((3, 2), 0.5), np.array([0.0, 1.0]))
    assert "auc" not in found
    assert found["brier"] == pytest.approx(0.25)


def test_three_classes_have_the_metrics_that_mean_something() -> None:
    probabilities = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4]])
    assert set(classification(np.array([0, 1, 2]), probabilities, np.arange(3))) == {"log_loss", "accuracy"}


def test_the_calibration_error_weighs_each_bin_by_its_rows() -> None:
    truth, score = np.array([1.0, 0, 0, 0, 1, 1]), np.array([0.05, 0.05, 0.05, 0.05, 0.95, 1.0])
    assert calibration_error(truth, score) == pytest.approx((4 * abs(0.05 - 0.25) + 2 * abs(0.975 - 1)) / 6)


def test_regression_metrics_are_those_of_scikit_learn() -> None:
    from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

    target, prediction = np.array([1.0, 2.0, 4.0]), np.array([1.5, 2.0, 3.0])
    assert regression(target, prediction) == pytest.approx(
        {
            "rmse": root_mean_squared_error(target, prediction),
            "mae": mean_absolute_error(target, prediction),
            "r2": r2_score(target, prediction),
        }
    )


def test_a_target_that_does_not_vary_has_no_r2() -> None:
    assert set(regression(np.ones(3), np.ones(3))) == {"rmse", "mae"}


@pytest.mark.parametrize(
    ("gate", "holds"),
    [
        (Gate(min=0.5), True),
        (Gate(max=0.5), True),
        (Gate(min=0.51), False),
        (Gate(max=0.49), False),
        (Gate(), True),
    ],
)
def test_a_gate_holds_at_its_bound_and_not_beyond(gate: Gate, holds: bool) -> None:
    if holds:
        check_gates({"auc": 0.5}, {"auc": gate})
        return
    with pytest.raises(OverBudget, match=r"auc is 0\.5000"):
        check_gates({"auc": 0.5}, {"auc": gate})


def test_a_metric_that_is_no_number_passes_no_gate() -> None:
    with pytest.raises(OverBudget):
        check_gates({"auc": float("nan")}, {"auc": Gate(min=0.1)})


def test_a_gate_for_a_metric_that_the_model_lacks_is_refused() -> None:
    with pytest.raises(UsageError, match="the metrics are rmse"):
        check_gates({"rmse": 1.0}, {"auc": Gate(min=0.5)})
