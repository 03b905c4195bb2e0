"""Which input column moves which column of a tensor, and how steeply: found by trying."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from .accepted import is_missing
from .prefix import PREFIX

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnxport.artifacts import Column, Predict, Rows

    Numbers = NDArray[np.float64]
    Mask = NDArray[np.bool_]

TRIES: Final = 4
ROWS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Influence:
    """How `f` input columns move the `k` columns of one tensor.

    Attributes:
        moves: Whether the input moves the tensor's column at all, `(f, k)`.
        slope: Change of the tensor's column for one unit of the input between two real values, `(f, k)`; 0 where
            it does not move or is not a number.
    """

    moves: Mask
    slope: Numbers

    @property
    def alone(self) -> Mask:
        """Whether exactly one input moves the column, `(k,)`: then the other columns of a row do not matter."""
        return np.asarray(self.moves.sum(axis=0) == 1, dtype=np.bool_)

    def best(self, numeric: Mask) -> NDArray[np.int64]:
        """The numeric input that moves each column of the tensor most steeply, `(k,)`; -1 where none does."""
        steep = np.where(self.moves & numeric[:, None], np.abs(self.slope) + 1e-300, 0.0)
        return np.where(steep.max(axis=0, initial=0.0) > 0, steep.argmax(axis=0), -1)


def influences(prefix: Predict, pool: Rows, tensors: int) -> list[Influence]:
    """The influence on each of the `tensors` that `prefix` answers with, in order.

    Args:
        prefix: The graph up to the tensors: see `cut`.
        pool: Real rows, at least one.
        tensors: How many tensors there are.
    """
    base = pool.take(np.linspace(0, len(pool) - 1, ROWS).astype(int))
    still = prefix(base)
    found: list[tuple[list[Mask], list[Numbers]]] = [([], []) for _ in range(tensors)]
    for name in pool.names:
        tried = _alternatives(pool.columns[name])
        rows = base.take(np.repeat(np.arange(ROWS), len(tried)))
        column = np.tile(tried, ROWS)
        outputs = prefix(rows.with_columns({name: column}))
        for tensor in range(tensors):
            before = still[f"{PREFIX}{tensor}"].reshape(ROWS, -1)
            after = outputs[f"{PREFIX}{tensor}"].reshape(ROWS, len(tried), -1)
            found[tensor][0].append(_moved(before, after))
            found[tensor][1].append(_slopes(tried, after[0]))
    return [Influence(moves=np.stack(moves), slope=np.stack(slopes)) for moves, slopes in found]


def _alternatives(column: Column) -> Column:
    """A few values that the column really has, ascending where they have an order."""
    known = column[~is_missing(column)]
    if column.dtype == object:
        distinct = list(dict.fromkeys(known.tolist()))
        chosen = np.empty(min(TRIES, max(1, len(distinct))), dtype=object)
        chosen[:] = distinct[: len(chosen)] or [None]
        return chosen
    if column.dtype.kind == "f":
        known = known[np.isfinite(known)]
    ordered = np.unique(known)
    if len(ordered) < 2:  # ruff: ignore[PLR2004] - a constant column needs another value
        ordered = np.array([*ordered.tolist(), 0, 1]).astype(column.dtype)
    return np.asarray(ordered[np.linspace(0, len(ordered) - 1, TRIES).astype(int)])


def _moved(before: NDArray[np.float64], after: NDArray[np.float64]) -> Mask:
    same = (after == before[:, None]) | (np.isnan(after) & np.isnan(before[:, None]))
    return np.asarray(~same.all(axis=(0, 1)), dtype=np.bool_)


def _slopes(tried: Column, after: NDArray[np.float64]) -> Numbers:
    """Change of each column between the first and the last tried value, `(k,)`."""
    if tried.dtype.kind not in "fiu" or tried[0] == tried[-1]:
        return np.zeros(after.shape[1])
    with np.errstate(invalid="ignore", over="ignore"):
        slope = (after[-1].astype(np.float64) - after[0]) / (float(tried[-1]) - float(tried[0]))
    return np.where(np.isfinite(slope), slope, 0.0)
