"""Probes that need no graph: missing values, infinities, extremes, unseen categories, placed into real rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from onnxport.artifacts import Rows

from .accepted import is_missing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from onnxport.artifacts import Column, InputColumn, Signature

BASES: Final = 3
"""Real rows that each special value is placed into."""
SHUFFLED: Final = 1_000
MOST_CATEGORIES: Final = 300
LONG: Final = "x" * 10_000
UNSEEN: Final = ("onnxport-unseen", "ÜNSEEN 東京 🙂", " ")
_FLOAT32: Final = np.finfo(np.float32)
_EXTREMES: Final = (float(_FLOAT32.max), -float(_FLOAT32.max), 1e30, -1e30, 1e15, -1e15, float(_FLOAT32.tiny))
_DENORMALS: Final = (1e-45, -1e-45, 1e-40)
_INTEGERS: Final = (2**24 + 1, -(2**24) - 1, 2**31 - 1, 2**53 + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """Rows to ask both sides.

    Attributes:
        kind: What is special about them.
        rows: The rows.
        note: What a reader should know about them; empty mostly.
    """

    kind: str
    rows: Rows
    note: str = ""


def special_probes(base: Rows, signature: Signature, generator: np.random.Generator) -> Iterator[Probe]:
    """The probes of each kind that the columns of `base` can hold, one `Probe` a kind.

    Args:
        base: Real rows that the source answers, at least one.
        signature: Which columns may be missing, and which are categorical.
        generator: Picks the rows that the values are placed into.
    """
    inputs = {column.name: column for column in signature.inputs}
    plan: dict[str, list[tuple[str, Any]]] = {}
    for name in signature.columns:
        for kind, value in _values(base.columns[name], inputs[name]):
            plan.setdefault(kind, []).append((name, value))
    for kind, places in plan.items():
        repeated = [place for place in places for _ in range(BASES if kind in {"missing", "category"} else 1)]
        # of its own seed: the values drawn below stay as they are; a source that refuses all is not asked for each
        np.random.default_rng(len(repeated)).shuffle(repeated)
        yield Probe(kind=kind, rows=placed(base, repeated, generator))
    yield from _all_missing(base, [name for name in signature.columns if inputs[name].missing.allowed], generator)
    yield Probe(kind="shuffled", rows=shuffled(base, min(SHUFFLED, 4 * len(base)), generator))


def placed(base: Rows, places: Sequence[tuple[str, Any]], generator: np.random.Generator) -> Rows:
    """One row for each `(column, value)`: a random row of `base` with the value in that column.

    A column of integers becomes float64 where a missing value is placed into it.
    """
    rows = base.take(generator.integers(len(base), size=len(places)))
    changed: dict[str, Column] = {}
    for index, (name, value) in enumerate(places):
        if name not in changed:
            changed[name] = _room_for(rows.columns[name], [item for other, item in places if other == name])
        changed[name][index] = value
    return rows.with_columns(changed)


def shuffled(base: Rows, count: int, generator: np.random.Generator) -> Rows:
    """`count` rows, each column drawn from `base` on its own: combinations that the sample does not hold."""
    return Rows(
        columns={name: column[generator.integers(len(base), size=count)] for name, column in base.columns.items()}
    )


def _room_for(column: Column, values: Sequence[Any]) -> Column:
    if column.dtype.kind in "iub" and any(value is None or value != value for value in values):  # ruff: ignore[PLR0124] - NaN
        return column.astype(np.float64)
    return column.copy()


def _all_missing(base: Rows, names: Sequence[str], generator: np.random.Generator) -> Iterator[Probe]:
    if not names:
        return
    rows = base.take(generator.integers(len(base), size=9))
    changed: dict[str, Column] = {}
    for name in names:
        column = rows.columns[name]
        changed[name] = column.astype(np.float64) if column.dtype.kind in "iub" else column.copy()
        some = generator.random(len(rows)) < 0.5  # ruff: ignore[PLR2004] - every other one
        some[0] = True
        changed[name][some] = None if column.dtype == object else np.nan
    yield Probe(kind="all-missing", rows=rows.with_columns(changed))


def _values(column: Column, described: InputColumn) -> Iterator[tuple[str, Any]]:
    if described.missing.allowed:
        yield "missing", None if column.dtype == object else np.nan
    if column.dtype == object:
        yield from _object_values(column, described)
    elif described.categories is not None:
        yield from _number_categories(column, described.categories)
    elif column.dtype.kind == "b":
        yield from (("category", value) for value in (False, True))
    elif column.dtype.kind == "f":
        yield from _float_values(column)
    else:
        limits = np.iinfo(column.dtype)
        yield from (("large-integer", value) for value in _INTEGERS if limits.min <= value <= limits.max)
        yield from (("zero", value) for value in (0, 1))


def _float_values(column: Column) -> Iterator[tuple[str, float]]:
    yield from (("infinite", value) for value in (np.inf, -np.inf))
    if column.dtype == np.float64:
        yield from (("infinite", value) for value in (1e39, -1e300))
        yield from (("denormal", value) for value in (5e-324, 1e-310))
    yield from (("extreme", value) for value in _EXTREMES)
    yield from (("denormal", value) for value in _DENORMALS)
    yield from (("zero", value) for value in (0.0, -0.0))
    known = column[np.isfinite(column)]
    if len(known) and bool((known == np.round(known)).all()):
        yield from (("large-integer", float(value)) for value in _INTEGERS)


def _object_values(column: Column, described: InputColumn) -> Iterator[tuple[str, Any]]:
    known = list(dict.fromkeys(column[~is_missing(column)].tolist()))
    if described.categories is not None:
        known = list(dict.fromkeys([*described.categories, *known]))
    yield from (("category", value) for value in known[:MOST_CATEGORIES])
    if described.dtype != "string":
        return
    variants = [str(value).swapcase() for value in known[:2]] + [f"{known[0]} "] if known else []
    yield from (("unseen-category", value) for value in (*UNSEEN, *variants) if value not in known)
    if "" not in known:
        yield "empty-string", ""
    yield "long-string", LONG


def _number_categories(column: Column, categories: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    yield from (("category", value) for value in categories[:MOST_CATEGORIES])
    numbers = [value for value in categories if isinstance(value, int | float) and np.isfinite(value)]
    unseen = max(numbers, default=0) + 1
    if column.dtype.kind != "b" and (column.dtype.kind == "f" or unseen <= np.iinfo(column.dtype).max):
        yield "unseen-category", unseen
