"""Pieces of a file that can be read apart from the rest: row groups joined or cut, text between records."""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from onnxport.artifacts import Document
from pyarrow import parquet
from pydantic import Field

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa

_MOST_PIECES: Final = 8
"""A row group has no index: each piece decodes what is before it."""
_BLOCK: Final = 1 << 20
_QUOTE, _LINE_FEED = 0x22, 0x0A


class Span(Document):
    """Rows that stand together in a file.

    Attributes:
        begin: The first row group (Parquet), record batch (Arrow) or byte (CSV).
        end: The one after the last.
        skip: Rows at its beginning that belong to another span.
        rows: How many rows it has; `None` where only reading tells (CSV).
    """

    begin: int = Field(ge=0)
    end: int = Field(ge=0)
    skip: int = Field(default=0, ge=0)
    rows: int | None = None


def row_spans(sizes: Sequence[int], target: int, huge: int) -> list[Span]:
    """Groups of `sizes` rows, joined up to `target` rows; what has more than `huge` is cut into pieces.

    Law: each row is in exactly one span, and no span is empty.
    """
    spans: list[Span] = []
    begin, rows = 0, 0
    for index, size in enumerate(sizes):
        rows += size
        if rows >= target or index == len(sizes) - 1:
            pieces = [(0, rows)] if rows <= huge else _pieces(rows, target)
            spans += [Span(begin=begin, end=index + 1, skip=skip, rows=count) for skip, count in pieces]
            begin, rows = index + 1, 0
    return [span for span in spans if span.rows]


def parquet_spans(path: Path, target: int, huge: int) -> list[Span]:
    """Row groups of the Parquet file, joined and cut as `row_spans` has it."""
    metadata = parquet.read_metadata(path)
    return row_spans(
        [metadata.row_group(index).num_rows for index in range(metadata.num_row_groups)], target, huge
    )


def _pieces(rows: int, target: int) -> list[tuple[int, int]]:
    size = max(target, -(-rows // _MOST_PIECES))
    return [(start, min(size, rows - start)) for start in range(0, rows, size)]


def rows_within(blocks: Iterator[pa.RecordBatch], span: Span) -> Iterator[pa.RecordBatch]:
    """Of the span's groups, the rows from `skip` on, `rows` of them."""
    skip, left = span.skip, span.rows
    for block in blocks:
        kept = block.slice(skip, left)
        skip = max(0, skip - len(block))
        if len(kept):
            yield kept
        if left is not None and (left := left - len(kept)) <= 0:
            return


def record_spans(path: Path, target: int) -> list[Span]:
    """Ranges of `target` bytes of the CSV file, and what it takes to the end of a record; without the header.

    Quoted line breaks end no record.
    """
    size = path.stat().st_size
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        cuts = list(_cuts(data, size, target))
    return [Span(begin=begin, end=end) for begin, end in zip(cuts, [*cuts[1:], size], strict=True) if begin < end]


def _cuts(data: mmap.mmap, size: int, target: int) -> Iterator[int]:
    """Where spans begin: after the header, and after the first record that ends beyond each `target` bytes."""
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
                wanted = int(cuts[0]) + target
        quotes_before += len(quotes)
