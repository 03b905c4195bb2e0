"""Classifiers whose threshold was moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .compose import Inner
from .converter import Converter
from .scope import has_method

if TYPE_CHECKING:
    from .columns import Columns
    from .foreign import Estimator, Foreign
    from .scope import Method, Scope
    from .tensor import Tensor

_HALF, _ZERO = 0.5, 0.0


def _inner(estimator: Estimator) -> Foreign:
    return getattr(estimator, "estimator_", estimator.estimator)


def _fixed(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    method = _method(estimator)
    threshold = estimator.threshold
    if isinstance(threshold, str):
        threshold = _HALF if method == "predict_proba" else _ZERO
    return _decided(scope, estimator, columns, (threshold, estimator.pos_label))


def _tuned(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    label = estimator._curve_scorer._get_pos_label()  # ruff: ignore[SLF001] - the label that the threshold was tuned for
    return _decided(scope, estimator, columns, (estimator.best_threshold_, label))


def _method(estimator: Estimator) -> Method:
    if estimator.response_method != "auto":
        chosen: Method = estimator.response_method
        return chosen
    return "predict_proba" if has_method(_inner(estimator), "predict_proba") else "decision_function"


def _decided(scope: Scope, estimator: Estimator, columns: Columns, rule: tuple[Any, Any]) -> Tensor:
    threshold, label = rule
    inner = _inner(estimator)
    classes = np.asarray(inner.classes_)
    positive = int(np.flatnonzero(classes == (classes[-1] if label is None else label))[0])
    method = _method(estimator)
    scores = scope.at("estimator").score(inner, method, columns)
    if method == "predict_proba":
        scores = scores.column(positive).flat()
    elif positive == 0:
        scores = -scores
    if isinstance(
        threshold, np.floating
    ):  # numpy compares with a number of its own in the wider of both precisions
        scores = scores.cast("float64")
    above = scores >= threshold
    sides = (0, 1) if label is None else (1 - positive, positive)
    answer: Tensor = above.where(above.constant(sides[1], "int64"), sides[0])
    return answer


class _Passed(Inner):
    def __init__(self, method: Method) -> None:
        super().__init__("estimator", method)

    def __call__(self, scope: Scope, estimator: Estimator, columns: Columns, /) -> Tensor:
        return scope.at("estimator").score(_inner(estimator), self.method, columns)


_PASSED = {"predict_proba": _Passed("predict_proba"), "decision_function": _Passed("decision_function")}

CONVERTERS = {
    "FixedThresholdClassifier": Converter(
        predict=_fixed, predict_proba=_PASSED["predict_proba"], decision_function=_PASSED["decision_function"]
    ),
    "TunedThresholdClassifierCV": Converter(
        predict=_tuned, predict_proba=_PASSED["predict_proba"], decision_function=_PASSED["decision_function"]
    ),
}
