"""Which converter takes which estimator: by the class, from one literal list of families."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from .refusals import REASONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .converter import Converter
    from .foreign import Estimator
    from .scope import Scope

_FAMILIES = (
    "boosted",
    "calibrating",
    "cat",
    "clusters",
    "compose",
    "constants",
    "densities",
    "discretizing",
    "encoding",
    "ensembles",
    "forests",
    "functions",
    "histograms",
    "imputing",
    "iterating",
    "kernels",
    "light",
    "linear",
    "multiple",
    "neighbours",
    "networks",
    "polynomials",
    "projections",
    "quantiles",
    "scaling",
    "thresholds",
)
_HARMLESS = frozenset({"fit", "fit_transform", "fit_predict", "partial_fit", "score", "get_params", "set_params"})


@cache
def converters() -> Mapping[str, Converter]:
    """Class name to converter."""
    modules = [import_module(f".{family}", __package__) for family in _FAMILIES]
    return {name: converter for module in modules for name, converter in module.CONVERTERS.items()}


def converter_of(scope: Scope, estimator: Estimator) -> Converter:
    """The converter of the estimator's class, or of the ancestor whose methods it inherits unchanged.

    Raises:
        Refused: There is none, or the class overrides what the ancestor computes.
    """
    changed: list[str] = []
    for ancestor in type(estimator).__mro__:
        known = ancestor.__module__.partition(".")[0] in {"catboost", "lightgbm", "sklearn", "xgboost"}
        converter = converters().get(ancestor.__name__) if known else None
        if converter is not None and not changed:
            return converter
        if converter is not None:
            raise scope.refuse(
                f"{type(estimator).__name__} changes {', '.join(sorted(changed))} of {ancestor.__name__}",
                f"Use {ancestor.__name__} itself, or serve this model from its source.",
            )
        changed += [
            name
            for name, value in vars(ancestor).items()
            if not name.startswith("__")
            and name not in _HARMLESS
            and (callable(value) or isinstance(value, property))
        ]
    reason, instead = REASONS.get(
        type(estimator).__name__,
        (
            "nobody has written what it computes as a graph",
            "Replace this step by one that has one (docs/coverage.md), or serve this model from its source.",
        ),
    )
    raise scope.refuse(
        f"{type(estimator).__module__}.{type(estimator).__qualname__} has no exact converter: {reason}", instead
    )
