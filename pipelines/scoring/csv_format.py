"""CSV: spans are byte ranges that begin and end between records, quoted line breaks and all."""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
from onnxport.artifacts import UsageError
from pyarrow import csv

from .span import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

TARGET_BYTES: Final = 1 << 25
_BLOCK: Final = 1 << 20
_BLANK: Final = 1 << 12
_QUOTE, _LINE_FEED = 0x22, 0x0A
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
        size = path.stat().st_size
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            cuts = list(_cuts(data, size))
        return [
            Span(begin=begin, end=end) for begin, end in zip(cuts, [*cuts[1:], size], strict=True) if begin < end
        ]

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


def _cuts(data: mmap.mmap, size: int) -> Iterator[int]:
    """Where spans begin: after the header, and after the first record that ends beyond each 32 MiB."""
    wanted, quotes_before = 0, 0
    for begin in range(0, size, _BLOCK):
        block: Any = np.frombuffer(data[begin : begin + _BLOCK], dtype=np.uint8)
        quotes = np.flatnonzero(block == _QUOTE)
        if wanted < begin + len(block):
            ends = np.flatnonzero(block == _LINE_FEED)
            outside = (quotes_before + np.searchsorted(quotes, ends)) % 2 == 0
            cuts = begin + 1 + ends[outside]
            cuts = cuts[cuts > wanted]
            if len(cuts):
                yield int(cuts[0])
                wanted = int(cuts[0]) + TARGET_BYTES
        quotes_before += len(quotes)
