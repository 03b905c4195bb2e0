"""Functions that ONNX has no operator for, to the last bits of float64."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .tensor import Tensor


def log1p(x: Tensor) -> Tensor:
    """log(1 + x), accurate for small x: Kahan's correction of the rounding of 1 + x."""
    u = x + 1.0
    step = u - 1.0
    corrected = x * (u.log() / step.equals(0.0).where(step.like(1.0), step))
    plain = u.equals(np.inf) | u.equals(0.0)
    return step.equals(0.0).where(x, plain.where(u.log(), corrected))


def expm1(x: Tensor) -> Tensor:
    """exp(x) - 1, accurate for small x: Kahan's correction of the rounding of exp(x)."""
    u = x.exp()
    step = u - 1.0
    logarithm = u.log()
    corrected = step * (x / logarithm.equals(0.0).where(logarithm.like(1.0), logarithm))
    plain = u.equals(np.inf) | step.equals(-1.0)
    return u.equals(1.0).where(x, plain.where(step, corrected))


def horner(x: Tensor, coefficients: Sequence[float]) -> Tensor:
    """The polynomial with these coefficients, the highest power first."""
    first, *others = coefficients
    result = x * 0.0 + first
    for coefficient in others:
        result = result * x + coefficient
    return result


# M. J. Wichura, "Algorithm AS 241: The Percentage Points of the Normal Distribution", Applied Statistics 37
# (1988): relative accuracy about 1e-16; numerators and denominators, the highest power first.
_CENTRE = (
    (
        2509.0809287301226727,
        33430.575583588128105,
        67265.770927008700853,
        45921.953931549871457,
        13731.693765509461125,
        1971.5909503065514427,
        133.14166789178437745,
        3.387132872796366608,
    ),
    (
        5226.495278852545925,
        28729.085735721942674,
        39307.89580009271061,
        21213.794301586595867,
        5394.1960214247511077,
        687.1870074920579083,
        42.313330701600911252,
        1.0,
    ),
)
_MIDDLE = (
    (
        7.7454501427834140764e-4,
        0.0227238449892691845833,
        0.24178072517745061177,
        1.27045825245236838258,
        3.64784832476320460504,
        5.7694972214606914055,
        4.6303378461565452959,
        1.42343711074968357734,
    ),
    (
        1.05075007164441684324e-9,
        5.475938084995344946e-4,
        0.0151986665636164571966,
        0.14810397642748007459,
        0.68976733498510000455,
        1.6763848301838038494,
        2.05319162663775882187,
        1.0,
    ),
)
_TAIL = (
    (
        2.01033439929228813265e-7,
        2.71155556874348757815e-5,
        0.0012426609473880784386,
        0.026532189526576123093,
        0.29656057182850489123,
        1.7848265399172913358,
        5.4637849111641143699,
        6.6579046435011037772,
    ),
    (
        2.04426310338993978564e-15,
        1.4215117583164458887e-7,
        1.8463183175100546818e-5,
        7.868691311456132591e-4,
        0.0148753612908506148525,
        0.13692988092273580531,
        0.59983220655588793769,
        1.0,
    ),
)


def normal_quantile(p: Tensor) -> Tensor:
    """The standard normal distribution's quantile function, for 0 < p < 1."""
    q = p - 0.5
    near = 0.180625 - q * q
    centre = q * (horner(near, _CENTRE[0]) / horner(near, _CENTRE[1]))
    tail = (q < 0.0).where(p, 1.0 - p)
    r = (-(tail.log())).sqrt()
    middle = horner(r - 1.6, _MIDDLE[0]) / horner(r - 1.6, _MIDDLE[1])
    far = horner(r - 5.0, _TAIL[0]) / horner(r - 5.0, _TAIL[1])
    outer = (r <= 5.0).where(middle, far)  # ruff: ignore[PLR2004] - AS 241's split
    signed = (q < 0.0).where(-outer, outer)
    return (q.absolute() <= 0.425).where(centre, signed)  # ruff: ignore[PLR2004] - AS 241's split
