"""Transformations of a column's distribution: quantiles and powers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .columns import numbers
from .converter import Converter
from .searching import interpolate
from .smooth import expm1, log1p, normal_quantile
from .tensor import join

if TYPE_CHECKING:
    from .columns import Columns
    from .foreign import Estimator
    from .scope import Scope
    from .tensor import Tensor

_MARGIN = 1e-7  # sklearn.preprocessing._data.BOUNDS_THRESHOLD
_LOG = 1e-19  # below this lambda SciPy's boxcox is the logarithm


def _quantile(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    x = scope.doubles(columns)
    if columns.sparse:
        raise scope.refuse("quantiles of a sparse matrix leave absent entries out", "Make the matrix dense first.")
    quantiles = np.ascontiguousarray(estimator.quantiles_.T)
    references = np.tile(estimator.references_, (len(quantiles), 1))
    up = interpolate(x, quantiles, references)
    down = interpolate(-x, np.ascontiguousarray(-quantiles[:, ::-1]), np.ascontiguousarray(-references[:, ::-1]))
    share = (up - down) * 0.5
    low, high = quantiles[None, :, 0], quantiles[None, :, -1]
    if estimator.output_distribution == "uniform":
        share = x.equals(high).where(x.like(1.0), share)
        return numbers(x.equals(low).where(x.like(0.0), share), columns.width)
    bounds = _normal_bounds()
    result = normal_quantile(share).clip(*bounds)
    result = ((x + _MARGIN) > high).where(x.like(bounds[1]), result)
    return numbers(((x - _MARGIN) < low).where(x.like(bounds[0]), result), columns.width)


def _normal_bounds() -> tuple[float, float]:
    from scipy import stats  # ruff: ignore[PLC0415] - loads only for this step

    edge = _MARGIN - np.spacing(1)
    return float(stats.norm.ppf(edge)), float(stats.norm.ppf(1 - edge))


def _power(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    x = scope.doubles(columns)
    function = _box_cox if estimator.method == "box-cox" else _yeo_johnson
    result = join([function(x.column(index), float(value)) for index, value in enumerate(estimator.lambdas_)])
    transformed = numbers(result, columns.width)
    if not estimator.standardize:
        return transformed
    return scope.at("_scaler").transform(estimator._scaler, transformed)  # ruff: ignore[SLF001] - its own scaler


def _box_cox(x: Tensor, power: float) -> Tensor:
    return x.log() if abs(power) < _LOG else expm1(x.log() * power) / power


def _yeo_johnson(x: Tensor, power: float) -> Tensor:
    above = x >= 0.0
    logarithm = log1p(x.absolute())
    tiny = np.spacing(1.0)
    positive = logarithm if abs(power) < tiny else expm1(logarithm * power) / power
    other = 2.0 - power
    negative = expm1(logarithm * other) / other if abs(power - 2.0) > tiny else logarithm
    return above.where(positive, -negative)


def _power_back(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    if estimator.standardize:
        columns = scope.at("_scaler").inverse_transform(estimator._scaler, columns)  # ruff: ignore[SLF001] - its own scaler
    x = columns.matrix("float64")
    function = _box_cox_back if estimator.method == "box-cox" else _yeo_johnson_back
    result = join([function(x.column(index), float(value)) for index, value in enumerate(estimator.lambdas_)])
    return numbers(result, columns.width)


def _box_cox_back(x: Tensor, power: float) -> Tensor:
    return x.exp() if power == 0 else (log1p(x * power) / power).exp()


def _yeo_johnson_back(x: Tensor, power: float) -> Tensor:
    tiny = np.spacing(1.0)
    positive = expm1(x) if abs(power) < tiny else expm1(log1p(x * power) / power)
    other = 2.0 - power
    negative = -expm1(log1p(-(x * other)) / other) if abs(power - 2.0) > tiny else -expm1(-x)
    return (x >= 0.0).where(positive, negative)


CONVERTERS = {
    "QuantileTransformer": Converter(transform=_quantile),
    "PowerTransformer": Converter(transform=_power, inverse_transform=_power_back),
}
