"""How a LightGBM model answers: which rounds take part, what is a label, and what nobody can translate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from onnxport.artifacts import PlanStep
from onnxport.exporters.assemble import class_path
from onnxport.exporters.refused import Refused, check_methods

from .saved import read_booster

if TYPE_CHECKING:
    from .saved import Model

_PREDICTION_PARAMETERS = ("pred_early_stop", "predict_raw_score", "raw_score", "is_predict_raw_score")
_INSTEAD = "Export the LightGBM estimator without it, or its Booster: `booster_`."


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimator:
    """A Booster or a scikit-learn wrapper around one, as it answers.

    Attributes:
        model: What the Booster predicts with.
        classes: A classifier's classes; `None` for all others.
        pair: Whether a classifier makes `[1 - p, p]` of its Booster's answer.
    """

    model: Model
    classes: tuple[Any, ...] | None = None
    pair: bool = False


def read_estimator(model: Any, step: str) -> Estimator:  # ruff: ignore[ANN401] - a foreign estimator
    """How `model`, a Booster or an estimator of LightGBM's scikit-learn interface, answers.

    Raises:
        Refused: It answers by code that is not LightGBM's, or in a way that we cannot reproduce.
        IntegrityError: LightGBM saved what we cannot read.
    """
    # ruff: ignore[PLC0415] - loads only when needed
    import lightgbm

    check_methods(model, step, "lightgbm", _INSTEAD)
    if isinstance(model, lightgbm.Booster):
        return Estimator(model=read_booster(model, step))
    if not isinstance(model, lightgbm.LGBMModel):
        raise Refused(
            step,
            f"{class_path(model)} is neither a Booster nor an estimator of LightGBM's scikit-learn interface",
            "Export its Booster: `booster_`.",
        )
    return _wrapper(model, step, classifier=isinstance(model, lightgbm.LGBMClassifier))


def plan_step(model: Any, estimator: Estimator, step: str) -> PlanStep:  # ruff: ignore[ANN401] - a foreign estimator
    """What the plan says about the model."""
    core = estimator.model
    available, used = core.rounds
    facts = f"objective {' '.join(core.objective) or 'of its own'}, {core.outputs} scores a row"
    return PlanStep(
        path=step,
        estimator=class_path(model),
        converter="onnxport",
        precision="float64",
        note=f"{facts}, {used} of {available} rounds",
    )


def _wrapper(model: Any, step: str, *, classifier: bool) -> Estimator:  # ruff: ignore[ANN401] - a foreign estimator
    if not model.__sklearn_is_fitted__():
        raise Refused(step, f"{class_path(model)} is not fitted", "Call fit first.")
    given = model.get_params()
    for name in _PREDICTION_PARAMETERS:
        if given.get(name):
            raise Refused(f"{step}.{name}", "it changes what the trees' sums are at prediction time", _INSTEAD)
    core = read_booster(model.booster_, step)
    if not classifier:
        return Estimator(model=core)
    if callable(model.objective_):
        raise Refused(
            f"{step}.objective",
            "with an objective of the user's own a LightGBM classifier answers neither labels nor probabilities",
            "Export its Booster: `booster_`.",
        )
    classes = tuple(value.item() if isinstance(value, np.generic) else value for value in model.classes_)
    outputs = 2 if core.outputs == 1 else core.outputs
    if len(classes) != outputs:
        raise Refused(
            f"{step}.objective",
            f"{core.outputs} scores a row for {len(classes)} classes: its labels mean nothing",
            "Train on at least two classes, with as many as the objective is given.",
        )
    return Estimator(model=core, classes=classes, pair=core.outputs == 1)
