"""From the sample's columns to the graph's inputs: what the source is given decides the tensors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from onnxport.artifacts import MATRIX_TENSOR, InputColumn, Missing
from onnxport.exporters.assemble import tensor_name
from onnxport.exporters.refused import Refused

from .columns import Block, Columns
from .tensor import Tensor

if TYPE_CHECKING:
    from onnxport.artifacts import Dtype
    from onnxport.exporters.graph import GraphBuilder
    from pandas import DataFrame, Series

_MISSING_TEXT = "__missing__"


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """One column of the sample.

    Attributes:
        name: Its name.
        dtype: Element type of the tensor that carries it.
        origin: The dtype that the source sees: a numpy dtype's name, `string` or `category`.
        missing: The string that stands for a missing value; `None` for numbers.
        marker: What a missing string is in the sample: NaN or `None`.
        categories: The dtype's categories, in order; `None` where it has none.
    """

    name: str
    dtype: Dtype
    origin: str
    missing: str | None = None
    marker: float | None = np.nan
    categories: tuple[Any, ...] | None = None


def describe(frame: DataFrame) -> list[Described]:
    """What the columns of the sample are.

    Raises:
        Refused: A column holds neither numbers nor strings.
    """
    return [_describe(str(name), frame.iloc[:, index]) for index, name in enumerate(frame.columns)]


def _describe(name: str, column: Series[Any]) -> Described:
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _categorical(name, column, dtype)
    if pd.api.types.is_string_dtype(dtype) and not pd.api.types.is_object_dtype(dtype):
        return _text(name, column)
    if pd.api.types.is_object_dtype(dtype):
        return _objects(name, column)
    if pd.api.types.is_bool_dtype(dtype) or pd.api.types.is_numeric_dtype(dtype):
        plain = np.dtype(str(getattr(dtype, "numpy_dtype", dtype)))
        if plain.kind in "biuf":
            held: Dtype = "float32" if plain == np.float32 else "float64"
            return Described(name=name, dtype=held, origin=str(plain))
    raise Refused(
        f"column {name!r}",
        f"its dtype is {dtype}, which is neither numbers nor strings",
        "Turn it into numbers or strings before the model (a date into days, for example).",
    )


def _objects(name: str, column: Series[Any]) -> Described:
    present = column.dropna()
    if present.map(lambda value: isinstance(value, str)).all() and len(present):
        return _text(name, column)
    if present.map(lambda value: isinstance(value, bool | int | float | np.number | np.bool_)).all():
        return Described(name=name, dtype="float64", origin="float64")
    kinds = sorted({type(value).__name__ for value in present})
    raise Refused(
        f"column {name!r}",
        f"it mixes values of the types {', '.join(kinds)}",
        "Make it all strings or all numbers before training.",
    )


def _text(name: str, column: Series[Any], categories: tuple[Any, ...] | None = None) -> Described:
    known = {str(value) for value in column.dropna().unique()} | set(map(str, categories or ()))
    missing = _MISSING_TEXT
    while missing in known:
        missing += "_"
    none = any(value is None for value in column[column.isna()].head(1))
    return Described(
        name=name,
        dtype="string",
        origin="string" if categories is None else "category",
        missing=missing,
        marker=None if none else np.nan,
        categories=categories,
    )


def _categorical(name: str, column: Series[Any], dtype: pd.CategoricalDtype) -> Described:
    categories = tuple(value.item() if isinstance(value, np.generic) else value for value in dtype.categories)
    if all(isinstance(value, str) for value in categories):
        return _text(name, column, categories)
    if all(isinstance(value, bool | int | float) for value in categories):
        return Described(name=name, dtype="float64", origin="category", categories=categories)
    raise Refused(
        f"column {name!r}",
        "its categories mix types",
        "Make its categories all strings or all numbers before training.",
    )


def signature_columns(described: list[Described], accepts_missing: list[bool]) -> tuple[InputColumn, ...]:
    """The inputs of the graph: one matrix where all columns are plain numbers, else a tensor a column."""
    plain = all(column.dtype != "string" and column.categories is None for column in described)
    dtypes = {column.dtype for column in described}
    width = len(described)
    if plain:
        dtype: Dtype = "float32" if dtypes == {"float32"} else "float64"
        return tuple(
            InputColumn(
                name=column.name,
                tensor=MATRIX_TENSOR,
                dtype=dtype,
                shape=(None, width),
                missing=Missing(allowed=allowed, encoding="nan"),
            )
            for column, allowed in zip(described, accepts_missing, strict=True)
        )
    return tuple(
        InputColumn(
            name=column.name,
            tensor=tensor_name(column.name),
            dtype=column.dtype,
            shape=(None, 1),
            categories=column.categories,
            missing=Missing(allowed=allowed, encoding=column.missing or "nan"),
        )
        for column, allowed in zip(described, accepts_missing, strict=True)
    )


def add_columns(builder: GraphBuilder, described: list[Described], inputs: tuple[InputColumn, ...]) -> Columns:
    """The graph takes `inputs`, and they flow as the source sees them: a float32 column in float32."""
    for tensor, column in {column.tensor: column for column in inputs}.items():
        builder.input(tensor, column.dtype, column.shape)
    if inputs and inputs[0].tensor == MATRIX_TENSOR:
        return _matrix(builder, described, inputs[0].dtype)
    blocks = tuple(
        Block(
            tensor=Tensor(builder=builder, name=column.tensor, dtype=column.dtype),
            width=1,
            origin=one.origin,
            missing=one.missing,
            marker=one.marker,
            categories=one.categories,
        )
        for column, one in zip(inputs, described, strict=True)
    )
    return Columns(blocks=blocks)


def _matrix(builder: GraphBuilder, described: list[Described], dtype: Dtype) -> Columns:
    matrix = Tensor(builder=builder, name=MATRIX_TENSOR, dtype=dtype)
    origins = [column.origin for column in described]
    if len(set(origins)) == 1:
        tensor = matrix.cast("float32" if origins[0] == "float32" else "float64")
        return Columns(blocks=(Block(tensor=tensor, width=len(origins), origin=origins[0]),))
    blocks = tuple(
        Block(tensor=matrix.column(index).cast(one.dtype), width=1, origin=one.origin)
        for index, one in enumerate(described)
    )
    return Columns(blocks=blocks)
