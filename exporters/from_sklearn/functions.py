"""FunctionTransformer for numpy's own functions, and targets that are transformed back."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .columns import Block, Columns, numbers
from .converter import Converter
from .smooth import expm1, log1p

if TYPE_CHECKING:
    from collections.abc import Callable

    from .foreign import Estimator, Foreign
    from .scope import Scope
    from .tensor import Tensor

_LN2, _LN10 = float(np.log(2.0)), float(np.log(10.0))

# By the function's name: numpy's and SciPy's element-wise functions.
_FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "absolute": lambda x: x.absolute(),
    "ceil": lambda x: x.op("Ceil"),
    "exp": lambda x: x.exp(),
    "exp2": lambda x: x.like(2.0) ** x,
    "expit": lambda x: x.sigmoid(),
    "expm1": expm1,
    "fabs": lambda x: x.absolute(),
    "floor": lambda x: x.op("Floor"),
    "isnan": lambda x: x.is_nan().cast("float64"),
    "log": lambda x: x.log(),
    "log10": lambda x: x.log() / _LN10,
    "log1p": log1p,
    "log2": lambda x: x.log() / _LN2,
    "logit": lambda x: (x / (1.0 - x)).log(),
    "negative": lambda x: -x,
    "positive": lambda x: x,
    "reciprocal": lambda x: 1.0 / x,
    "rint": lambda x: x.op("Round"),
    "sign": lambda x: x.is_nan().where(x, x.op("Sign")),
    "sin": lambda x: x.op("Sin"),
    "sqrt": lambda x: x.sqrt(),
    "square": lambda x: x * x,
    "tanh": lambda x: x.op("Tanh"),
}
_KEEP_SPARSE = frozenset({"absolute", "expm1", "fabs", "log1p", "negative", "positive", "sqrt", "square", "tanh"})
_EXACT = frozenset(
    {"absolute", "ceil", "fabs", "floor", "isnan", "negative", "positive", "rint", "sign", "sqrt", "square"}
)
_WIDE = frozenset({"float64", "int64", "int32", "uint32", "uint64"})
_INSTEAD = "Use one of numpy's functions by name (log1p, sqrt, …), or compute the column before the model."


def _name_of(function: object) -> str | None:
    """The name under which `_FUNCTIONS` has the function; `identity` where it changes nothing."""
    if function is None:
        return "identity"
    if isinstance(function, np.ufunc) and function.nin == 1:
        return function.__name__ if function.__name__ in _FUNCTIONS else None
    validation = isinstance(function, functools.partial) and function.func.__module__.startswith("sklearn.")
    if validation and function.func.__name__ == "check_array":  # type: ignore[attr-defined] # what HistGradientBoosting puts there
        return "identity"
    return None


def _apply(scope: Scope, function: Foreign, arguments: Foreign, columns: Columns) -> Columns:
    if function is np.clip and set(arguments or {}) <= {"a_min", "a_max", "min", "max"}:
        return _clipped(scope, dict(arguments or {}), columns)
    name = None if arguments else _name_of(function)
    if name is None:
        written = getattr(function, "__qualname__", repr(function))
        raise scope.refuse(f"{written!r} is code of the project's own, which a graph cannot hold", _INSTEAD)
    if name == "identity":
        return columns
    scope.numbers(columns)
    if columns.sparse and name not in _KEEP_SPARSE:
        raise scope.refuse(f"numpy.{name} of a sparse matrix", "Make the matrix dense first.")
    return Columns(blocks=tuple(_mapped(scope, name, block) for block in columns.blocks), sparse=columns.sparse)


def _mapped(scope: Scope, name: str, block: Block) -> Block:
    if block.origin == "float32" and name in _EXACT:
        result = _FUNCTIONS[name](block.tensor.cast("float32"))
        return replace(block, tensor=result, origin=result.dtype)
    if block.origin not in _WIDE:
        raise scope.refuse(
            f"numpy.{name} of a column of {block.origin} is not computed in float64 by the source",
            "Cast the column to float64 before training.",
        )
    return replace(block, tensor=_FUNCTIONS[name](block.tensor), origin="bool" if name == "isnan" else "float64")


def _clipped(scope: Scope, bounds: dict[str, Any], columns: Columns) -> Columns:
    low, high = bounds.get("a_min", bounds.get("min")), bounds.get("a_max", bounds.get("max"))
    if not all(bound is None or isinstance(bound, int | float) for bound in (low, high)) or columns.sparse:
        raise scope.refuse("numpy.clip with bounds that are no numbers, or of a sparse matrix", _INSTEAD)
    x = scope.doubles(columns)
    return numbers(x.clip(-np.inf if low is None else low, np.inf if high is None else high), columns.width)


def _validated(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    if not estimator.validate:
        return columns
    x = scope.numbers(columns)
    kinds = {np.dtype(block.origin).kind for block in columns.blocks}
    origin = (
        x.dtype if "f" in kinds else str(np.result_type(*[np.dtype(block.origin) for block in columns.blocks]))
    )
    return numbers(x, columns.width, sparse=columns.sparse, origin=origin)


def _function(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    return _apply(scope, estimator.func, estimator.kw_args, _validated(scope, estimator, columns))


def _function_back(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    return _apply(scope, estimator.inverse_func, estimator.inv_kw_args, columns)


def _target(scope: Scope, estimator: Estimator, columns: Columns) -> Tensor:
    scores = scope.at("regressor_").predict(estimator.regressor_, columns)
    several = getattr(estimator, "_training_dim", 1) > 1
    width = len(np.atleast_1d(getattr(estimator.transformer_, "scale_", [0]))) if several else 1
    if several:
        raise scope.refuse("it transforms several targets at once", "Train one regressor for each target.")
    # the transformation is smooth: that the source does it in float32 after XGBoost moves the last bits only
    raw = numbers(scores.cast("float64").shaped(-1, 1), width)
    back = scope.at("transformer_").inverse_transform(estimator.transformer_, raw)
    return back.matrix("float64").flat()


CONVERTERS = {
    "FunctionTransformer": Converter(transform=_function, inverse_transform=_function_back),
    "TransformedTargetRegressor": Converter(predict=_target),
}
