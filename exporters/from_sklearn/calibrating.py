"""Calibrated classifiers: what each calibrator makes of a classifier's scores, and their mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .converter import Converter
from .linear import by_probability
from .scope import has_method
from .searching import as_rows, interpolate, interpolate_left
from .tensor import join

if TYPE_CHECKING:
    from onnxport.artifacts import Dtype

    from .columns import Columns
    from .foreign import Estimator
    from .scope import Scope
    from .tensor import Tensor

_BINARY = 2
_LOGIT_GUARD = 1e-12  # sklearn.calibration._convert_to_logits


def _calibrated(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    members = estimator.calibrated_classifiers_
    total = None
    for index, member in enumerate(members):
        inner = scope.at(f"calibrated_classifiers_[{index}]")
        share = _member(inner, member, columns)
        total = share if total is None else total + share
    if total is None:
        raise scope.refuse("it has no calibrated classifier", "Fit it again.")
    return total / float(len(members))


def _member(scope: Scope, member: Estimator, columns: Columns) -> Tensor:
    classes = np.asarray(member.classes)
    seen = np.asarray(member.estimator.classes_)
    if len(seen) != len(classes) or (member.method != "temperature" and not np.array_equal(seen, classes)):
        raise scope.refuse(
            "its classifier has not seen all classes",
            "Use a stratified split for cv, with every class in every fold.",
        )
    scores, kind = responses(scope.at("estimator"), member.estimator, columns)
    if member.method == "temperature":
        shares = _tempered(member.calibrators[0], scores, kind, len(classes))
    else:
        shares = _one_by_one(member, scores, len(classes))
    above = (shares > 1.0) & (shares <= 1.0 + 1e-5)
    return above.where(shares.like(1.0), shares)


def responses(scope: Scope, estimator: Estimator, columns: Columns) -> tuple[Tensor, str]:
    """The classifier's scores, `(n, 1)` for two classes and `(n, C)` for more, and which method gave them."""
    if has_method(estimator, "decision_function"):
        scores = scope.score(estimator, "decision_function", columns)
        binary = len(estimator.classes_) == _BINARY
        return (scores.unsqueeze(1) if binary else scores), "decision_function"
    shares = scope.probabilities(estimator, columns)
    return (shares.column(1) if len(estimator.classes_) == _BINARY else shares), "predict_proba"


def _one_by_one(member: Estimator, scores: Tensor, classes: int) -> Tensor:
    shares = [
        _calibrate(calibrator, scores.column(index)).cast("float64")
        for index, calibrator in enumerate(member.calibrators)
    ]
    if classes == _BINARY:
        return join([1.0 - shares[0], shares[0]])
    joined = join(shares)
    total = joined.total()
    return total.equals(0.0).where(joined.like(np.full((1, classes), 1 / classes)), joined / total)


def _calibrate(calibrator: Estimator, score: Tensor) -> Tensor:
    if type(calibrator).__name__ == "IsotonicRegression":
        return isotonic(calibrator, score)
    # the parameters are float64 and so is the product, whatever the score is
    return (score.cast("float64") * float(calibrator.a_) + float(calibrator.b_)).sigmoid_of_negative()


def _tempered(calibrator: Estimator, scores: Tensor, kind: str, classes: int) -> Tensor:
    beta = np.asarray(calibrator.beta_)
    if kind == "predict_proba":
        if classes == _BINARY:
            scores = join([1.0 - scores, scores])
        logits = (scores + _LOGIT_GUARD).log()
    elif classes == _BINARY:
        logits = join([-scores, scores])
    else:
        logits = scores
    held: Dtype = "float32" if beta.dtype == np.float32 and logits.dtype == "float32" else "float64"
    return (logits.cast(held) * beta).softmax().cast("float64")


def isotonic(estimator: Estimator, values: Tensor) -> Tensor:
    """The isotonic function of each value, shape `(n, 1)`, in the dtype of its knots, as in the source."""
    knots, answers = estimator.X_thresholds_, estimator.y_thresholds_
    values = values.cast("float32" if knots.dtype == np.float32 else "float64")
    outside = None
    if estimator.out_of_bounds == "clip":
        values = values.clip(estimator.X_min_, estimator.X_max_)
    elif estimator.out_of_bounds == "nan":
        outside = (values < knots[0]) | (values > knots[-1])
    if len(answers) == 1:
        answer: Tensor = values * 0 + answers[0]
        return answer
    function = interpolate if knots.dtype == np.float64 == answers.dtype else interpolate_left
    result = function(values, *as_rows(knots, answers))
    return result if outside is None else outside.where(values.like(np.nan), result)


def _isotonic_predict(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    if columns.width != 1:
        raise scope.refuse(f"it takes one column, found {columns.width}", "Select the column first.")
    return isotonic(estimator, scope.numbers(columns)).flat()


CONVERTERS = {
    "CalibratedClassifierCV": Converter(
        predict=by_probability, predict_proba=_calibrated, note="isotonic knots in the dtype of the scores"
    ),
    "IsotonicRegression": Converter(predict=_isotonic_predict),
}
