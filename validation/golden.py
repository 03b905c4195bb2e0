"""Golden rows: which rows prove parity best, and replaying them against any predict; numpy and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from onnxport.artifacts import MAX_GOLDEN_ROWS, Golden, OnnxportError, Rows, concatenate

from .accepted import is_missing
from .answers import ask, join
from .compare import differences, kind_of, labels_agree
from .questions import LABEL, PROBABILITIES, excess
from .records import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray
    from onnxport.artifacts import Column, Conversion, Outputs, Predict, Signature, Tolerance, Tolerances

    Mask = NDArray[np.bool_]

CANDIDATES: Final = 4_096
_NEAR: Final = 8
_MOST_CATEGORIES: Final = 24
_MOST_MISSING: Final = 16


class Candidates:
    """Rows that compete for a place among the golden rows: the most telling ones of a stream of any length."""

    def __init__(self) -> None:
        self._pool: list[tuple[Rows, Outputs]] = []

    def add(self, rows: Rows, outputs: Outputs, /) -> None:
        """The most telling of `rows`, which the source answered with `outputs`, compete with those before them."""
        self._pool.append(_most_telling(rows, outputs))
        if sum(len(kept) for kept, _ in self._pool) > CANDIDATES:
            self._pool = [_most_telling(*self._joined())]

    def rows(self) -> Rows:
        """Those that are left, at most 4,096.

        Raises:
            ValueError: There were none.
        """
        return self._joined()[0]

    def _joined(self) -> tuple[Rows, Outputs]:
        if not self._pool:
            raise ValueError("the source answers none of the rows of the sample")
        return concatenate([rows for rows, _ in self._pool]), join([outputs for _, outputs in self._pool])


def _most_telling(rows: Rows, outputs: Outputs) -> tuple[Rows, Outputs]:
    fine = np.flatnonzero(_expressible(rows))
    rows, outputs = rows.take(fine), {name: values[fine] for name, values in outputs.items()}
    chosen = _chosen(_wishes(rows, outputs), len(rows))
    return rows.take(chosen), {name: values[chosen] for name, values in outputs.items()}


def choose_golden(source: Predict, conversion: Conversion, sample: Rows, tolerances: Tolerances) -> Golden:
    """Up to 64 rows that cover classes, categories, missing values, extremes and near-threshold scores.

    Args:
        source: The source's own predict.
        conversion: Columns and outputs of the graph.
        sample: The user's rows; the first 4,096 compete.
        tolerances: What a consumer may be off; those of the parity report, with no scaled part.

    Raises:
        ValueError: The source answers none of the rows.
    """
    signature = conversion.signature
    rows = sample.select(signature.columns).take(slice(0, CANDIDATES))
    rows = concatenate_missing(rows, signature)
    answers = ask(source, rows)
    finite = answers.accepted & _expressible(rows)
    if not finite.any():
        raise ValueError("the source answers none of the rows of the sample")
    rows, outputs = rows.take(np.flatnonzero(finite)), answers.at(finite)
    chosen = _chosen(_wishes(rows, outputs), len(rows))
    return Golden(
        rows=tuple(rows.take(chosen).records()),
        outputs={name: plain(values[chosen].tolist()) for name, values in outputs.items()},
        tolerance={name: tolerances.for_output(name) for name in outputs if name != LABEL},
    )


def concatenate_missing(rows: Rows, signature: Signature) -> Rows:
    """`rows` and, for each column that may be missing and never is, one more row in which it is."""
    extra: list[Rows] = []
    for number, described in enumerate(signature.inputs):
        column = rows.columns[described.name]
        if described.missing.allowed and not is_missing(column).any() and column.dtype.kind in "fO":
            row = rows.take(slice(number % len(rows), number % len(rows) + 1))
            gap = np.full(1, None if column.dtype == object else np.nan, dtype=column.dtype)
            extra.append(row.with_columns({described.name: gap}))
    return concatenate([rows, *extra[:_MOST_MISSING]])


def replay_golden(golden: Golden, predict: Predict) -> tuple[str, ...]:
    """What `predict` answers differently from the golden rows, a sentence each; empty is proof of parity."""
    rows = golden_rows(golden)
    try:
        outputs = predict(rows)
    except OnnxportError as error:
        return (f"the golden rows are refused: {error.message}",)
    problems = [f"output {name!r} is missing" for name in golden.outputs if name not in outputs]
    for name in golden.outputs:
        if name in outputs:
            problems += _replayed(name, golden, outputs[name])
    return tuple(problems)


def golden_rows(golden: Golden) -> Rows:
    """The golden records as columns: float64, int64 or bool where all values are such, objects otherwise."""
    names = list(golden.rows[0]) if golden.rows else []
    return Rows(columns={name: _column([row.get(name) for row in golden.rows]) for name in names})


def _column(values: list[Any]) -> Column:
    present = [value for value in values if value is not None]
    if present and all(isinstance(value, bool) for value in present) and len(present) == len(values):
        return np.array(values, dtype=np.bool_)
    if present and all(type(value) is int for value in values):
        return np.array(values, dtype=np.int64)
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in present):
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def _replayed(name: str, golden: Golden, found: NDArray[Any]) -> list[str]:
    tolerance = golden.tolerance.get(name)
    expected = _expected(golden.outputs[name], numbers=tolerance is not None)
    if found.shape != expected.shape:
        return [f"{name} has shape {found.shape}, expected {expected.shape}"]
    if tolerance is None:
        wrong = ~labels_agree(expected, found)
        return [
            f"{name} of row {row}: {found[row]!r}, expected {expected[row]!r}" for row in np.flatnonzero(wrong)
        ]
    if kind_of(found) != "float":
        return [f"{name} is {found.dtype.name}, expected floats"]
    return list(_off(name, expected, found, tolerance))


def _off(name: str, expected: NDArray[Any], found: NDArray[Any], tolerance: Tolerance) -> Iterator[str]:
    beyond = excess(expected, found, tolerance, complement=name == PROBABILITIES) > 1
    off = differences(expected, found)
    for row in np.flatnonzero(beyond.reshape(len(expected), -1).any(axis=1)).tolist():
        worst = float(off[row].max())
        yield f"{name} of row {row}: {found[row].tolist()}, expected {expected[row].tolist()}, off by {worst:.3g}"


def _expected(values: list[Any], *, numbers: bool) -> NDArray[Any]:
    if numbers:
        return np.array(_numbers(values), dtype=np.float64)
    return _column(values)


def _numbers(value: Any) -> Any:  # ruff: ignore[ANN401] - nested lists
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    return np.nan if value is None else float(value)


def _expressible(rows: Rows) -> Mask:
    """Rows that JSON can hold: no infinities."""
    fine = np.ones(len(rows), dtype=np.bool_)
    for column in rows.columns.values():
        if column.dtype.kind == "f":
            fine &= ~np.isinf(column)
    return fine


def _wishes(rows: Rows, outputs: Outputs) -> Iterator[Iterable[int]]:
    """Groups of row numbers, the most wanted group first; one row of each is wanted, then a second one."""
    if LABEL in outputs:
        yield from _by_value(outputs[LABEL])
    scores = [
        values.reshape(len(rows), -1)[:, -1].astype(np.float64)
        for name, values in outputs.items()
        if name != LABEL
    ]
    for score in scores:
        ordered = np.argsort(score, kind="stable")
        yield ordered[:1].tolist()
        yield ordered[-1:].tolist()
        for row in np.argsort(np.abs(score - 0.5), kind="stable")[:_NEAR].tolist():
            yield [row]
    for column in rows.columns.values():
        yield np.flatnonzero(is_missing(column)).tolist()
    for column in rows.columns.values():
        if column.dtype == object:
            yield from _by_value(column)
    for row in np.linspace(0, len(rows) - 1, num=min(len(rows), MAX_GOLDEN_ROWS)).astype(int).tolist():
        yield [row]


def _by_value(values: NDArray[Any]) -> Iterator[list[int]]:
    groups: dict[Any, list[int]] = {}
    for row, value in enumerate(values.tolist()):
        groups.setdefault(value, []).append(row)
    yield from list(groups.values())[:_MOST_CATEGORIES]


def _chosen(wishes: Iterator[Iterable[int]], rows: int) -> NDArray[np.intp]:
    """Row numbers, ascending: the first of every wish that no chosen row grants yet, up to 64."""
    chosen: dict[int, None] = {}
    for wish in wishes:
        group = list(wish)
        if len(chosen) >= min(MAX_GOLDEN_ROWS, rows):
            break
        if group and not any(row in chosen for row in group):
            chosen[group[0]] = None
    return np.array(sorted(chosen), dtype=np.intp)
