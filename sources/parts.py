"""A file of rows in parts that are read apart, each by whoever has it: together they are the file's rows."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pandas as pd
import pyarrow as pa
from onnxport.artifacts import IntegrityError, UsageError
from pyarrow import parquet

from .blocks import BLOCK, frame_of_table, unreadable
from .spans import Span, parquet_spans, record_spans, rows_within

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

TARGET_ROWS: Final = 1 << 16
"""Rows that a part of a Parquet file has, where the file's own groups allow it: it is in memory as a whole."""
TARGET_BYTES: Final = 1 << 25
"""Bytes that a part of a CSV file has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Rows that are read in one go.

    Attributes:
        path: Absolute path of the file.
        span: Which of its rows.
        size: Bytes of the file.
        modified_ns: When it was last written, nanoseconds since 1970.
    """

    path: str
    span: Span
    size: int
    modified_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Format:
    names: Callable[[Path], list[str]]
    spans: Callable[[Path], list[Span]]
    read: Callable[[Path, Span, Sequence[str], Collection[str]], pd.DataFrame]


def parts_of(path: Path) -> list[Part]:
    """The whole file, each row in exactly one part, in order.

    Raises:
        UsageError: It cannot be read, has no rows, or is of a format that has no parts.
    """
    form = _form(path)
    try:
        stat = path.stat()
        spans = form.spans(path) if stat.st_size else []
    except (ValueError, OSError, pa.ArrowException) as error:
        raise unreadable(path, error) from error
    if not spans:
        raise UsageError(f"{path} has no rows", hint="Name a file that has rows.")
    where = str(path.absolute())
    return [Part(path=where, span=span, size=stat.st_size, modified_ns=stat.st_mtime_ns) for span in spans]


def names_of(path: Path) -> list[str]:
    """The names of the file's columns, in order.

    Raises:
        UsageError: It cannot be read, is of a format that has no parts, or has two columns of one name.
    """
    form = _form(path)
    try:
        names = form.names(path)
    except (ValueError, OSError, pa.ArrowException) as error:
        raise unreadable(path, error) from error
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(f"{path} has columns of one name: {', '.join(map(repr, twice))}")
    return names


def read_part(part: Part, columns: Sequence[str], texts: Collection[str]) -> pd.DataFrame:
    """Those columns of the part's rows, as `open_sample` reads blocks; of a CSV file, `texts` are read as texts.

    Raises:
        UsageError: The file is not seen from here, or cannot be read.
        IntegrityError: It is not the file that it was when the parts were cut.
    """
    path = Path(part.path)
    try:
        stat = path.stat()
    except OSError as error:
        raise UsageError(
            f"a worker does not see {path}: {error.strerror}",
            hint="All workers must see the data under the path that it has here: put it on a shared file system.",
        ) from error
    if (stat.st_size, stat.st_mtime_ns) != (part.size, part.modified_ns):
        raise IntegrityError(f"{path} was changed while it was read", hint="Run the same command again.")
    try:
        return _form(path).read(path, part.span, columns, texts)[list(columns)]
    except (ValueError, OSError, pa.ArrowException) as error:
        raise unreadable(path, error) from error


def _form(path: Path) -> _Format:
    found = _FORMATS.get(path.suffix.lower())
    if found is None:
        raise UsageError(
            f"{path.name} has the suffix {path.suffix!r}; workers read parts of {', '.join(_FORMATS)}",
            hint="Write the rows with DataFrame.to_parquet, in row groups.",
        )
    return found


def _parquet_names(path: Path) -> list[str]:
    return list(parquet.read_schema(path).names)


def _parquet_spans(path: Path) -> list[Span]:
    return parquet_spans(path, TARGET_ROWS, 4 * TARGET_ROWS)


def _parquet(path: Path, span: Span, columns: Sequence[str], texts: Collection[str]) -> pd.DataFrame:  # ruff: ignore[ARG001] - one form for both
    groups = list(range(span.begin, span.end))
    with parquet.ParquetFile(path, pre_buffer=False) as file:
        whole = file.schema_arrow
        schema = pa.schema([field for field in whole if field.name in columns], metadata=whole.metadata)
        blocks = file.iter_batches(BLOCK, row_groups=groups, columns=schema.names, use_threads=False)
        return frame_of_table(pa.Table.from_batches(rows_within(blocks, span), schema=schema))


def _csv_names(path: Path) -> list[str]:
    return [str(name) for name in pd.read_csv(path, nrows=0, encoding="utf-8").columns]


def _csv(path: Path, span: Span, columns: Sequence[str], texts: Collection[str]) -> pd.DataFrame:  # ruff: ignore[ARG001] - as above
    names = _csv_names(path)
    with path.open("rb") as file:
        file.seek(span.begin)
        data = file.read(span.end - span.begin)
    if not data.strip():
        return pd.DataFrame(columns=names)
    types = dict.fromkeys(texts, str)
    frame = pd.read_csv(
        io.BytesIO(data), header=None, names=names, encoding="utf-8", low_memory=False, dtype=types
    )
    return frame.reset_index(drop=True)


_FORMATS: Final[Mapping[str, _Format]] = {
    ".parquet": _Format(names=_parquet_names, spans=_parquet_spans, read=_parquet),
    ".pq": _Format(names=_parquet_names, spans=_parquet_spans, read=_parquet),
    ".csv": _Format(names=_csv_names, spans=lambda path: record_spans(path, TARGET_BYTES), read=_csv),
}
"""File suffix to how its parts are cut and read."""
