"""Whether two arrays of answers are the same, within an explicit tolerance; numpy and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = NDArray[Any]
    Numbers = NDArray[np.float64]
    Mask = NDArray[np.bool_]

Kind = Literal["float", "integer", "bool", "string"]

_KINDS: dict[str, Kind] = {"f": "float", "i": "integer", "u": "integer", "b": "bool"}

_MOST = float(np.finfo(np.float64).max)

COMPLEMENT = 2.0**-23
"""What class 0 of two classes may be off beyond its tolerance: two steps of float32 just below 1.

Sources compute it as `1 - p`, so its absolute error is that of numbers near 1, however small it is itself."""


def kind_of(values: Values) -> Kind:
    """What the elements are, whatever their width: objects count as strings."""
    return _KINDS.get(values.dtype.kind, "string")


def in_float64(values: Values) -> Numbers:
    """The values as float64, of whatever width they are."""
    return np.asarray(values, dtype=np.float64)


def row_axes(values: Values) -> tuple[int, ...]:
    """The axes of one row in `(n, …)`: what to reduce to get `(n,)`."""
    return tuple(range(1, values.ndim))


def differences(source: Values, onnx: Values) -> Numbers:
    """`|onnx - source|` in float64, of the arrays' common shape.

    0 where both are NaN or the same infinity; infinite where only one of them is NaN or infinite, or where the
    infinities differ in sign.

    Raises:
        ValueError: The shapes differ: nothing is broadcast.
    """
    if source.shape != onnx.shape:
        raise ValueError(f"shapes differ: source {source.shape}, onnx {onnx.shape}")
    left, right = in_float64(source), in_float64(onnx)
    same = (left == right) | (np.isnan(left) & np.isnan(right))
    finite = np.isfinite(left) & np.isfinite(right)
    with np.errstate(invalid="ignore", over="ignore"):
        return np.where(same, 0.0, np.where(finite, np.abs(right - left), np.inf))


def allowances(source: Values, atol: float, rtol: float) -> Numbers:
    """`atol + rtol * |source|` in float64, always finite; `atol` alone where the source is not finite."""
    magnitudes = np.abs(in_float64(source))
    with np.errstate(over="ignore"):
        allowed = atol + rtol * np.where(np.isfinite(magnitudes), magnitudes, 0.0)
    return np.minimum(allowed, _MOST)


def agree(source: Values, onnx: Values, atol: float, rtol: float) -> Mask:
    """Where `|onnx - source| <= atol + rtol * |source|`; NaN agrees with NaN, an infinity with itself only.

    Raises:
        ValueError: The shapes differ.
    """
    return differences(source, onnx) <= allowances(source, atol, rtol)


def labels_agree(source: Values, onnx: Values) -> Mask:
    """Where the labels are the same value of the same kind: the string "1" is not the integer 1, nor is true.

    Raises:
        ValueError: The shapes differ.
    """
    if source.shape != onnx.shape:
        raise ValueError(f"shapes differ: source {source.shape}, onnx {onnx.shape}")
    if kind_of(source) != kind_of(onnx):
        return np.zeros(source.shape, dtype=np.bool_)
    return np.asarray((source == onnx) | ((source != source) & (onnx != onnx)))  # ruff: ignore[PLR0124] - NaN


def missing_agrees(source: Values, onnx: Values) -> Mask:
    """Where both are NaN or neither is.

    Raises:
        ValueError: The shapes differ.
    """
    if source.shape != onnx.shape:
        raise ValueError(f"shapes differ: source {source.shape}, onnx {onnx.shape}")
    return np.asarray(np.isnan(in_float64(source)) == np.isnan(in_float64(onnx)))
