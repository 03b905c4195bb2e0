"""What an objective does to margins: where the sum starts, and which function makes the prediction of it.

The formulas are those of XGBoost's `src/objective` and `src/common/math.h`, step by step in float32.
Exponentials are computed in float64 and rounded once, which is what the C library's `expf` that XGBoost calls
comes to in all but about one of a thousand cases; the float32 `Exp` of the runtime is further off.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from onnxport.exporters.refused import Refused

if TYPE_CHECKING:
    from onnxport.artifacts import Column
    from onnxport.exporters.graph import GraphBuilder

    from .booster import Model

Link = Literal["identity", "sigmoid", "exp", "step", "softmax", "argmax"]
Inverse = Literal["identity", "logit", "log"]

_EPSILON = np.float32(1e-6)
"""XGBoost's `kRtEps`: a logistic base score is kept so far from 0 and 1."""
_LARGEST_EXPONENT = 88.7
"""From XGBoost's `Sigmoid`: beyond it float32 overflows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """An objective at prediction time.

    Attributes:
        link: From margin to prediction.
        inverse: From the stored base score to the margin that sums start from.
    """

    link: Link
    inverse: Inverse = "identity"


_LOGISTIC = Objective(link="sigmoid", inverse="logit")
_LOG = Objective(link="exp", inverse="log")
_IDENTITY = Objective(link="identity")

_OBJECTIVES: dict[str, Objective] = {
    "binary:hinge": Objective(link="step"),
    "binary:logistic": _LOGISTIC,
    "binary:logitraw": _IDENTITY,
    "count:poisson": _LOG,
    "multi:softmax": Objective(link="argmax"),
    "multi:softprob": Objective(link="softmax"),
    "rank:map": _IDENTITY,
    "rank:ndcg": _IDENTITY,
    "rank:pairwise": _IDENTITY,
    "reg:absoluteerror": _IDENTITY,
    "reg:gamma": _LOG,
    "reg:logistic": _LOGISTIC,
    "reg:pseudohubererror": _IDENTITY,
    "reg:quantileerror": _IDENTITY,
    "reg:squarederror": _IDENTITY,
    "reg:squaredlogerror": _IDENTITY,
    "reg:tweedie": _LOG,
    "survival:aft": _LOG,
    "survival:cox": _LOG,
}


def objective_of(model: Model, step: str) -> Objective:
    """What the model's objective does.

    Raises:
        Refused: We do not know the objective.
    """
    if (found := _OBJECTIVES.get(model.objective)) is None:
        raise Refused(
            f"{step}.objective",
            f"the objective {model.objective!r} is not known, so neither is its link function",
            f"Use one of {', '.join(sorted(_OBJECTIVES))}, or a custom objective on one of them.",
        )
    return found


def margin_of_intercept(model: Model, objective: Objective) -> Column:
    """Where the float32 sum of each output starts, `(outputs,)`."""
    base = model.intercept.astype(np.float32)
    if model.intercept_is_margin:
        return base
    if objective.inverse == "log":
        return np.array([_logf(value) for value in base], dtype=np.float32)
    if objective.inverse == "logit":
        one = np.float32(1)
        bounded = np.minimum(np.maximum(base, _EPSILON), one - _EPSILON)
        return np.array([-_logf(one / value - one) for value in bounded], dtype=np.float32)
    return base


def add_link(builder: GraphBuilder, margin: str, link: Link) -> str:
    """The prediction for `margin`, `(n, outputs)`: of the same shape, for `argmax` the int64 class, `(n,)`."""
    match link:
        case "identity":
            return margin
        case "sigmoid":
            one = builder.constant(1.0, "float32")
            bounded = builder.add(
                "Min", builder.add("Neg", margin), builder.constant(_LARGEST_EXPONENT, "float32")
            )
            return builder.add("Div", one, builder.add("Add", _exp(builder, bounded), one))
        case "exp":
            return _exp(builder, margin)
        case "step":
            positive = builder.add("Greater", margin, builder.constant(0.0, "float32"))
            return builder.cast(positive, "float32")
        case "softmax":
            return add_softmax(builder, margin)
        case "argmax":
            return builder.add("ArgMax", margin, axis=1, keepdims=0)


def add_softmax(builder: GraphBuilder, margin: str) -> str:
    """The softmax of each row, `(n, outputs)`: the sum runs in float64, as XGBoost's does."""
    axis = builder.constant([1], "int64")
    largest = builder.add("ReduceMax", margin, axis, keepdims=1)
    powers = _exp(builder, builder.add("Sub", margin, largest))
    total = builder.add("ReduceSum", builder.cast(powers, "float64"), axis, keepdims=1)
    return builder.add("Div", powers, builder.cast(total, "float32"))


def _exp(builder: GraphBuilder, value: str) -> str:
    return builder.cast(builder.add("Exp", builder.cast(value, "float64")), "float32")


def _logf(value: np.float32) -> np.float32:
    """The C library's float32 logarithm, which XGBoost calls; numpy's own differs by an ulp for some numbers."""
    function = ctypes.CDLL(None).logf
    function.restype, function.argtypes = ctypes.c_float, [ctypes.c_float]
    return np.float32(function(float(value)))
