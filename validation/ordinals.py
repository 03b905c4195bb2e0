"""Numbers as integers in the same order: the next float is one more, so bisection ends at the last bit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnxport.artifacts import Column

    Ordinals = NDArray[np.int64]

_BITS: Final = {4: (np.int32, 0x7FFFFFFF), 8: (np.int64, 0x7FFFFFFFFFFFFFFF)}


def to_ordinals(values: Column) -> Ordinals:
    """The rank of each number among all numbers of its dtype: 0 for zero, one more for the next.

    Law: `from_ordinals(to_ordinals(x), x.dtype) == x`, and `x < y` if and only if their ordinals are in that
    order; both zeros have ordinal 0. For float32, float64 and integers up to 64 bits; NaN has no rank.
    """
    if values.dtype.kind != "f":
        return values.astype(np.int64)
    integer, mask = _BITS[values.dtype.itemsize]
    bits = np.ascontiguousarray(values).view(integer).astype(np.int64)
    return np.where(bits < 0, -(bits & mask), bits)


def midpoints(low: Ordinals, high: Ordinals) -> Ordinals:
    """The rank half way between, rounded down; ranks of both signs and of any size do not overflow."""
    return np.asarray((low & high) + ((low ^ high) >> 1), dtype=np.int64)


def apart(low: Ordinals, high: Ordinals) -> NDArray[np.bool_]:
    """Where another rank lies between the two, in whatever order they are."""
    first, last = np.minimum(low, high), np.maximum(low, high)
    return np.asarray(last.view(np.uint64) - first.view(np.uint64) > 1, dtype=np.bool_)


def from_ordinals(ordinals: Ordinals, dtype: np.dtype[Any]) -> Column:
    """The numbers of those ranks; ranks beyond the infinities give the infinities."""
    if dtype.kind != "f":
        limits = np.iinfo(dtype)
        return np.clip(ordinals, limits.min, limits.max).astype(dtype)
    integer, _ = _BITS[dtype.itemsize]
    most = int(np.array(np.inf, dtype=dtype).view(integer))
    size = np.clip(np.abs(ordinals), 0, most).astype(integer)
    magnitudes = size.view(dtype)
    return np.where(ordinals < 0, -magnitudes, magnitudes).astype(dtype)
