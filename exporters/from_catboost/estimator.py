"""How a CatBoost model answers: which class it is of, and which link function makes its prediction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from onnxport.artifacts import PlanStep
from onnxport.exporters.assemble import class_path
from onnxport.exporters.refused import Refused, check_methods

from .saved import read_model

if TYPE_CHECKING:
    from .saved import Model

Link = Literal["identity", "exp", "uncertainty", "sigmoid", "softmax"]

_LINKS: dict[str, Link] = {
    "RawFormulaVal": "identity",
    "Exponent": "exp",
    "RMSEWithUncertainty": "uncertainty",
}
"""From what CatBoost calls a prediction type."""
_CLASSIFIERS: dict[str, Link] = {
    "CrossEntropy": "sigmoid",
    "Focal": "sigmoid",
    "Logloss": "sigmoid",
    "MultiClass": "softmax",
    "MultiClassOneVsAll": "sigmoid",
    "MultiCrossEntropy": "sigmoid",
    "MultiLogloss": "sigmoid",
}
_LABELS = frozenset({"MultiCrossEntropy", "MultiLogloss"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimator:
    """A CatBoost model as it answers.

    Attributes:
        model: What it predicts with.
        link: From scores to its prediction, or to a classifier's probabilities.
        classes: A classifier's classes; `None` for all others.
        several: Whether a classifier answers 0 or 1 for each of several labels.
    """

    model: Model
    link: Link = "identity"
    classes: tuple[Any, ...] | None = None
    several: bool = False


def read_estimator(model: Any, step: str) -> Estimator:  # ruff: ignore[ANN401] - a foreign estimator
    """How `model`, of one of CatBoost's classes or a subclass, answers.

    Raises:
        Refused: It answers by code that is not CatBoost's, or in a way that we cannot reproduce.
        IntegrityError: CatBoost saved what we cannot read.
    """
    # ruff: ignore[PLC0415] - loads only when needed
    import catboost

    check_methods(model, step, "catboost", "Export the CatBoost model without the override.")
    if not model.is_fitted():
        raise Refused(step, f"{class_path(model)} is not fitted", "Call fit or load_model first.")
    read = read_model(model, step)
    if isinstance(model, catboost.CatBoostClassifier):
        return _classifier(model, read, step)
    if isinstance(model, catboost.CatBoostRegressor):
        return _regressor(model, read)
    return Estimator(model=read)


def plan_step(model: Any, estimator: Estimator, step: str) -> PlanStep:  # ruff: ignore[ANN401] - a foreign estimator
    """What the plan says about the model."""
    core = estimator.model
    facts = f"loss {core.loss or 'unknown'}, {core.outputs} scores a row, {len(core.trees)} trees"
    return PlanStep(
        path=step,
        estimator=class_path(model),
        converter="onnxport",
        precision="float64",
        note=f"{facts}: features are compared in float32, leaves are added in float64",
    )


def _regressor(model: Any, read: Model) -> Estimator:  # ruff: ignore[ANN401] - a foreign estimator
    kind = model._get_default_prediction_type()  # ruff: ignore[SLF001] - as its own predict asks
    return Estimator(model=read, link=_LINKS[kind])


def _classifier(model: Any, read: Model, step: str) -> Estimator:  # ruff: ignore[ANN401] - a foreign estimator
    link = _CLASSIFIERS.get(read.loss)
    if link is None:
        raise Refused(
            f"{step}.loss_function",
            f"the loss {read.loss or 'of its own'!r} does not say how scores become probabilities",
            f"Train with one of {', '.join(_CLASSIFIERS)}.",
        )
    classes = tuple(value.item() if isinstance(value, np.generic) else value for value in model.classes_)
    several = read.loss in _LABELS
    expected = 2 if read.outputs == 1 else read.outputs
    if not several and len(classes) != expected:
        raise Refused(
            f"{step}.classes",
            f"it has {read.outputs} scores a row for {len(classes)} classes: its labels mean nothing",
            "Train on at least two classes.",
        )
    return Estimator(model=read, link=link, classes=(0, 1) if several else classes, several=several)
