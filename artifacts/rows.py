"""Rows of named columns: what a model is asked, in any layout, without a data-frame library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Column = np.ndarray[Any, np.dtype[Any]]
"""One column, shape `(n,)`: float32, float64, any integer, bool, or object (strings, `None` where missing)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Named columns of equal length, in order.

    Missing values are NaN in float columns and `None` in object columns; integer and bool columns have none.

    Attributes:
        columns: Column name to values, shape `(n,)` each.
    """

    columns: Mapping[str, Column]

    def __post_init__(self) -> None:
        """Refuse what is not a table.

        Raises:
            UsageError: A column is not one-dimensional, or their lengths differ.
        """
        lengths = {name: column.shape for name, column in self.columns.items()}
        if any(len(shape) != 1 for shape in lengths.values()) or len(set(lengths.values())) > 1:
            raise UsageError(f"columns must be one-dimensional and equally long, found {lengths}")

    def __len__(self) -> int:
        return next((len(column) for column in self.columns.values()), 0)

    @property
    def names(self) -> tuple[str, ...]:
        """The column names in order."""
        return tuple(self.columns)

    def take(self, indices: Sequence[int] | Column | slice) -> Rows:
        """The rows at `indices`, in that order."""
        return Rows(columns={name: column[indices] for name, column in self.columns.items()})

    def select(self, names: Iterable[str]) -> Rows:
        """The columns `names`, in that order.

        Raises:
            UsageError: A name is not there.
        """
        names = list(names)
        absent = [name for name in names if name not in self.columns]
        if absent:
            raise UsageError(
                f"missing column{'s' * (len(absent) > 1)} {', '.join(map(repr, absent))}; "
                f"found {', '.join(map(repr, self.columns))}",
                hint="Give data that has every feature column of the model, under the same name.",
            )
        return Rows(columns={name: self.columns[name] for name in names})

    def with_columns(self, changed: Mapping[str, Column]) -> Rows:
        """These rows with the `changed` columns in the place of those of the same name."""
        return Rows(columns={**self.columns, **changed})

    def records(self) -> list[dict[str, Any]]:
        """One JSON-ready dict a row: `None` where a value is missing."""
        lists = {name: [_json(value) for value in column.tolist()] for name, column in self.columns.items()}
        return [dict(zip(lists, values, strict=True)) for values in zip(*lists.values(), strict=True)]


def _json(value: Any) -> Any:  # ruff: ignore[ANN401] - any scalar
    return None if isinstance(value, float) and np.isnan(value) else value


def tiled(rows: Rows, count: int) -> Rows:
    """`count` rows: those of `rows` again and again; none where `rows` has none."""
    return rows.take(np.arange(count if len(rows) else 0) % max(1, len(rows)))


def concatenate(parts: Sequence[Rows]) -> Rows:
    """All rows of `parts`, one below the other; integer columns become float64 where another part has floats."""
    first, *others = parts
    joined: dict[str, Column] = {}
    for name in first.names:
        columns = [first.columns[name], *(part.columns[name] for part in others)]
        joined[name] = np.concatenate(columns)
    return Rows(columns=joined)
