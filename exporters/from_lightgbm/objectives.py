"""What an objective does to the sums of leaves: LightGBM's `ConvertOutput`, in double precision.

The formulas are those of LightGBM's `src/objective`, step by step. A model saves its objective's parameters with
six digits, and so does every file that it is read from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnxport.exporters.refused import Refused

if TYPE_CHECKING:
    from onnxport.exporters.from_sklearn.tensor import Tensor

    from .saved import Model

_IDENTITY = frozenset({"fair", "huber", "lambdarank", "mape", "quantile", "rank_xendcg"})
_SQUARED = frozenset({"fair", "mape", "quantile", "regression", "regression_l1"})
_EXPONENTIAL = frozenset({"gamma", "poisson", "tweedie"})
_SIGMOID = frozenset({"binary", "cross_entropy", "multiclassova"})


def add_link(scores: Tensor, model: Model, step: str) -> Tensor:
    """What the Booster answers for the float64 `scores`, `(n, outputs)`; of the same shape.

    Raises:
        Refused: We do not know the objective.
    """
    if not model.objective:  # an objective of the user's own: LightGBM answers the scores
        return scores
    name, *parameters = model.objective
    if "sqrt" in parameters and name in _SQUARED:
        sign = scores.op("Sign")
        return sign * scores * scores
    if name in _SIGMOID:
        return (scores * _parameter(parameters, "sigmoid")).sigmoid()
    if name in _EXPONENTIAL:
        return scores.exp()
    if name == "multiclass":
        return scores.softmax()
    if name == "cross_entropy_lambda":
        return (scores.exp() + 1.0).log()
    if name in _IDENTITY | _SQUARED:
        return scores
    raise Refused(
        f"{step}.objective",
        f"the objective {name!r} is not known, so neither is its link function",
        "Use one of LightGBM's own objectives, or serve this model from its source.",
    )


def _parameter(parameters: list[str], name: str) -> float:
    found = dict(parameter.split(":") for parameter in parameters if ":" in parameter)
    return float(found.get(name, 1.0))
