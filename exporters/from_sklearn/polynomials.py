"""Products of columns, and splines."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from math import factorial
from typing import TYPE_CHECKING

import numpy as np

from .columns import numbers
from .converter import Converter
from .searching import count_below
from .tensor import join

if TYPE_CHECKING:
    from onnxport.artifacts import Column

    from .columns import Columns
    from .foreign import Estimator
    from .scope import Scope
    from .tensor import Tensor


def _products(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    x = scope.doubles(columns)
    powers = estimator.powers_
    chosen = [tuple(np.repeat(np.arange(powers.shape[1]), row)) for row in powers]
    parts = []
    for size, group in groupby(chosen, key=len):
        members = np.array(list(group), dtype=np.int64)
        if size == 0:
            parts.append(
                x.column(0) * 0.0 + 1.0 if not columns.sparse else x.column(0).equals(x.column(0)).cast("float64")
            )
            continue
        product = x.columns(members[:, -1])
        for place in range(size - 2, -1, -1):  # scikit-learn multiplies from the last factor to the first
            product = product * x.columns(members[:, place])
        parts.append(product)
    return numbers(join(parts), len(chosen), sparse=columns.sparse)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pieces:
    """One column's splines as polynomials.

    Attributes:
        knots: Where one inner segment ends and the next begins, `(m + 1,)`.
        tables: Coefficients, the highest power first, `(segments, powers, splines)`: m inner segments, and where
            `limits` are given one before and one behind them.
        origins: What each segment's polynomials are in: x minus this, `(segments,)`.
        limits: Below and above which the outer segments hold; `None` where the inner ones go on for ever.
    """

    knots: Column
    tables: Column
    origins: Column
    limits: tuple[float, float] | None


def _splines(scope: Scope, estimator: Estimator, columns: Columns) -> Columns:
    x = scope.doubles(columns)
    degree = estimator.degree
    parts = []
    kept = int(estimator.bsplines_[0].c.shape[1]) - (0 if estimator.include_bias else 1)
    for index, spline in enumerate(estimator.bsplines_):
        column = x.column(index)
        pieces = _pieces(estimator.extrapolation, spline, degree)
        if estimator.extrapolation == "linear" and degree <= 1:
            degree += 1  # as the source's own loop over the columns does
        inside = _wrapped(column, pieces.knots) if estimator.extrapolation == "periodic" else column
        part = _evaluated(inside, pieces)
        if getattr(estimator, "handle_missing", "error") == "zeros":
            part = column.is_nan().where(part.like(0.0), part)
        parts.append(part.columns(np.arange(kept)))
    return numbers(join(parts), kept * len(parts), sparse=bool(estimator.sparse_output))


def _wrapped(x: Tensor, knots: Column) -> Tensor:
    period = float(knots[-1] - knots[0])
    rest = (x - knots[0]).op("Mod", period, fmod=1)
    answer: Tensor = (rest < 0.0).where(rest + period, rest) + knots[0]
    return answer


def _pieces(extrapolation: str, spline: Estimator, degree: int) -> _Pieces:
    knots = spline.t[spline.k : len(spline.t) - spline.k]
    powers = range(spline.k, -1, -1)
    inner = np.stack(
        [spline(knots[:-1], nu=power) / factorial(power) for power in powers], axis=1
    )  # Taylor's series
    if extrapolation in {"continue", "periodic"}:
        return _Pieces(knots=knots, tables=inner, origins=knots[:-1], limits=None)
    if extrapolation == "error":  # where the source raises, no number
        nothing = np.full((1, *inner.shape[1:]), np.nan)
        return _Pieces(
            knots=knots,
            tables=np.concatenate([nothing, inner, nothing]),
            origins=np.concatenate([knots[:1], knots[:-1], knots[-1:]]),
            limits=(float(knots[0]), float(knots[-1])),
        )
    low, high = float(spline.t[degree]), float(spline.t[-degree - 1])
    count = inner.shape[2]
    reach = degree + 1 if extrapolation == "linear" and degree <= 1 else degree
    below: Column = np.zeros(inner.shape[1:])
    above: Column = np.zeros(inner.shape[1:])
    for edge, table, places in ((low, below, range(reach)), (high, above, range(count - reach, count))):
        table[-1, places] = spline(edge)[places]
        if extrapolation == "linear" and len(table) > 1:
            table[-2, places] = spline(edge, nu=1)[places]
    return _Pieces(
        knots=knots,
        tables=np.concatenate([below[None], inner, above[None]]),
        origins=np.concatenate([[low], knots[:-1], [high]]),
        limits=(low, high),
    )


def _evaluated(x: Tensor, pieces: _Pieces) -> Tensor:
    """Each spline's polynomial on the segment that x, shape `(n, 1)`, falls on: `(n, splines)`."""
    segment = count_below(x, pieces.knots[None, 1:-1], "right")
    if pieces.limits is not None:
        low, high = pieces.limits
        segment = (x < low).where(segment.like(0), segment + 1)
        segment = (x > high).where(segment.like(len(pieces.tables) - 1), segment)
    place = segment.flat()
    offset = x - place.rows_of(pieces.origins).unsqueeze(1)
    result = place.rows_of(np.ascontiguousarray(pieces.tables[:, 0]))
    for power in range(1, pieces.tables.shape[1]):
        result = result * offset + place.rows_of(np.ascontiguousarray(pieces.tables[:, power]))
    return result


CONVERTERS = {
    "PolynomialFeatures": Converter(transform=_products),
    "SplineTransformer": Converter(transform=_splines),
}
