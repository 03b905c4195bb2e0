"""Files of rows, a block at a time, as each format's own reader gives them."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
import pyarrow as pa
from onnxport.artifacts import UsageError
from pyarrow import feather, parquet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    Blocks = Iterator[pd.DataFrame]

BLOCK: Final = 32_768
"""Rows of a block, at most."""


def unreadable(path: Path, error: Exception) -> UsageError:
    """What to say where a file cannot be read."""
    reason = " ".join(str(error).split())[:200]
    return UsageError(
        f"{path} cannot be read as {path.suffix.lstrip('.')}: {reason}",
        hint="The suffix must say what the file is; write the file again if it is damaged.",
    )


def _parquet(path: Path, texts: frozenset[str]) -> Blocks:  # ruff: ignore[ARG001] - one form for all
    with parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=BLOCK):
            yield frame_of_table(pa.Table.from_batches([batch], schema=file.schema_arrow))


def _arrow(path: Path, texts: frozenset[str]) -> Blocks:  # ruff: ignore[ARG001] - one form for all
    with pa.memory_map(str(path)) as mapped:
        for batch in _record_batches(path, mapped):
            for start in range(0, len(batch), BLOCK):
                yield frame_of_table(pa.Table.from_batches([batch.slice(start, BLOCK)]))


def _record_batches(path: Path, mapped: Any) -> Iterator[Any]:  # ruff: ignore[ANN401] - pyarrow has no types
    """The record batches of an Arrow file (Feather 2), an Arrow stream, or the old Feather 1."""
    try:
        file = pa.ipc.open_file(mapped)
    except pa.ArrowInvalid:
        mapped.seek(0)
        try:
            stream = pa.ipc.open_stream(mapped)
        except pa.ArrowInvalid:
            yield from feather.read_table(path).to_batches()
        else:
            yield from stream
    else:
        for index in range(file.num_record_batches):
            yield file.get_batch(index)


def frame_of_table(table: Any) -> pd.DataFrame:  # ruff: ignore[ANN401] - pyarrow has no types
    """The rows of an Arrow table, numbered from 0; an index that has names is columns."""
    frame: pd.DataFrame = table.to_pandas()
    if isinstance(frame.index, pd.MultiIndex) or frame.index.name is not None:
        frame = frame.reset_index()
    return frame.reset_index(drop=True)


def _csv(path: Path, texts: frozenset[str]) -> Blocks:
    dtypes = dict.fromkeys(texts, str)
    with pd.read_csv(path, chunksize=BLOCK, encoding="utf-8", low_memory=False, dtype=dtypes) as reader:
        for block in reader:
            yield block.reset_index(drop=True)


def _json_lines(path: Path, texts: frozenset[str]) -> Blocks:  # ruff: ignore[ARG001] - one form for all
    with path.open(encoding="utf-8") as file:
        records = (_record(line, number) for number, line in enumerate(file, start=1) if line.strip())
        while block := list(islice(records, BLOCK)):
            yield pd.DataFrame.from_records(block)


def _record(line: str, number: int) -> dict[str, Any]:
    record = json.loads(line)
    if not isinstance(record, dict):
        raise ValueError(f"line {number} is no JSON object")  # ruff: ignore[TRY004] - a value of the file
    return record


READERS: Mapping[str, Callable[[Path, frozenset[str]], Blocks]] = {
    ".parquet": _parquet,
    ".pq": _parquet,
    ".csv": _csv,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".feather": _arrow,
    ".arrow": _arrow,
}
"""File suffix to what reads it; formats without types take the named columns as texts."""
