"""How rows are read from files of each format: a schema, spans that can be read apart, and their batches."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import pyarrow as pa
from onnxport.artifacts import UsageError
from onnxport.sources.spans import parquet_spans, row_spans, rows_within
from pyarrow import parquet

from .csv_format import CsvFormat

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping
    from pathlib import Path

    from onnxport.sources.spans import Span

TARGET_ROWS: Final = 1 << 18
"""Rows that a part has at least, where the file's own groups allow it."""
_HUGE: Final = 4 * TARGET_ROWS
_BUFFER: Final = 1 << 20


class Format(Protocol):
    """What it takes to read one format."""

    def schema(self, path: Path, given: Mapping[str, pa.DataType]) -> pa.Schema:
        """The file's columns; where the format has no types of its own, those of `given` and guesses."""
        ...

    def spans(self, path: Path) -> list[Span]:
        """The whole file, cut so that each row is in exactly one span."""
        ...

    def batches(self, path: Path, span: Span, columns: pa.Schema, size: int) -> Iterator[pa.RecordBatch]:
        """The span's rows, in order, up to `size` at a time, with at least `columns`."""
        ...


@dataclass(frozen=True, slots=True)
class ParquetFormat:
    """Parquet: spans are row groups, or pieces of one that is huge."""

    def schema(self, path: Path, given: Mapping[str, pa.DataType]) -> pa.Schema:
        """The file's columns."""
        del given
        return parquet.read_schema(path)

    def spans(self, path: Path) -> list[Span]:
        """Row groups joined up to the target, huge ones in pieces."""
        return parquet_spans(path, TARGET_ROWS, _HUGE)

    def batches(self, path: Path, span: Span, columns: pa.Schema, size: int) -> Iterator[pa.RecordBatch]:
        """Decoded as they are asked for, without read-ahead: memory stays that of a batch and a few pages."""
        groups = list(range(span.begin, span.end))
        with parquet.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER) as file:
            blocks = file.iter_batches(size, row_groups=groups, columns=list(columns.names), use_threads=False)
            yield from rows_within(blocks, span)


@dataclass(frozen=True, slots=True)
class ArrowFormat:
    """Arrow IPC files (Feather version 2) and streams: spans are record batches; nothing is decoded to skip."""

    def schema(self, path: Path, given: Mapping[str, pa.DataType]) -> pa.Schema:
        """The file's columns."""
        del given
        with _arrow(path) as reader:
            return reader.schema

    def spans(self, path: Path) -> list[Span]:
        """Record batches joined up to the target."""
        with _arrow(path) as reader:
            sizes = [len(batch) for batch in _record_batches(reader)]
        return row_spans(sizes, TARGET_ROWS, _HUGE)

    def batches(self, path: Path, span: Span, columns: pa.Schema, size: int) -> Iterator[pa.RecordBatch]:
        """Slices of the mapped file."""
        with _arrow(path) as reader:
            blocks = (
                batch.select(list(columns.names)).slice(start, size)
                for index, batch in enumerate(_record_batches(reader))
                if span.begin <= index < span.end
                for start in range(0, len(batch), size)
            )
            yield from rows_within(blocks, span)


@contextmanager
def _arrow(path: Path) -> Generator[pa.RecordBatchFileReader | pa.RecordBatchStreamReader]:
    with pa.memory_map(str(path)) as source:
        try:
            reader = pa.ipc.open_file(source)
        except pa.ArrowInvalid:
            source.seek(0)
            reader = pa.ipc.open_stream(source)
        with reader:
            yield reader


def _record_batches(reader: pa.RecordBatchFileReader | pa.RecordBatchStreamReader) -> Iterator[pa.RecordBatch]:
    if isinstance(reader, pa.ipc.RecordBatchStreamReader):
        yield from reader
    else:
        for index in range(reader.num_record_batches):
            yield reader.get_batch(index)


FORMATS: Final[Mapping[str, Format]] = {
    ".parquet": ParquetFormat(),
    ".pq": ParquetFormat(),
    ".csv": CsvFormat(),
    ".arrow": ArrowFormat(),
    ".feather": ArrowFormat(),
}
"""File suffix to what reads it."""


def format_of(path: Path) -> Format:
    """What reads `path`, by its suffix.

    Raises:
        UsageError: Nothing does.
    """
    found = FORMATS.get(path.suffix.lower())
    if found is None:
        raise UsageError(
            f"{path} has the suffix {path.suffix!r}; rows are read from {', '.join(FORMATS)}",
            hint="Write the rows as Parquet.",
        )
    return found
