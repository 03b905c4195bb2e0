"""Distances and kernels between rows and the rows that a model keeps, shape `(n, m)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from onnxport.artifacts import Column

    from .foreign import Estimator, Foreign
    from .scope import Scope
    from .tensor import Tensor

_SOME = 200  # rows that are looked at
_LOST = 1e-8  # share of a squared distance that may be lost
_OTHER_METRIC = "Use the euclidean or manhattan metric."


def powers_sum(x: Tensor, kept: Column, power: float) -> Tensor:
    """The sums of `|x - y| ** power`, one feature after the other, as trees of neighbours add them."""
    total = None
    for index in range(kept.shape[1]):
        apart = x.column(index) - kept[None, :, index]
        term = apart * apart if power == 2 else apart.absolute()  # ruff: ignore[PLR2004] - squares
        if power not in {1, 2}:
            term = term**power
        total = term if total is None else total + term
    assert total is not None  # ruff: ignore[S101] - no model is fitted on no feature
    return total


def squared(x: Tensor, kept: Column) -> Tensor:
    """Squared euclidean distances by one matrix product; around the mean of `kept`, so that little is lost."""
    kept = np.asarray(kept, dtype=np.float64)
    centre = kept.mean(axis=0)
    near, moved = x - centre, kept - centre
    distances = (near * near).total() - (near @ (2.0 * moved.T)) + (moved * moved).sum(axis=1)[None, :]
    answer: Tensor = (distances < 0.0).where(distances.like(0.0), distances)
    return answer


def nearest(x: Tensor, centres: Column) -> Tensor:
    """The index of the nearest centre, the first of several, `(n,)`.

    Squared distances without the part that all centres share, as scikit-learn computes them: for rows far away
    from all centres that decides which one is nearest.
    """
    centres = np.asarray(centres, dtype=np.float64)
    answer: Tensor = (x @ (2.0 * centres.T) - (centres * centres).sum(axis=1)[None, :]).argmax()
    return answer


def minkowski(scope: Scope, estimator: Estimator, x: Tensor, kept: Column) -> Tensor:
    """Distances by the estimator's metric.

    Raises:
        Refused: The metric is neither euclidean nor manhattan nor minkowski nor chebyshev.
    """
    metric = estimator.effective_metric_
    powers = {"euclidean": 2.0, "l2": 2.0, "manhattan": 1.0, "cityblock": 1.0, "l1": 1.0}
    given = {name: value for name, value in estimator.effective_metric_params_.items() if value is not None}
    if metric == "minkowski" and not set(given) - {"p"}:
        powers["minkowski"] = float(given.get("p", 2.0))
    if metric not in powers:
        raise scope.refuse(f"the metric {metric!r}", _OTHER_METRIC)
    power = powers[metric]
    sums = powers_sum(x, np.asarray(kept, dtype=np.float64), power)
    if power == 1:
        return sums
    return sums.sqrt() if power == 2 else sums ** (1.0 / power)  # ruff: ignore[PLR2004] - squares


def accept_far(scope: Scope) -> None:
    """The plan accepts another nearest row than the source's for rows far away from all of them."""
    scope.accept(
        "extreme differs",
        "far away all kept rows are equally far, the nearest is chance",
    )


def check_digits(scope: Scope, kept: Column) -> None:
    """Nothing, if distances by one matrix product keep their digits: that is how the source computes them.

    Raises:
        Refused: The rows are close together and far from 0, so that the source's distances are rounding errors.
    """
    some = np.asarray(kept[:_SOME], dtype=np.float64)
    squares = ((some[:, None] - some[None]) ** 2).sum(axis=2)
    squares[squares == 0] = np.inf
    lost = 4 * np.finfo(np.float64).eps * float((some**2).sum(axis=1).max())
    if lost > _LOST * float(np.median(squares.min(axis=1))):
        raise scope.refuse(
            "the training rows are close together and far from 0: the source's own distances are rounding errors",
            "Put a StandardScaler in front of it.",
        )


def kernel(scope: Scope, name: object, x: Tensor, kept: Column, **parameters: Foreign) -> Tensor:
    """What `sklearn.metrics.pairwise.pairwise_kernels` answers for the kernel `name`.

    Raises:
        Refused: The kernel is code of the project's own, or not one of the usual ones.
    """
    kept = np.asarray(kept, dtype=np.float64)
    gamma = parameters.get("gamma")
    gamma = 1.0 / kept.shape[1] if gamma is None else float(gamma)
    if name == "rbf":
        return (squared(x, kept) * -gamma).exp()
    if name == "laplacian":
        return (powers_sum(x, kept, 1.0) * -gamma).exp()
    if name == "cosine":
        norm, size = (x * x).total().sqrt(), np.linalg.norm(kept, axis=1, keepdims=True)
        return (x / norm.equals(0.0).where(norm.like(1.0), norm)) @ (kept / np.where(size == 0, 1.0, size)).T
    if name not in {"linear", "poly", "polynomial", "sigmoid"}:
        raise scope.refuse(
            f"the kernel {name!r}", "Use the kernel linear, poly, rbf, sigmoid, laplacian or cosine."
        )
    product = x @ kept.T
    if name == "linear":
        return product
    shifted = product * gamma + float(parameters.get("coef0", 1.0))
    if name == "sigmoid":
        return shifted.op("Tanh")
    return whole_power(shifted, parameters.get("degree", 3))


def whole_power(x: Tensor, power: float) -> Tensor:
    """`x ** power`; by products where it is a small whole number, as C libraries do."""
    if float(power) != int(power) or not 1 <= power <= 16:  # ruff: ignore[PLR2004] - beyond that Pow is as good
        return x ** float(power)
    result, factor, rest = None, x, int(power)
    while rest:
        if rest & 1:
            result = factor if result is None else result * factor
        factor = factor * factor
        rest >>= 1
    return x if result is None else result
