"""Data frames in, rows out: leaving pandas behind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from onnxport.artifacts import Column, Rows, UsageError


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
