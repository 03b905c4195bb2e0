"""Probes on decision boundaries of any graph: pairs of rows one step apart that fall on different sides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from onnxport.artifacts import OnnxportError, Rows, concatenate

from .accepted import is_missing
from .compare import labels_agree
from .ordinals import apart, from_ordinals, midpoints, to_ordinals
from .questions import LABEL, PROBABILITIES
from .special import Probe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from onnxport.artifacts import Column, Outputs, Predict, Tolerances

    Mask = NDArray[np.bool_]
    Integers = NDArray[np.int64]
    Side = Callable[[Outputs], NDArray[np.generic]]

KIND: Final = "decision"
PAIRS: Final = 64
_CELLS: Final = 16_384
_STEPS: Final = 66


def decision_probes(
    graph: Predict, base: Rows, tolerances: Tolerances, generator: np.random.Generator
) -> Iterator[Probe]:
    """For labels and for each decision threshold: rows on both sides of the graph's boundary, one step apart.

    Args:
        graph: The graph.
        base: Real rows that it answers, at least one.
        tolerances: The thresholds that matter.
        generator: Picks pairs and the order of the columns.
    """
    try:
        outputs = graph(base)
        for side in _sides(outputs, tolerances):
            rows = boundary_rows(graph, base, side, generator)
            if rows is not None:
                yield Probe(kind=KIND, rows=rows)
    except OnnxportError as error:
        yield Probe(kind=KIND, rows=base.take(slice(0, 0)), note=f"decision boundaries were not searched: {error}")


def _sides(outputs: Outputs, tolerances: Tolerances) -> Iterator[Side]:
    if LABEL in outputs:
        yield lambda answer: answer[LABEL]
    score = PROBABILITIES if PROBABILITIES in outputs else next((name for name in outputs if name != LABEL), "")
    for threshold in tolerances.thresholds if score else ():
        yield lambda answer, at=threshold: _last(answer[score]) >= at  # type: ignore[misc]


def _last(score: Column) -> Column:
    return score.reshape(len(score), -1)[:, -1] if score.ndim > 1 else score


def boundary_rows(graph: Predict, base: Rows, side: Side, generator: np.random.Generator) -> Rows | None:
    """Both rows of each pair, or `None` when all rows of `base` are on one side.

    Between two rows on different sides, one column after the other is exchanged until the side changes; then that
    column is bisected between its two values.
    """
    sides = side(graph(base))
    pairs = _pairs(sides, generator, max(8, min(PAIRS, _CELLS // (len(base.names) + 1))))
    if not len(pairs[0]):
        return None
    start, end = base.take(pairs[0]), base.take(pairs[1])
    order = [base.names[index] for index in generator.permutation(len(base.names)).tolist()]
    pair, column = _exchanged(graph, (start, end), order, side)
    return _bisected(graph, pair, column, side)


def _pairs(sides: NDArray[np.generic], generator: np.random.Generator, most: int) -> tuple[Integers, Integers]:
    left = generator.integers(len(sides), size=most * 8)
    right = generator.integers(len(sides), size=most * 8)
    apart = np.flatnonzero(~labels_agree(sides[left], sides[right]))[:most]
    return left[apart], right[apart]


def _exchanged(
    graph: Predict, pair: tuple[Rows, Rows], names: list[str], side: Side
) -> tuple[tuple[Rows, Rows], list[str]]:
    """For each pair the last row on the first side and the next one, and the column in which they differ."""
    start, end = pair
    count = len(start)
    stages: list[Rows] = [start]
    for name in names:
        stages.append(stages[-1].with_columns({name: end.columns[name]}))
    sides = side(graph(concatenate(stages))).reshape(len(stages), count)
    changed = np.stack([~labels_agree(row, sides[0]) for row in sides])
    first = changed.argmax(axis=0).tolist()
    before = concatenate([stages[stage - 1].take(slice(row, row + 1)) for row, stage in enumerate(first)])
    after = concatenate([stages[stage].take(slice(row, row + 1)) for row, stage in enumerate(first)])
    return (before, after), [names[stage - 1] for stage in first]


def _bisected(graph: Predict, pair: tuple[Rows, Rows], column: list[str], side: Side) -> Rows:
    before, after = pair
    left, movable = _ranks(before, column)
    right, also = _ranks(after, column)
    movable &= also
    here = side(graph(before))
    for _ in range(_STEPS):
        alive = movable & apart(left, right)
        if not alive.any():
            break
        middle = midpoints(left, right)
        same = labels_agree(side(graph(_set(before, column, middle, movable))), here)
        left = np.where(alive & same, middle, left)
        right = np.where(alive & ~same, middle, right)
    return concatenate([_set(before, column, left, movable), _set(after, column, right, movable)])


def _ranks(rows: Rows, column: list[str]) -> tuple[Integers, Mask]:
    """The rank of each row's value in its column, and whether it has one, `(n,)` each."""
    ranks, known = np.zeros(len(rows), dtype=np.int64), np.zeros(len(rows), dtype=np.bool_)
    for row, name in enumerate(column):
        values = rows.columns[name][row : row + 1]
        if values.dtype.kind in "fiu" and not is_missing(values)[0]:
            ranks[row], known[row] = to_ordinals(values)[0], True
    return ranks, known


def _set(rows: Rows, column: list[str], ranks: Integers, movable: Mask) -> Rows:
    changed: dict[str, Column] = {}
    for row, name in enumerate(column):
        if movable[row]:
            changed.setdefault(name, rows.columns[name].copy())
            changed[name][row] = from_ordinals(ranks[row : row + 1], changed[name].dtype)[0]
    return rows.with_columns(changed)
