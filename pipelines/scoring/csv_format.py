"""CSV: spans are byte ranges that begin and end between records, quoted line breaks and all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pyarrow as pa
from onnxport.artifacts import UsageError
from onnxport.sources.spans import record_spans
from pyarrow import csv

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from onnxport.sources.spans import Span

TARGET_BYTES: Final = 1 << 25
_BLOCK: Final = 1 << 20
_BLANK: Final = 1 << 12
# What pandas.read_csv takes for missing, so that rows mean here what they meant in training.
_MISSING: Final = [*csv.ConvertOptions().null_values, "<NA>", "None"]


@dataclass(frozen=True, slots=True)
class CsvFormat:
    """Comma-separated, UTF-8, with a header, as `pandas.read_csv` and `DataFrame.to_csv` have it."""

    def schema(self, path: Path, given: Mapping[str, pa.DataType]) -> pa.Schema:
        """The header's columns, with the types of `given`, and those that the first megabyte suggests."""
        with csv.open_csv(
            path,
            read_options=csv.ReadOptions(use_threads=False, block_size=_BLOCK),
            parse_options=_PARSE,
            convert_options=_convert(dict(given)),
        ) as reader:
            return pa.schema([_guessed(field) for field in reader.schema])

    def spans(self, path: Path) -> list[Span]:
        """Ranges of 32 MiB and what it takes to the end of a record, the header left out."""
        return record_spans(path, TARGET_BYTES)

    def batches(self, path: Path, span: Span, columns: pa.Schema, size: int) -> Iterator[pa.RecordBatch]:
        """Records of the range, parsed a megabyte at a time."""
        names = self.schema(path, {name: columns.field(name).type for name in columns.names}).names
        types = {name: columns.field(name).type for name in columns.names}
        with pa.memory_map(str(path)) as source:
            source.seek(span.begin)
            block = source.read_buffer(span.end - span.begin)
            if len(block) < _BLANK and not block.to_pybytes().strip():
                return
            reading = csv.ReadOptions(use_threads=False, block_size=_BLOCK, column_names=names)
            convert = _convert(types, include=list(types))
            try:
                with csv.open_csv(
                    pa.BufferReader(block), read_options=reading, parse_options=_PARSE, convert_options=convert
                ) as reader:
                    for batch in reader:
                        for start in range(0, len(batch), size):
                            yield batch.slice(start, size)
            except pa.ArrowInvalid as error:
                raise UsageError(
                    f"{path}, bytes {span.begin} to {span.end}: {error}",
                    hint="The first megabyte decides the types of columns that are no features; "
                    "leave such a column out with --id-columns, or write Parquet, which has types.",
                ) from error


def _guessed(field: pa.Field) -> pa.Field:
    """A column without a value in the first megabyte may hold anything later."""
    return pa.field(field.name, pa.string()) if pa.types.is_null(field.type) else field


_PARSE: Final = csv.ParseOptions(newlines_in_values=True)


def _convert(types: dict[str, pa.DataType], include: list[str] | None = None) -> csv.ConvertOptions:
    return csv.ConvertOptions(
        column_types=types, include_columns=include, null_values=_MISSING, strings_can_be_null=True
    )
