"""Which input value makes a tensor of the graph reach a given value: found by bisection, through any operators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .ordinals import apart, from_ordinals, midpoints, to_ordinals
from .prefix import PREFIX

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnxport.artifacts import Column, Predict, Rows

    Integers = NDArray[np.int64]
    Numbers = NDArray[np.float64]
    Mask = NDArray[np.bool_]

CHUNK: Final = 16_384
WIDTHS: Final = (1, 2**8, 2**20, 2**30, 2**40, 2**52)
"""Distances from the guess, in steps of the dtype, at which a crossing is looked for."""
STEPS: Final = 66
_GRID: Final = 48
_MOST_GRIDS: Final = 1_024
_FARTHEST: Final = 0x7FF0000000000000
"""The rank of infinity in float64, the last of any dtype."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """`k` searches: in row `row` of a pool, `column` is varied until tensor column `target` crosses `level`.

    Attributes:
        row: Row of the pool, `(k,)`.
        column: Index of the input column, `(k,)`.
        tensor: Index of the tensor, `(k,)`.
        target: Column of the tensor, `(k,)`.
        level: The value to reach, `(k,)`.
        above: Whether reaching the level exactly counts as crossed, `(k,)`.
    """

    row: Integers
    column: Integers
    tensor: Integers
    target: Integers
    level: Numbers
    above: Mask

    def __len__(self) -> int:
        return len(self.row)

    def take(self, indices: NDArray[np.intp] | slice) -> Places:
        """The searches `indices`."""
        return Places(
            row=self.row[indices],
            column=self.column[indices],
            tensor=self.tensor[indices],
            target=self.target[indices],
            level=self.level[indices],
            above=self.above[indices],
        )


def fingerprints(*parts: NDArray[Any]) -> NDArray[np.uint64]:
    """A number for each row of equally long `parts`, the same where all parts are the same to the last bit.

    64 bits are mixed as in splitmix64: among ten million rows, one chance in 400,000 that two different ones meet,
    which would ask one probe less.
    """
    mixed = np.zeros(len(parts[0]), dtype=np.uint64)
    for part in parts:
        bits = part.view(np.uint64) if part.dtype.itemsize == 8 else part.astype(np.uint64)  # ruff: ignore[PLR2004] - bytes
        mixed = (mixed ^ bits) + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
    return mixed


class Preimages:
    """Searches over one pool of rows."""

    def __init__(self, prefix: Predict, pool: Rows) -> None:
        """Nothing is searched yet.

        Args:
            prefix: The graph up to the tensors: see `cut`.
            pool: The rows to vary.
        """
        self._prefix = prefix
        self._pool = pool
        self._names = pool.names

    def placed(self, places: Places, ordinals: Integers) -> Rows:
        """The rows of the pool with the value of rank `ordinals` in the column of each search."""
        rows = self._pool.take(places.row)
        changed: dict[str, Column] = {}
        for index in np.unique(places.column).tolist():
            name, here = self._names[index], places.column == index
            column = rows.columns[name].copy()
            column[here] = from_ordinals(ordinals[here], column.dtype)
            changed[name] = column
        return rows.with_columns(changed)

    def values(self, places: Places, ordinals: Integers) -> Numbers:
        """The tensor's value in each search, `(k,)`."""
        found = np.empty(len(places))
        for start in range(0, len(places), CHUNK):
            part = slice(start, start + CHUNK)
            some = places.take(part)
            outputs = self._prefix(self.placed(some, ordinals[part]))
            for tensor in np.unique(some.tensor).tolist():
                here = np.flatnonzero(some.tensor == tensor)
                values = outputs[f"{PREFIX}{tensor}"].reshape(len(some), -1)
                found[part][here] = values[here, some.target[here]]
        return found

    def crossed(self, places: Places, ordinals: Integers) -> Mask:
        """Whether the tensor is beyond the level in each search, `(k,)`; NaN is not."""
        values = self.values(places, ordinals)
        with np.errstate(invalid="ignore"):
            return np.where(places.above, values >= places.level, values > places.level)

    def search(self, places: Places, guesses: Integers) -> tuple[Integers, Mask]:
        """The rank of the last value before each crossing, `(k,)`, and which crossings were found, `(k,)`.

        The value of that rank and the next one are on different sides: the tensor's boundary to the last bit.
        """
        low, high, found = self._bracket(places, guesses)
        side = np.zeros(len(places), dtype=np.bool_)
        alive = np.flatnonzero(found)
        if len(alive):
            side[alive] = self.crossed(places.take(alive), low[alive])
        for _ in range(STEPS):
            alive = alive[apart(low[alive], high[alive])]
            if not len(alive):
                break
            middle = midpoints(low[alive], high[alive])
            same = self.crossed(places.take(alive), middle) == side[alive]
            low[alive[same]] = middle[same]
            high[alive[~same]] = middle[~same]
        return low, found

    def _bracket(self, places: Places, guesses: Integers) -> tuple[Integers, Integers, Mask]:
        low, high = guesses.copy(), guesses.copy()
        found = np.zeros(len(places), dtype=np.bool_)
        for width in WIDTHS:
            open_ = np.flatnonzero(~found)
            if not len(open_):
                break
            some = places.take(open_)
            below = np.maximum(guesses[open_] - width, -_FARTHEST)
            beyond = np.minimum(guesses[open_] + width, _FARTHEST)
            hit = self.crossed(some, below) != self.crossed(some, beyond)
            low[open_[hit]], high[open_[hit]] = below[hit], beyond[hit]
            found[open_[hit]] = True
        self._from_grid(places, low, high, found)
        return low, high, found

    def _from_grid(self, places: Places, low: Integers, high: Integers, found: Mask) -> None:
        """Where no guess came near: between which of the pool's own values the crossing lies."""
        lost = np.flatnonzero(~found)[:_MOST_GRIDS]
        if not len(lost):
            return
        grids = {index: self._grid(index) for index in np.unique(places.column[lost]).tolist()}
        grid = np.stack([grids[index] for index in places.column[lost].tolist()])
        many = places.take(np.repeat(lost, _GRID))
        crossed = self.crossed(many, grid.ravel()).reshape(grid.shape)
        change = crossed[:, 1:] != crossed[:, :-1]
        hit = np.flatnonzero(change.any(axis=1))
        first = change[hit].argmax(axis=1)
        low[lost[hit]], high[lost[hit]] = grid[hit, first], grid[hit, first + 1]
        found[lost[hit]] = True

    def _grid(self, column: int) -> Integers:
        """Ranks of the values of a column of the pool, ascending, spread evenly, `(48,)`."""
        values = self._pool.columns[self._names[column]]
        known = np.unique(values[np.isfinite(values)] if values.dtype.kind == "f" else values)
        known = known if len(known) else np.zeros(1, dtype=values.dtype)
        return to_ordinals(known[np.linspace(0, len(known) - 1, _GRID).astype(int)])
