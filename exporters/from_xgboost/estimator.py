"""How an XGBoost model answers: which trees take part, what counts as missing, what is a label."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from onnxport.exporters.assemble import class_path
from onnxport.exporters.refused import Refused, check_methods

from .booster import Linear, Model, read_booster

if TYPE_CHECKING:
    from xgboost import Booster, XGBModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimator:
    """A Booster or a scikit-learn wrapper around one, as it answers.

    Attributes:
        model: What the Booster predicts with.
        trees: How many trees take part; 0 for a linear model.
        rounds: Of how many boosting rounds these are, and of how many there are.
        in_place: Whether it answers by XGBoost's prediction in place.
        missing: What counts as missing besides NaN, float32; `None` where nothing does.
        task: `classifier` answers labels and probabilities, the others a prediction.
        classes: The wrapper's `n_classes_`; 0 where it has none.
        objective: The wrapper's own idea of its objective, which decides some answers.
    """

    model: Model
    trees: int
    rounds: tuple[int, int]
    in_place: bool
    missing: np.float32 | None
    task: Literal["booster", "regressor", "classifier"]
    classes: int = 0
    objective: str = ""


def read_estimator(model: Any, step: str) -> Estimator:  # ruff: ignore[ANN401] - a foreign estimator
    """How `model`, a Booster or an estimator of XGBoost's scikit-learn interface, answers.

    Raises:
        Refused: It answers by code that is not XGBoost's, or by a kind of booster that we do not know.
        IntegrityError: XGBoost saved what we cannot read.
    """
    # ruff: ignore[PLC0415] - loads only when needed
    import xgboost

    if isinstance(model, xgboost.Booster):
        return _booster(model, step)
    if isinstance(model, xgboost.XGBModel):
        return _wrapper(model, step)
    raise Refused(
        step,
        f"{class_path(model)} is neither a Booster nor an estimator of XGBoost's scikit-learn interface",
        "Export its Booster: `get_booster()`.",
    )


def _booster(booster: Booster, step: str) -> Estimator:
    """A Booster answers with all of its trees, early stopping or not."""
    model = read_booster(booster, step)
    trees, rounds = _rounds(model, None, step)
    return Estimator(model=model, trees=trees, rounds=rounds, in_place=False, missing=None, task="booster")


def _wrapper(model: XGBModel, step: str) -> Estimator:
    """A wrapper answers with the trees up to the best iteration, where early stopping has found one."""
    # ruff: ignore[PLC0415] - loads only when needed
    import xgboost

    if not hasattr(model, "_Booster"):
        raise Refused(step, f"{class_path(model)} is not fitted", "Call fit or load_model first.")
    check_methods(
        model, step, "xgboost.sklearn", "Export the XGBoost estimator without the override, or its Booster."
    )
    booster = read_booster(model.get_booster(), step)
    in_place = model.booster != "gblinear"
    best = getattr(model, "best_iteration", None) if in_place else None
    trees, rounds = _rounds(booster, best, step)
    if in_place and booster.kind == "dart" and not trees:
        raise Refused(
            step,
            "it is a dart model without trees, for which XGBoost's own prediction in place fails",
            "Train at least one round, or export the Booster.",
        )
    classifier = isinstance(model, xgboost.XGBClassifier)
    return Estimator(
        model=booster,
        trees=trees,
        rounds=rounds,
        in_place=in_place,
        missing=_missing(model.missing),
        task="classifier" if classifier else "regressor",
        classes=int(model.n_classes_) if classifier else 0,
        objective=model.objective if isinstance(model.objective, str) else "",
    )


def _rounds(model: Model, best: int | None, step: str) -> tuple[int, tuple[int, int]]:
    if isinstance(model.core, Linear):
        return 0, (0, 0)
    available = len(model.core.rounds) - 1
    used = available if best is None else best + 1
    if used > available:
        raise Refused(
            step,
            f"its best iteration is {best}, but it has {available} rounds, so that XGBoost cannot predict either",
            "Remove the attribute `best_iteration`, or export the Booster.",
        )
    return int(model.core.rounds[used]), (used, available)


def _missing(value: float | None) -> np.float32 | None:
    """What XGBoost compares with, which is in float32."""
    return None if value is None or math.isnan(value) else np.float32(value)
