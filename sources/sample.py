"""A file of rows that is read in blocks: however large it is, the memory that it takes is not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
from onnxport.artifacts import Rows, UsageError

from .blocks import READERS, unreadable
from .dtypes import ColumnType, conformed
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
    frame = pd.concat([conformed(part, dtypes) for part in survey.parts], ignore_index=True)
    return Sample(
        frame=frame,
        length=survey.length,
        blocks=lambda: (conformed(block, dtypes) for block in _blocks(path, texts, limit)),
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
        raise unreadable(path, error) from error


@dataclass(slots=True)
class _Survey:
    """What one reading of a file showed.

    Attributes:
        columns: What each column is.
        length: Number of rows.
        parts: The rows to keep, as they were read.
    """

    columns: dict[str, ColumnType] = field(default_factory=dict)
    length: int = 0
    parts: list[pd.DataFrame] = field(default_factory=list)
    _shown: set[tuple[str, Any]] = field(default_factory=set)

    def add(self, block: pd.DataFrame) -> None:
        """One more block counts."""
        for name in block.columns:
            column = self.columns.setdefault(name, ColumnType(empty=np.dtype(float) if self.length else None))
            column.join(ColumnType.of(block[name]))
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
