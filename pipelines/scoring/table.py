"""Arrow batches and the rows of a model: which columns fit, and how one becomes the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from onnxport.artifacts import Rows, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onnxport.artifacts import Column, InputColumn, Outputs, OutputTensor, Signature

_TYPES: Final = {
    "float32": pa.float32(),
    "float64": pa.float64(),
    "int64": pa.int64(),
    "bool": pa.bool_(),
    "string": pa.string(),
}
_SHOWN: Final = 20


def check_columns(schema: pa.Schema, signature: Signature, ids: Sequence[str], name: str) -> None:
    """`schema` has every feature column with a type that fits, and every column of `ids`.

    Raises:
        UsageError: A column is missing, stands there twice or has another type; the message lists them all.
    """
    there = list(schema.names)
    twice = sorted({column for column in there if there.count(column) > 1})
    missing = [column for column in (*signature.columns, *ids) if column not in there]
    wrong = [
        f"{column.name!r} is {schema.field(column.name).type}, the model takes {column.dtype}"
        for column in signature.inputs
        if column.name in there and column.name not in twice and not _fits(schema.field(column.name).type, column)
    ]
    problems = [f"two columns of one name: {listed(twice)}"] * bool(twice)
    problems += [f"missing columns: {listed(missing)}"] * bool(missing)
    problems += [f"wrongly typed columns: {'; '.join(wrong[:_SHOWN])}"] * bool(wrong)
    if problems:
        raise UsageError(
            f"{name}: {'. '.join(problems)}; it has {listed(there)}",
            hint="Columns are found by name, in any order: rename or cast them in DATA.",
        )


def _fits(found: pa.DataType, column: InputColumn) -> bool:
    kind = found.value_type if pa.types.is_dictionary(found) else found
    number = pa.types.is_integer(kind) or pa.types.is_boolean(kind)
    match column.dtype:
        case "float32" | "float64":
            return number or any(
                is_kind(kind) for is_kind in (pa.types.is_floating, pa.types.is_decimal, pa.types.is_null)
            )
        case "int64":
            return bool(number)
        case "bool":
            return bool(pa.types.is_boolean(kind))
        case "string":
            return any(
                is_kind(kind)
                for is_kind in (
                    pa.types.is_string,
                    pa.types.is_large_string,
                    pa.types.is_string_view,
                    pa.types.is_null,
                )
            )


def rows_of(batch: pa.RecordBatch, signature: Signature, first: int) -> Rows:
    """The model's columns of `batch`; `first` is the number that errors give its first row.

    Raises:
        UsageError: A value is missing in a column that may have none.
    """
    columns: dict[str, Column] = {}
    for column in signature.inputs:
        array = batch.column(column.name)
        values = columns[column.name] = _values(array, column)
        if not column.missing.allowed and len(gaps := _gaps(array, values)):
            raise UsageError(
                f"column {column.name!r} has no value in row {first + int(gaps[0])}; the model wants one",
                hint="Fill the gaps as it was done for the training data.",
            )
    return Rows(columns=columns)


def _values(array: pa.Array, column: InputColumn) -> Column:
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if column.dtype == "string":
        texts: Column = np.empty(len(array), dtype=object)
        texts[:] = array.to_pylist()
        return texts
    kind = array.type
    plain = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    if not plain and (array.null_count or not pa.types.is_boolean(kind)):
        array = pc.cast(array, pa.float64())
    values: Column = array.to_numpy(zero_copy_only=False)
    return values


def _gaps(array: pa.Array, values: Column) -> Column:
    if values.dtype.kind == "f":
        return np.flatnonzero(np.isnan(values))
    return np.flatnonzero(array.is_null().to_numpy(zero_copy_only=False)) if array.null_count else np.empty(0)


def answer_fields(signature: Signature, prefix: str) -> list[pa.Field]:
    """The columns that the answers make: `label`, `probabilities_CLASS`, `prediction` or `prediction_0`, ….

    Raises:
        UsageError: An output has no fixed number of columns.
    """
    return [
        pa.field(f"{prefix}{name}", _TYPES[output.dtype])
        for output in signature.outputs
        for name in _names(output)
    ]


def _names(output: OutputTensor) -> list[str]:
    if len(output.shape) <= 1:
        return [output.name]
    width = output.shape[1]
    if width is None or len(output.shape) > 2:  # ruff: ignore[PLR2004] - a table has two dimensions
        raise UsageError(
            f"the output {output.name!r} of shape {output.shape} does not fit into columns",
            hint="Score it through `onnxport serve`, or export the model with outputs of fixed width.",
        )
    marks = output.classes if output.classes is not None and len(output.classes) == width else range(width)
    return [f"{output.name}_{mark}" for mark in marks]


def answer_arrays(outputs: Outputs, signature: Signature) -> list[pa.Array]:
    """The values for `answer_fields`, a column each."""
    arrays: list[Any] = []
    for output in signature.outputs:
        values, kind = outputs[output.name], _TYPES[output.dtype]
        columns = [values] if values.ndim == 1 else [np.ascontiguousarray(part) for part in values.T]
        arrays += [
            pa.array(
                column.astype(output.dtype, copy=False) if output.dtype != "string" else column.tolist(), kind
            )
            for column in columns
        ]
    return arrays


def plain_array(array: pa.Array) -> pa.Array:
    """`array` without a dictionary: parts of one file need not share theirs."""
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def plain_field(field: pa.Field) -> pa.Field:
    """`field` as `plain_array` writes it."""
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    return pa.field(field.name, kind)


def listed(names: Sequence[str]) -> str:
    """The names in quotes, the first twenty of them."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(map(repr, names[:_SHOWN])) + more
