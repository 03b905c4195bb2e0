"""A file of rows that is read in blocks: however large it is, the memory that it takes is not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
from onnxport.artifacts import Rows, UsageError

from .blocks import READERS
from .frames import rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    Blocks = Iterator[pd.DataFrame]

HEAD: Final = 4_096
"""First rows that `Sample.frame` holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Rows that can be read again and again, a block at a time.

    Law: every block has the columns and the dtypes of `frame`; they are those that all rows have together.

    Attributes:
        frame: The first 4,096 rows, and of those further down the ones that show what these do not: the first
            missing value of a column, the first value of another type, the first row that is complete.
        length: Number of rows.
        blocks: Reads every row, in order.
    """

    frame: pd.DataFrame
    length: int
    blocks: Callable[[], Blocks]

    def rows(self, names: Sequence[str]) -> Iterator[Rows]:
        """The columns `names` of every row, a block at a time.

        Raises:
            UsageError: The file cannot be read any more, or a column is no feature.
        """
        like = rows_of(self.frame[list(names)])
        for block in self.blocks():
            rows = rows_of(block[list(names)])
            yield Rows(
                columns={
                    name: column.astype(like.columns[name].dtype, copy=False)
                    for name, column in rows.columns.items()
                }
            )


def sample_of(frame: pd.DataFrame) -> Sample:
    """The rows of `frame`, which is in memory already."""
    return Sample(frame=frame, length=len(frame), blocks=lambda: iter([frame]))


def open_sample(path: Path, limit: int | None = None) -> Sample:
    """The rows of a Parquet, CSV, JSON Lines or Arrow/Feather file; the first `limit` of them.

    The file is read once to learn what its columns are over all rows, and then as often as it is asked for. In
    formats without types, a column that holds a text anywhere is a text everywhere.

    Raises:
        UsageError: There is no such file, it cannot be read, or it has no rows.
    """
    _check_file(path)
    survey, texts = _survey(path, frozenset(), limit), frozenset[str]()
    if path.suffix.lower() == ".csv" and survey.mixed:
        texts = survey.mixed
        survey = _survey(path, texts, limit)
    if not survey.length:
        raise UsageError(f"{path} has no rows", hint="A sample needs rows, best 1,000 or more.")
    dtypes = {name: column.dtype for name, column in survey.columns.items()}
    frame = pd.concat([_conformed(part, dtypes) for part in survey.parts], ignore_index=True)
    return Sample(
        frame=frame,
        length=survey.length,
        blocks=lambda: (_conformed(block, dtypes) for block in _blocks(path, texts, limit)),
    )


def read_sample(path: Path, limit: int | None = None) -> pd.DataFrame:
    """All rows of the file in memory, as `open_sample` gives them.

    Raises:
        UsageError: As for `open_sample`.
    """
    return pd.concat(list(open_sample(path, limit).blocks()), ignore_index=True)


def _check_file(path: Path) -> None:
    if path.suffix.lower() not in READERS:
        raise UsageError(
            f"{path.name} has the suffix {path.suffix!r}; a sample has one of {', '.join(READERS)}",
            hint="Write the sample with DataFrame.to_parquet.",
        )
    if not path.is_file():
        raise UsageError(
            f"there is no file {path}", hint="Name a Parquet, CSV, JSON Lines or Arrow file with rows."
        )
    if path.stat().st_size == 0:
        raise UsageError(f"{path} is empty: it has neither columns nor rows", hint="Name a file that has rows.")


def _blocks(path: Path, texts: frozenset[str], limit: int | None) -> Blocks:
    """The blocks of the file up to `limit` rows, the columns' names as strings.

    Raises:
        UsageError: The file cannot be read.
    """
    left = limit
    try:
        for block in READERS[path.suffix.lower()](path, texts):
            if block.columns.duplicated().any():
                twice = sorted({str(name) for name in block.columns[block.columns.duplicated()]})
                raise UsageError(f"{path} has columns of one name: {', '.join(map(repr, twice))}")
            yield block.iloc[:left].rename(columns=str)
            left = None if left is None else left - len(block)
            if left is not None and left <= 0:
                return
    except (ValueError, OSError, pa.ArrowException) as error:
        reason = " ".join(str(error).split())[:200]
        raise UsageError(
            f"{path} cannot be read as {path.suffix.lstrip('.')}: {reason}",
            hint="The suffix must say what the file is; write the file again if it is damaged.",
        ) from error


@dataclass(slots=True)
class _Column:
    """What a column is over the blocks so far.

    Attributes:
        found: The dtype that holds all of its values; `None` while every value is missing.
        empty: The dtype of blocks in which every value is missing, `None` if there was none.
        mixed: Whether blocks were of types that do not join.
    """

    found: Any = None
    empty: Any = None
    mixed: bool = False

    def add(self, series: pd.Series[Any]) -> None:
        """The values of one more block count."""
        if series.dtype.name in {"float64", "object"} and series.isna().all():
            self.empty = series.dtype
        elif self.found is None:
            self.found = series.dtype
        else:
            joined = _joined(self.found, series.dtype)
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


@dataclass(slots=True)
class _Survey:
    """What one reading of a file showed.

    Attributes:
        columns: What each column is.
        length: Number of rows.
        parts: The rows to keep, as they were read.
    """

    columns: dict[str, _Column] = field(default_factory=dict)
    length: int = 0
    parts: list[pd.DataFrame] = field(default_factory=list)
    _shown: set[tuple[str, Any]] = field(default_factory=set)

    def add(self, block: pd.DataFrame) -> None:
        """One more block counts."""
        for name in block.columns:
            column = self.columns.setdefault(name, _Column(empty=np.dtype(float) if self.length else None))
            column.add(block[name])
        for name in self.columns.keys() - set(block.columns):
            self.columns[name].empty = np.dtype(float)
        head = range(min(len(block), max(0, HEAD - self.length)))
        if kept := sorted({*head, *self._news(block)}):
            self.parts.append(block.iloc[kept])
        self.length += len(block)

    def _news(self, block: pd.DataFrame) -> Iterator[int]:
        """Numbers of rows that show what no row before them did."""
        missing = block.isna()
        yield from self._first(("", "complete"), ~missing.any(axis=1).to_numpy())
        for name in block.columns:
            yield from self._first((name, "missing"), missing[name].to_numpy())
            if block[name].dtype == object:
                types = [type(value) for value in block[name].tolist()]
                for kind in dict.fromkeys(types):
                    yield from self._first((name, kind), np.array([found is kind for found in types]))

    def _first(self, fact: tuple[str, Any], rows: np.ndarray[Any, Any]) -> Iterator[int]:
        if fact not in self._shown and rows.any():
            self._shown.add(fact)
            yield int(rows.argmax())

    @property
    def mixed(self) -> frozenset[str]:
        """Columns whose blocks were of types that do not join."""
        return frozenset(name for name, column in self.columns.items() if column.mixed)


def _survey(path: Path, texts: frozenset[str], limit: int | None) -> _Survey:
    survey = _Survey()
    for block in _blocks(path, texts, limit):
        survey.add(block)
    return survey


def _conformed(block: pd.DataFrame, dtypes: dict[str, Any]) -> pd.DataFrame:
    """The block with the columns and dtypes of the whole file."""
    absent = pd.Series(np.nan, index=block.index, dtype=object)
    return pd.DataFrame({name: _cast(block.get(name, absent), dtype) for name, dtype in dtypes.items()})


def _cast(series: pd.Series[Any], dtype: Any) -> pd.Series[Any]:  # ruff: ignore[ANN401] - any dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return series.astype("category").cat.set_categories(dtype.categories, ordered=dtype.ordered)
    return series if series.dtype == dtype else series.astype(dtype)
