"""How good a model is on rows that it has not seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnxport.artifacts import OverBudget, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .recipe import Gate

Numbers = np.ndarray[Any, np.dtype[Any]]

BINS = 10
"""Of the calibration error: ten of equal width, as reliability diagrams have."""


def classification(target: Numbers, probabilities: Numbers, classes: Numbers) -> dict[str, float]:
    """Log loss and accuracy; with two classes also AUC, Brier score and calibration error of the second.

    AUC is left out where `target` holds one class only: it has no meaning there.
    """
    from sklearn.metrics import log_loss, roc_auc_score  # ruff: ignore[PLC0415] - loads only when a recipe is trained

    found = {
        "log_loss": float(log_loss(target, probabilities, labels=classes)),
        "accuracy": float(np.mean(classes[probabilities.argmax(axis=1)] == target)),
    }
    if len(classes) != 2:  # ruff: ignore[PLR2004] - the other metrics are those of two classes
        return found
    truth, score = (target == classes[1]).astype(np.float64), probabilities[:, 1].astype(np.float64)
    found["brier"] = float(np.mean((score - truth) ** 2))
    found["calibration_error"] = calibration_error(truth, score)
    if 0 < truth.sum() < len(truth):
        found["auc"] = float(roc_auc_score(truth, score))
    return found


def calibration_error(truth: Numbers, score: Numbers) -> float:
    """Expected calibration error: mean distance of score and frequency over the bins, weighted by their rows."""
    bins = np.minimum((score * BINS).astype(np.int64), BINS - 1)
    distances = [abs(float((score - truth)[bins == index].sum())) for index in range(BINS)]
    return sum(distances) / len(truth)


def regression(target: Numbers, prediction: Numbers) -> dict[str, float]:
    """RMSE, MAE, and R² where `target` varies."""
    error = prediction.astype(np.float64) - target
    found = {"rmse": float(np.sqrt(np.mean(error**2))), "mae": float(np.mean(np.abs(error)))}
    spread = float(np.sum((target - target.mean()) ** 2))
    if spread > 0:
        found["r2"] = 1.0 - float(np.sum(error**2)) / spread
    return found


def check_gates(metrics: Mapping[str, float], gates: Mapping[Any, Gate]) -> None:
    """Every gate holds.

    Raises:
        OverBudget: One does not.
        UsageError: One is for a metric that this model does not have.
    """
    broken: list[str] = []
    for name, gate in gates.items():
        if name not in metrics:
            raise UsageError(f"there is a gate for {name}; the metrics are {', '.join(sorted(metrics))}")
        value = metrics[name]
        if gate.min is not None and not value >= gate.min:
            broken.append(f"{name} is {value:.4f}, at least {gate.min} is allowed")
        if gate.max is not None and not value <= gate.max:
            broken.append(f"{name} is {value:.4f}, at most {gate.max} is allowed")
    if broken:
        raise OverBudget(
            f"the model does not pass its gates: {'; '.join(broken)}",
            hint="Nothing was registered. Look at the run in MLflow; then change the recipe or the data.",
        )
