"""What a column is over all blocks of a file: each block alone may look otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(slots=True)
class ColumnType:
    """What a column is over the blocks so far.

    Attributes:
        found: The dtype that holds all of its values; `None` while every value is missing.
        empty: The dtype of blocks in which every value is missing, `None` if there was none.
        mixed: Whether blocks were of types that do not join.
    """

    found: Any = None
    empty: Any = None
    mixed: bool = False

    @classmethod
    def of(cls, series: pd.Series[Any]) -> ColumnType:
        """What the column is in one block."""
        if series.dtype.name in {"float64", "object"} and series.isna().all():
            return cls(empty=series.dtype)
        return cls(found=series.dtype)

    def join(self, other: ColumnType) -> None:
        """What `other` has found in its blocks counts as well."""
        self.empty = self.empty if other.empty is None else other.empty
        self.mixed |= other.mixed
        if self.found is None or other.found is None:
            self.found = other.found if self.found is None else self.found
            return
        joined = _joined(self.found, other.found)
        self.mixed |= joined is None
        self.found = joined or np.dtype(object)

    @property
    def dtype(self) -> Any:  # ruff: ignore[ANN401] - numpy's, pandas' or Arrow's
        """The dtype of the column over all blocks: one that can hold missing values where there are any."""
        if self.found is None:
            return self.empty
        if self.empty is None or not isinstance(self.found, np.dtype):
            return self.found
        return {"b": np.dtype(object), "i": np.dtype(float), "u": np.dtype(float)}.get(self.found.kind, self.found)


def _joined(one: Any, other: Any) -> Any:  # ruff: ignore[ANN401] - dtypes of numpy, pandas or Arrow
    """The dtype that holds the values of both; `None` where they are of types that have nothing in common."""
    if isinstance(one, pd.CategoricalDtype) and isinstance(other, pd.CategoricalDtype):
        return pd.CategoricalDtype(one.categories.append(other.categories).unique(), ordered=one.ordered)
    if one == other:
        return one
    kinds = one.kind + other.kind
    if isinstance(one, np.dtype) and isinstance(other, np.dtype):
        if set(kinds) <= set("iuf"):
            return np.result_type(one, other)
        if set(kinds) == set("bO"):  # bools, and bools with missing values
            return np.dtype(object)
    return None


def conformed(block: pd.DataFrame, dtypes: Mapping[str, Any]) -> pd.DataFrame:
    """The block with the columns and dtypes of the whole file."""
    absent = pd.Series(np.nan, index=block.index, dtype=object)
    return pd.DataFrame({name: _cast(block.get(name, absent), dtype) for name, dtype in dtypes.items()})


def _cast(series: pd.Series[Any], dtype: Any) -> pd.Series[Any]:  # ruff: ignore[ANN401] - any dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return series.astype("category").cat.set_categories(dtype.categories, ordered=dtype.ordered)
    return series if series.dtype == dtype else series.astype(dtype)
