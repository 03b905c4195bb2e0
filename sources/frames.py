"""Data frames in, rows out: reading samples, and leaving pandas behind."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
from onnxport.artifacts import Column, Rows, UsageError
from pyarrow import feather, parquet

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


def read_sample(path: Path, limit: int | None = None) -> pd.DataFrame:
    """The rows of a Parquet, CSV, JSON Lines or Arrow/Feather file; the first `limit` of them.

    Raises:
        UsageError: There is no such file, it cannot be read, or it has no rows.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
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
    try:
        frame = reader(path, limit)
    except (ValueError, OSError, pa.ArrowException, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UsageError(
            f"{path} cannot be read as {path.suffix.lstrip('.')}: {reason}",
            hint="The suffix must say what the file is; write the file again if it is damaged.",
        ) from error
    if frame.columns.duplicated().any():
        twice = sorted({str(name) for name in frame.columns[frame.columns.duplicated()]})
        raise UsageError(f"{path} has columns of one name: {', '.join(map(repr, twice))}")
    if frame.empty:
        raise UsageError(
            f"{path} has {len(frame.columns)} columns and no rows", hint="A sample needs rows, best 1,000 or more."
        )
    return frame.rename(columns=str)


def _parquet(path: Path, limit: int | None) -> pd.DataFrame:
    file = parquet.ParquetFile(path)
    if limit is None:
        return _pandas(file.read())
    blocks, rows = [], 0
    for block in file.iter_batches(batch_size=max(1, min(limit, 65_536))):
        blocks.append(block)
        rows += len(block)
        if rows >= limit:
            break
    return _pandas(pa.Table.from_batches(blocks, schema=file.schema_arrow).slice(0, limit))


def _pandas(table: Any) -> pd.DataFrame:  # ruff: ignore[ANN401] - pyarrow has no types
    frame: pd.DataFrame = table.to_pandas()
    if isinstance(frame.index, pd.MultiIndex) or frame.index.name is not None:
        frame = frame.reset_index()
    return frame.reset_index(drop=True)


def _csv(path: Path, limit: int | None) -> pd.DataFrame:
    return pd.read_csv(path, nrows=limit, encoding="utf-8")


def _json_lines(path: Path, limit: int | None) -> pd.DataFrame:
    records: list[dict[str, Any]] = []
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if limit is not None and len(records) >= limit:
                break
            if line.strip():
                record = json.loads(line)
                if not isinstance(record, dict):
                    raise ValueError(f"line {number} is no JSON object")
                records.append(record)
    return pd.DataFrame.from_records(records)


def _feather(path: Path, limit: int | None) -> pd.DataFrame:
    table = feather.read_table(path)
    return _pandas(table if limit is None else table.slice(0, limit))


READERS: Mapping[str, Callable[[Path, int | None], pd.DataFrame]] = {
    ".parquet": _parquet,
    ".pq": _parquet,
    ".csv": _csv,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".feather": _feather,
    ".arrow": _feather,
}
"""File suffix to what reads it."""


def rows_of(frame: pd.DataFrame) -> Rows:
    """The rows of `frame` without pandas; a missing value is NaN in float columns and `None` in object columns.

    Raises:
        UsageError: A column is neither number, bool, string nor category.
    """
    return Rows(columns={str(name): _column(str(name), frame[name]) for name in frame.columns})


def frame_of(rows: Rows) -> pd.DataFrame:
    """The data frame that holds `rows`; columns of strings are `object`.

    Law: `rows_of(frame_of(rows))` equals `rows`.
    """
    return pd.DataFrame({name: pd.Series(values) for name, values in rows.columns.items()})


def _column(name: str, series: pd.Series[Any]) -> Column:
    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype) or pd.api.types.is_string_dtype(dtype) or dtype == "object":
        return _objects(series)
    if isinstance(dtype, np.dtype):
        if dtype.kind in "biuf":
            return series.to_numpy().astype(dtype.newbyteorder("="))
    elif pd.api.types.is_bool_dtype(dtype) or pd.api.types.is_numeric_dtype(dtype):  # nullable and Arrow types
        return _nullable(series)
    raise UsageError(
        f"column {name!r} holds {dtype}; a feature is a number, a bool, a string or a category",
        hint="Turn dates into numbers (days since …) before training; leave other columns out with --features.",
    )


def _nullable(series: pd.Series[Any]) -> Column:
    if pd.api.types.is_float_dtype(series.dtype) or series.isna().any():
        return series.to_numpy(dtype=np.float64, na_value=np.nan)
    return series.to_numpy(dtype=bool if pd.api.types.is_bool_dtype(series.dtype) else np.int64)


def _objects(series: pd.Series[Any]) -> Column:
    values = np.empty(len(series), dtype=object)
    values[:] = series.astype(object).to_numpy()
    values[series.isna().to_numpy()] = None
    return values
