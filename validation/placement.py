"""Where each split of a forest can be probed from the inputs: which real row, which column, which value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from onnxport.artifacts import Rows, concatenate

from .influence import influences
from .ordinals import from_ordinals, to_ordinals
from .prefix import PREFIX
from .preimages import Places, Preimages, fingerprints
from .reach import first_visitors, intervals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from onnxport.artifacts import Column, Predict, Signature

    from .forest import Forest

    Integers = NDArray[np.int64]
    Mask = NDArray[np.bool_]

SOLVED: Final = 4_000
"""Nodes that no row of the pool reaches for which one is made, at most, for each forest."""
_CHUNK: Final = 4_096
_CELLS: Final = 8_000_000


class Placement:
    """Searches boundaries over a pool of rows, which grows by rows that reach further nodes."""

    def __init__(self, prefix: Predict, pool: Rows, signature: Signature, tensors: Sequence[str]) -> None:
        """The influence of each column on each tensor is known.

        Args:
            prefix: The graph up to the tensors: see `cut`.
            pool: Rows that the graph answers, at least one.
            signature: Which columns are categorical: those are not searched.
            tensors: The tensors, in the order of `cut`.
        """
        self._prefix = prefix
        self._pool = pool.select(signature.columns)
        self._tensors = list(tensors)
        self._influences = influences(prefix, self._pool, len(tensors))
        self._numeric = np.array(
            [
                self._pool.columns[column.name].dtype.kind in "fiu" and column.categories is None
                for column in signature.inputs
            ],
            dtype=np.bool_,
        )
        self._best = [influence.best(self._numeric) for influence in self._influences]
        self._values = self._answers(self._pool)

    @property
    def pool(self) -> Rows:
        """The rows that places refer to."""
        return self._pool

    def splits(self, forest: Forest, generator: np.random.Generator) -> Places:
        """A place for each ordered split of `forest` whose column a number moves."""
        tensor = self._tensors.index(forest.tensor)
        best = self._best[tensor]
        visitor = self._visitors(forest, tensor)
        nodes = forest.ordered
        nodes = nodes[best[forest.feature[nodes]] >= 0]
        rows = visitor[nodes]
        rows = np.where(rows >= 0, rows, generator.integers(len(self._pool), size=len(rows)))
        return self._places(forest, tensor, nodes, rows)

    def boundaries(self, places: Places) -> tuple[Integers, Mask]:
        """The rank of the last input value before each boundary, `(k,)`, and which were found, `(k,)`.

        Where a single input moves the tensor's column, the search is made once for all rows.
        """
        alone = np.zeros(len(places), dtype=np.bool_)
        for tensor in np.unique(places.tensor).tolist():
            here = places.tensor == tensor
            alone[here] = self._influences[tensor].alone[places.target[here]]
        row = np.where(alone, self._reference(places), places.row)
        keys = fingerprints(row, places.column, places.tensor, places.target, places.level, places.above)
        _, first, back = np.unique(keys, return_index=True, return_inverse=True)
        searches = places.take(first)
        searches = _with_rows(searches, row[first])
        last, found = Preimages(self._prefix, self._pool).search(searches, self._guesses(searches))
        return last[back], found[back]

    def _answers(self, rows: Rows) -> list[NDArray[Any]]:
        parts = [self._prefix(rows.take(slice(start, start + _CHUNK))) for start in range(0, len(rows), _CHUNK)]
        return [
            np.concatenate([part[f"{PREFIX}{index}"].reshape(len(part[f"{PREFIX}{index}"]), -1) for part in parts])
            for index in range(len(self._tensors))
        ]

    def _places(self, forest: Forest, tensor: int, nodes: Integers, rows: Integers) -> Places:
        target = forest.feature[nodes]
        return Places(
            row=rows,
            column=self._best[tensor][target],
            tensor=np.full(len(nodes), tensor, dtype=np.int64),
            target=target,
            level=forest.threshold[nodes],
            above=forest.above(nodes),
        )

    def _visitors(self, forest: Forest, tensor: int) -> Integers:
        """A row of the pool that visits each tree node; the pool grows by rows made for nodes that none visits."""
        visitor = first_visitors(forest, self._values[tensor])
        lost = forest.ordered[visitor[forest.ordered] < 0]
        width = self._values[tensor].shape[1]
        lost = lost[: min(SOLVED, _CELLS // max(1, width))]
        if not len(lost):
            return visitor
        made = self._made_for(forest, tensor, lost)
        start = len(self._pool)
        self._pool = concatenate([self._pool, made])
        answers = self._answers(made)
        self._values = [np.concatenate([old, new]) for old, new in zip(self._values, answers, strict=True)]
        visits = first_visitors(forest, answers[tensor])
        return np.where(visitor >= 0, visitor, np.where(visits >= 0, visits + start, -1))

    def _made_for(self, forest: Forest, tensor: int, nodes: Integers) -> Rows:
        """A row for each of `nodes`: a row of the pool, moved into the node's intervals where inputs allow it."""
        low, high = intervals(forest, nodes, self._values[tensor].shape[1])
        rows = np.arange(len(nodes)) % len(self._pool)
        values = self._values[tensor][rows].astype(np.float64)
        with np.errstate(invalid="ignore"):
            outside = (~((values >= low) & (values <= high))) & (np.isfinite(low) | np.isfinite(high))
        outside &= (self._best[tensor] >= 0) & self._influences[tensor].alone
        place, target = np.nonzero(outside)
        floor = np.isfinite(low[place, target])
        wanted = Places(
            row=rows[place],
            column=self._best[tensor][target],
            tensor=np.full(len(place), tensor, dtype=np.int64),
            target=target,
            level=np.where(floor, low[place, target], high[place, target]),
            above=floor,
        )
        made = self._pool.take(rows)
        if not len(place):
            return made
        last, found = self.boundaries(wanted)
        rising = self._influences[tensor].slope[wanted.column, target] >= 0
        ranks = last + (floor == rising)
        return _moved(made, place[found], wanted.column[found], ranks[found])

    def _reference(self, places: Places) -> Integers:
        """For each search a row in which the varied column is a number: any will do where it alone matters."""
        firsts = np.zeros(len(self._numeric), dtype=np.int64)
        for index in np.unique(places.column).tolist():
            column = self._pool.columns[self._pool.names[index]]
            finite = np.flatnonzero(np.isfinite(column)) if column.dtype.kind == "f" else np.arange(1)
            firsts[index] = finite[0] if len(finite) else 0
        return firsts[places.column]

    def _guesses(self, places: Places) -> Integers:
        """Ranks near the boundaries: the level itself where the column passes through, else along the slope."""
        guesses = np.zeros(len(places), dtype=np.int64)
        direct = np.zeros(len(places), dtype=np.int64)
        for index in np.unique(places.column).tolist():
            here = np.flatnonzero(places.column == index)
            column = self._pool.columns[self._pool.names[index]]
            some = places.take(here)
            direct[here] = to_ordinals(_as(some.level, column.dtype))
            guesses[here] = to_ordinals(_as(self._along(some, column, index), column.dtype))
        through = Preimages(self._prefix, self._pool).values(places, direct) == places.level
        return np.where(through, direct, guesses)

    def _along(self, places: Places, column: Column, index: int) -> NDArray[np.float64]:
        start = column[places.row].astype(np.float64)
        slope, at = np.zeros(len(places)), np.zeros(len(places))
        for tensor in np.unique(places.tensor).tolist():
            here = places.tensor == tensor
            slope[here] = self._influences[tensor].slope[index, places.target[here]]
            at[here] = self._values[tensor][places.row[here], places.target[here]]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            guess = start + (places.level - at) / slope
        return np.where(np.isfinite(guess), guess, np.where(np.isfinite(start), start, 0.0))


def _with_rows(places: Places, rows: Integers) -> Places:
    return Places(
        row=rows,
        column=places.column,
        tensor=places.tensor,
        target=places.target,
        level=places.level,
        above=places.above,
    )


def _as(values: NDArray[np.float64], dtype: np.dtype[Any]) -> Column:
    if dtype.kind == "f":
        with np.errstate(over="ignore", under="ignore"):
            return values.astype(dtype)
    limits = np.iinfo(dtype)
    return np.clip(np.floor(np.nan_to_num(values)), max(limits.min, -(2**62)), min(limits.max, 2**62)).astype(
        dtype
    )


def _moved(rows: Rows, place: Integers, columns: Integers, ranks: Integers) -> Rows:
    changed: dict[str, Column] = {}
    for index in np.unique(columns).tolist():
        name, here = rows.names[index], columns == index
        column = rows.columns[name].copy()
        column[place[here]] = from_ordinals(ranks[here], column.dtype)
        changed[name] = column
    return rows.with_columns(changed)
