"""How the rows of a task are cut into parts, and which columns are read and kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa
from onnxport.artifacts import UsageError

from .job import Part
from .table import answer_fields, check_columns, listed, plain_field

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onnxport.artifacts import Signature

    from .files import DataFile
    from .record import Task

# What text is read as for a feature: floats in full, so that the cast to float32 is the source's own.
_READ_AS: Final = {
    "float32": pa.float64(),
    "float64": pa.float64(),
    "int64": pa.int64(),
    "bool": pa.bool_(),
    "string": pa.string(),
}


def kept_columns(
    file: DataFile, signature: Signature, asked: Sequence[str] | None, prefix: str
) -> tuple[str, ...]:
    """The columns that are kept beside the answers: those asked for, or all that are no feature.

    Args:
        file: The first input file.
        signature: The model's columns and outputs.
        asked: Names; `None` where nobody named any.
        prefix: What stands before the names of the answers.

    Raises:
        UsageError: A column is not there or was named twice, or has the name of an answer.
    """
    there = _schema(file, signature).names
    features = set(signature.columns)
    names = [name for name in there if name not in features] if asked is None else list(asked)
    if unknown := [name for name in names if name not in there]:
        raise UsageError(
            f"{file.path} has no column {listed(unknown)} to keep; it has {listed(there)}",
            hint="Name columns of DATA with --id-columns.",
        )
    answers = {field.name for field in answer_fields(signature, prefix)}
    if clash := sorted(answers & set(names)):
        raise UsageError(
            f"the answers have the names of columns that are kept: {listed(clash)}",
            hint="Give --prefix score_, or name the columns to keep with --id-columns.",
        )
    if len(set(names)) < len(names):
        raise UsageError(f"--id-columns names a column twice: {listed(names)}")
    return tuple(names)


def columns_to_read(file: DataFile, signature: Signature, ids: Sequence[str]) -> pa.Schema:
    """The features, then the columns of `ids` that are none, with the types of the first input `file`.

    Raises:
        UsageError: `file` cannot be read, or its columns do not fit.
    """
    schema = _schema(file, signature)
    check_columns(schema, signature, ids, file.path)
    return pa.schema([schema.field(name) for name in dict.fromkeys((*signature.columns, *ids))])


def cut(task: Task, signature: Signature) -> list[Part]:
    """All rows of all files, in order, each in exactly one part.

    Raises:
        UsageError: A file cannot be read, or its columns do not fit the model or the first file.
    """
    wanted = columns_to_read(task.inputs[0], signature, task.ids)
    parts: list[Part] = []
    for file in task.inputs:
        _check_like(file, signature, wanted, task.ids)
        first: int | None = 0
        for span in file.spans():
            parts.append(Part(number=len(parts), file=file, span=span, first=first if span.rows else None))
            first = (first or 0) + (span.rows or 0)
    return parts


def _check_like(file: DataFile, signature: Signature, wanted: pa.Schema, ids: Sequence[str]) -> None:
    schema = _schema(file, signature)
    check_columns(schema, signature, ids, file.path)
    other = [
        f"{name!r} is {found}, not {plain_field(wanted.field(name)).type}"
        for name in ids
        if (found := plain_field(schema.field(name)).type) != plain_field(wanted.field(name)).type
        and not file.path.lower().endswith(".csv")
    ]
    if other:
        raise UsageError(
            f"{file.path}: columns to keep have other types than in the first file: {'; '.join(other)}",
            hint="Cast them, or leave them out with --id-columns.",
        )


def _schema(file: DataFile, signature: Signature) -> pa.Schema:
    return file.columns({column.name: _READ_AS[column.dtype] for column in signature.inputs})
