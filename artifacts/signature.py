"""What goes into a graph and what comes out, by the real names of the columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .document import Document
from .errors import UsageError

if TYPE_CHECKING:
    from .rows import Column, Rows

Dtype = Literal["float32", "float64", "int64", "bool", "string"]
Layout = Literal["matrix", "columns"]

MATRIX_TENSOR = "features"
"""The one input of a graph in layout `matrix`."""


class Missing(Document):
    """How a column says that a value is missing.

    Attributes:
        allowed: Whether the source accepts a missing value in this column.
        encoding: `"nan"` for float tensors; for string tensors the string that stands for a missing value;
            `None` where the tensor has no way to say it.
    """

    allowed: bool
    encoding: str | None = None


class InputColumn(Document):
    """One feature column.

    Attributes:
        name: The column's real name, as in the training data.
        tensor: The graph input that carries it: `features` in layout `matrix`.
        dtype: Element type of that tensor.
        shape: Shape of that tensor; `None` is the number of rows: `[None, F]` or `[None, 1]`.
        categories: What a categorical column may hold, in the model's order; `None` where it is not categorical.
        missing: How a missing value is written.
    """

    name: str
    tensor: str
    dtype: Dtype
    shape: tuple[int | None, ...]
    categories: tuple[str | int | float | bool, ...] | None = None
    missing: Missing


class OutputTensor(Document):
    """One output: `label` `[N]`, `probabilities` `[N, C]`, or `prediction` `[N]` or `[N, T]`.

    Attributes:
        name: Name of the tensor.
        dtype: Element type.
        shape: `None` is the number of rows.
        classes: For `probabilities`, the class of each column; for `label`, the classes that it may take.
    """

    name: str
    dtype: Dtype
    shape: tuple[int | None, ...]
    classes: tuple[str | int | float | bool, ...] | None = None


class Signature(Document):
    """Inputs and outputs of a graph.

    Attributes:
        layout: `matrix`: one tensor `features` of shape `(n, F)` whose columns are `inputs` in order;
            `columns`: a tensor of shape `(n, 1)` for each input.
        inputs: The feature columns, in order.
        outputs: The output tensors, in the graph's order.
    """

    layout: Layout
    inputs: tuple[InputColumn, ...]
    outputs: tuple[OutputTensor, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The real names of the feature columns, in order."""
        return tuple(column.name for column in self.inputs)

    def feeds(self, rows: Rows) -> dict[str, Column]:
        """The tensors to run the graph on for `rows`, found by name, whatever their order.

        Returns:
            Tensor name to array: `{"features": (n, F)}` (a graph that we did not make may call it otherwise), or
            an `(n, 1)` array for each column.

        Raises:
            UsageError: A column is missing, or a value does not fit the column's dtype.
        """
        rows = rows.select(self.columns)
        if self.layout == "columns":
            return {column.tensor: _cast(rows.columns[column.name], column)[:, None] for column in self.inputs}
        tensor = np.empty((len(rows), len(self.inputs)), dtype=self.inputs[0].dtype if self.inputs else "float32")
        for index, column in enumerate(self.inputs):
            tensor[:, index] = _cast(rows.columns[column.name], column)
        return {self.inputs[0].tensor if self.inputs else MATRIX_TENSOR: tensor}


def _cast(values: Column, column: InputColumn) -> Column:
    try:
        if column.dtype == "string":
            return _strings(values, column)
        if values.dtype == object:
            values = np.array([np.nan if _is_missing(value) else value for value in values], dtype=np.float64)
        if column.dtype in {"int64", "bool"} and values.dtype.kind == "f" and not np.isfinite(values).all():
            raise UsageError(f"column {column.name!r} has missing values, its dtype {column.dtype} has none")
        with np.errstate(over="ignore"):  # beyond float32: infinite, as in the source's own cast
            return values.astype(column.dtype, copy=False)
    except (TypeError, ValueError) as error:
        raise UsageError(f"column {column.name!r} takes {column.dtype}, found {values.dtype}: {error}") from error


def _strings(values: Column, column: InputColumn) -> Column:
    missing = column.missing.encoding
    texts = np.empty(len(values), dtype=object)
    for index, value in enumerate(values):
        if not _is_missing(value):
            texts[index] = str(value)
        elif missing is None:
            raise UsageError(f"column {column.name!r} has a missing value in row {index}; none is allowed")
        else:
            texts[index] = missing
    return texts


def _is_missing(value: Any) -> bool:  # ruff: ignore[ANN401] - any scalar
    return value is None or (isinstance(value, float) and value != value)  # ruff: ignore[PLR0124] - NaN
