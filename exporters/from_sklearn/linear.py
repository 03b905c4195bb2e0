"""Linear models: one matrix product, and what turns scores into probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .converter import Converter
from .tensor import join

if TYPE_CHECKING:
    from .columns import Columns
    from .foreign import Estimator, Foreign
    from .scope import Scope
    from .tensor import Tensor


def affine(x: Tensor, coefficients: Foreign, intercept: Foreign) -> Tensor:
    """`x @ coefficients.T + intercept`, shape `(n,)` where the coefficients are one vector or one row."""
    weights = np.asarray(coefficients, dtype=np.float64)
    scores = x @ np.atleast_2d(weights).T + np.asarray(intercept, dtype=np.float64).reshape(1, -1)
    return scores.flat() if weights.ndim == 1 or weights.shape[0] == 1 else scores


def decision(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    """The signed distances, `(n,)` for two classes."""
    coefficients = estimator.coef_
    if hasattr(coefficients, "toarray"):
        coefficients = coefficients.toarray()
    return affine(scope.doubles(columns, tolerant=True), coefficients, estimator.intercept_)


def by_decision(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    """The class on whose side the decision function is."""
    scores = scope.score(estimator, "decision_function", columns)
    return (scores > 0.0).cast("int64") if len(estimator.classes_) == 2 else scores.argmax()  # ruff: ignore[PLR2004]


def by_probability(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    """The class of the largest probability, the first of several."""
    return scope.probabilities(estimator, columns).argmax()


def two_columns(positive: Tensor) -> Tensor:
    """`[1 - p, p]`, shape `(n, 2)`, from p, shape `(n,)`."""
    column = positive.unsqueeze(1)
    return join([1.0 - column, column])


def _logistic(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    if getattr(estimator, "multi_class", None) == "ovr" and len(estimator.classes_) > 2:  # ruff: ignore[PLR2004]
        raise scope.refuse(
            "multi_class='ovr' answers differently in different versions of scikit-learn",
            "Use OneVsRestClassifier(LogisticRegression()).",
        )
    scores = scope.score(estimator, "decision_function", columns)
    return two_columns(scores.sigmoid()) if len(estimator.classes_) <= 2 else scores.softmax()  # ruff: ignore[PLR2004]


def _gradient_descent(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    scores = scope.score(estimator, "decision_function", columns)
    binary = len(estimator.classes_) == 2  # ruff: ignore[PLR2004]
    if estimator.loss == "log_loss":
        return sigmoids(scores, binary=binary)
    shares = (scores.clip(-1.0, 1.0) + 1.0) / 2.0
    if binary:
        return two_columns(shares)
    total = shares.total()
    nothing = total.equals(0.0)
    count = float(len(estimator.classes_))
    return nothing.where(shares.like(1.0), shares) / nothing.where(shares.like(count), total)


def sigmoids(scores: Tensor, *, binary: bool) -> Tensor:
    """One against the rest: `[1 - p, p]` for two classes, else each class's sigmoid over their sum."""
    shares = scores.sigmoid()
    return two_columns(shares) if binary else shares / shares.total()


def _regression(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    return shaped_like(
        affine(scope.doubles(columns, tolerant=True), estimator.coef_, estimator.intercept_), estimator.coef_
    )


def _generalized(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    scores = affine(scope.doubles(columns, tolerant=True), estimator.coef_, estimator.intercept_)
    link = type(estimator._base_loss.link).__name__  # ruff: ignore[SLF001] - the link has no public name
    if link not in {"IdentityLink", "LogLink"}:
        raise scope.refuse(f"the link {link}", "Use link='identity' or 'log'.")
    return scores.exp() if link == "LogLink" else scores


def shaped_like(values: Tensor, coefficients: Foreign) -> Tensor:
    """`values` with a second axis where the coefficients have one, though it be of size 1."""
    return values.unsqueeze(1) if np.ndim(coefficients) == 2 and len(coefficients) == 1 else values  # ruff: ignore[PLR2004]


_CLASSIFIER = Converter(predict=by_decision, decision_function=decision)
_REGRESSOR = Converter(predict=_regression)

CONVERTERS = {
    "LogisticRegression": Converter(predict=by_decision, predict_proba=_logistic, decision_function=decision),
    "LogisticRegressionCV": Converter(predict=by_decision, predict_proba=_logistic, decision_function=decision),
    "SGDClassifier": Converter(predict=by_decision, predict_proba=_gradient_descent, decision_function=decision),
    **dict.fromkeys(("GammaRegressor", "PoissonRegressor", "TweedieRegressor"), Converter(predict=_generalized)),
    **dict.fromkeys(
        ("LinearSVC", "Perceptron", "PassiveAggressiveClassifier", "RidgeClassifier", "RidgeClassifierCV"),
        _CLASSIFIER,
    ),
    **dict.fromkeys(
        (
            "ARDRegression",
            "BayesianRidge",
            "ElasticNet",
            "ElasticNetCV",
            "HuberRegressor",
            "Lars",
            "LarsCV",
            "Lasso",
            "LassoCV",
            "LassoLars",
            "LassoLarsCV",
            "LassoLarsIC",
            "LinearRegression",
            "LinearSVR",
            "MultiTaskElasticNet",
            "MultiTaskElasticNetCV",
            "MultiTaskLasso",
            "MultiTaskLassoCV",
            "OrthogonalMatchingPursuit",
            "OrthogonalMatchingPursuitCV",
            "PassiveAggressiveRegressor",
            "QuantileRegressor",
            "Ridge",
            "RidgeCV",
            "SGDRegressor",
            "TheilSenRegressor",
        ),
        _REGRESSOR,
    ),
}
