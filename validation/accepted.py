"""Where a plan accepts that graph and source part: the vocabulary of `ConversionPlan.accepted`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray
    from onnxport.artifacts import Column, Rows

    Mask = NDArray[np.bool_]

ACCEPTABLE: Final = frozenset(
    {
        "missing",
        "all-missing",
        "infinite",
        "extreme",
        "denormal",
        "large-integer",
        "unseen-category",
        "empty-string",
        "long-string",
    }
)
"""Kinds of probes that a plan may accept; all others are always compared."""
_FLOAT32_MAX: Final = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What a plan accepts.

    Attributes:
        answers: Kind to reason: the graph may answer although the source raises.
        differs: Kind to reason: the source's answer is no reference.
        unknown: Entries that say neither; they accept nothing.
    """

    answers: Mapping[str, str]
    differs: Mapping[str, str]
    unknown: tuple[str, ...] = ()

    def foresees(self, kind: str) -> bool:
        """Whether the source is known to raise for every row of this kind, or its answer is no reference."""
        return kind in self.answers or kind in self.differs

    def covers(self, kind: str, rows: Rows) -> Mask:
        """Shape `(n,)`: the rows that the graph may answer although the source raises."""
        if self.foresees(kind) or (kind == "extreme" and "infinite" in self.answers):
            return np.ones(len(rows), dtype=np.bool_)
        covered = np.zeros(len(rows), dtype=np.bool_)
        for column in rows.columns.values():
            if "infinite" in self.answers:
                covered |= _overflows(column)
            if "missing" in self.answers:
                covered |= is_missing(column)
        return covered


def parse_accepted(entries: Iterable[str]) -> Accepted:
    """What the plan's `accepted` entries say: `KIND: reason` or `KIND differs: reason`."""
    answers: dict[str, str] = {}
    differs: dict[str, str] = {}
    unknown: list[str] = []
    for entry in entries:
        head, _, reason = entry.partition(":")
        kind, _, verb = head.strip().partition(" ")
        if kind not in ACCEPTABLE or verb not in {"", "differs"} or not reason.strip():
            unknown.append(entry)
        else:
            (differs if verb else answers)[kind] = reason.strip()
    return Accepted(answers=answers, differs=differs, unknown=tuple(unknown))


def is_missing(column: Column) -> Mask:
    """Where a value of the column is missing: NaN, or `None` among objects."""
    if column.dtype.kind == "f":
        return np.asarray(np.isnan(column), dtype=np.bool_)
    if column.dtype == object:
        values = column.tolist()
        return np.array([value is None or value != value for value in values], dtype=np.bool_)  # ruff: ignore[PLR0124] - NaN
    return np.zeros(len(column), dtype=np.bool_)


def _overflows(column: Column) -> Mask:
    if column.dtype.kind != "f":
        return np.zeros(len(column), dtype=np.bool_)
    return np.asarray(np.abs(column) > _FLOAT32_MAX, dtype=np.bool_)
