"""What an `MLmodel` says of the model's inputs: column names, types, and a few example rows."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from onnxport.artifacts import Column, Rows, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_DTYPES: Mapping[str, type] = {
    "boolean": np.bool_,
    "integer": np.int32,
    "long": np.int64,
    "float": np.float32,
    "double": np.float64,
    "string": np.object_,
}


def input_columns(described: Mapping[str, Any], uri: str) -> dict[str, str]:
    """Column name to MLflow type, in order; empty where the signature names no columns.

    Raises:
        UsageError: The signature is damaged.
    """
    signature = described.get("signature")
    inputs = signature.get("inputs") if isinstance(signature, dict) else None
    if not inputs:
        return {}
    try:
        columns = json.loads(inputs) if isinstance(inputs, str) else inputs
        named = {column["name"]: str(column["type"]) for column in list(columns) if column.get("name")}
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise UsageError(f"{uri}: its signature cannot be read: {error}") from error
    return named if len(named) == len(columns) and "tensor" not in named.values() else {}


def input_example(folder: Path, described: Mapping[str, Any], uri: str, columns: Mapping[str, str]) -> Rows | None:
    """The rows of the model's input example, typed by its signature; `None` where there are none.

    Raises:
        UsageError: The example is announced and cannot be read.
        UntrustedModel: It lies outside the folder.
    """
    from .mlflow_models import inside  # ruff: ignore[PLC0415] - the two modules read one file

    saved = described.get("saved_input_example_info")
    if not isinstance(saved, dict) or saved.get("type") != "dataframe" or not columns:
        return None
    path = inside(folder, str(saved.get("artifact_path")), uri)
    try:
        table = json.loads(path.read_bytes())
        values = dict(zip(table["columns"], zip(*table["data"], strict=True), strict=True))
        return Rows(columns={name: _column(values[name], kind) for name, kind in columns.items()})
    except (OSError, ValueError, TypeError, KeyError, IndexError) as error:
        raise UsageError(f"{uri}: its input example cannot be read: {error!r}") from error


def _column(values: tuple[Any, ...], kind: str) -> Column:
    dtype = np.dtype(_DTYPES[kind])
    gone = [value is None or (isinstance(value, float) and math.isnan(value)) for value in values]
    if dtype.kind == "O":
        column = np.empty(len(values), dtype=object)
        column[:] = [None if missing else value for value, missing in zip(values, gone, strict=True)]
        return column
    if any(gone) and dtype.kind != "f":
        dtype = np.dtype(np.float64)
    return np.array(
        [np.nan if missing else value for value, missing in zip(values, gone, strict=True)], dtype=dtype
    )
