"""Records and columns as the tensors that a graph takes: by name, in any order, and nothing guessed."""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from onnxport.artifacts import MATRIX_TENSOR

from .columns import FLOAT32_MAX, ColumnReader, Policy, Problem
from .fault import Fault, member, unfit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from onnxport.artifacts import Column, ConversionPlan, Signature

    Locate = Callable[[int, int], str]

_NUMBERS: Final = frozenset({int, float})
_ORDERS: Final = 64
_SHOWN: Final = 50


@dataclass(slots=True)  # not frozen: made for every request (ADR 0010)
class Table:
    """Rows as the graph takes them.

    Attributes:
        rows: How many.
        tensors: Graph input to array: `features` `(n, F)`, or `(n, 1)` for each column.
    """

    rows: int
    tensors: dict[str, Column]

    def take(self, indices: Sequence[int] | slice) -> Table:
        """The rows at `indices`, in that order."""
        taken = {name: tensor[indices] for name, tensor in self.tensors.items()}
        return Table(len(next(iter(taken.values()))), taken)

    def vectors(self) -> list[bytes]:
        """For each row the bytes of its canonical feature vector.

        Law: equal for rows that are equal by value: -0.0 is 0.0, every missing value is the same.
        """
        parts = [_row_bytes(tensor) for tensor in self.tensors.values()]
        return parts[0] if len(parts) == 1 else [b"".join(row) for row in zip(*parts, strict=True)]


def _row_bytes(tensor: Column) -> list[bytes]:
    if tensor.dtype == object:
        texts = (str(value).encode() for value in tensor[:, 0])
        return [len(text).to_bytes(8, "little") + text for text in texts]
    if tensor.dtype.kind == "f":
        tensor = tensor + tensor.dtype.type(0)  # -0.0 + 0.0 is 0.0
        gaps = np.isnan(tensor)
        if gaps.any():
            tensor[gaps] = np.nan  # one NaN of the many
    data = tensor.tobytes()
    if len(tensor) == 1:
        return [data]
    width = len(data) // max(1, len(tensor))
    return [data[start : start + width] for start in range(0, len(data), width)] if width else [b""] * len(tensor)


class Features:
    """Turns what callers send into tables, by a release's signature and plan."""

    def __init__(self, signature: Signature, plan: ConversionPlan) -> None:
        kinds = {entry.partition(":")[0].strip().partition(" ")[0] for entry in plan.accepted}
        policy = Policy(
            infinite="infinite" in kinds, unseen="unseen-category" in kinds, empty="empty-string" in kinds
        )
        self.signature = signature
        self.names: Final = list(signature.columns)
        self._count: Final = len(self.names)
        self._known: Final = frozenset(self.names)
        self._readers: Final = [ColumnReader(column, policy) for column in signature.inputs]
        self._pick: Final = _picker(self.names)
        self._orders: dict[tuple[str, ...], Callable[[Sequence[Any]], Sequence[Any]]] = {}
        self._dtype: Final = np.dtype(signature.inputs[0].dtype if signature.layout == "matrix" else object)
        self._one_row: Final = (1, self._count)
        self._double: Final = self._dtype == np.float64
        self._pack: Final = struct.Struct(f"{self._count}{'d' if self._double else 'f'}").pack
        categorical = any(column.categories is not None for column in signature.inputs)
        self._plain: Final = self._dtype.kind == "f" and not (policy.unseen and categorical)

    def from_records(self, records: Any, path: str) -> Table | Fault:  # ruff: ignore[ANN401] - any JSON value
        """A table from an array of objects by column name; `path` is where the array stands."""
        if type(records) is not list:
            return unfit("wrong-form", "an array of records expected", path)
        rows: list[Sequence[Any]] = []
        for number, record in enumerate(records):
            row = self._row(record)
            if row is None:
                return self._record_fault(record, f"{path}[{number}]")
            rows.append(row)
        return self._table(rows, lambda row, column: member(f"{path}[{row}]", self.names[column]))

    def from_record(self, record: Any, path: str) -> Table | Fault:  # ruff: ignore[ANN401] - any JSON value
        """A table of one row from an object by column name."""
        row = self._row(record)
        if row is None:
            return self._record_fault(record, path)
        if self._plain and (matrix := self._matrix_row(row)) is not None:
            return Table(1, {MATRIX_TENSOR: matrix})
        return self._table([row], lambda _, column: member(path, self.names[column]))

    def from_split(self, columns: Any, data: Any, path: str) -> Table | Fault:  # ruff: ignore[ANN401] - any JSON values
        """A table from column names and an array of rows, which stand at `path.columns` and `path.data`."""
        if columns == self.names:
            return self.from_lists(data, f"{path}.data")
        if not _are_names(columns):
            return unfit("wrong-form", "an array of column names expected", f"{path}.columns")
        if fault := self._names_fault(columns, f"{path}.columns"):
            return fault
        order = self._order(columns)
        places = {name: place for place, name in enumerate(columns)}
        sent = [places[name] for name in self.names]
        return self._lists(data, f"{path}.data", order, sent)

    def from_lists(self, data: Any, path: str) -> Table | Fault:  # ruff: ignore[ANN401] - any JSON value
        """A table from an array of rows whose values are in the model's order."""
        return self._lists(data, path, None, range(self._count))

    def from_columns(self, columns: Mapping[str, Any], path: str) -> Table | Fault:
        """A table from arrays by column name."""
        if fault := self._names_fault(list(columns), path):
            return fault
        arrays: list[Column] = []
        for reader in self._readers:
            values = columns[reader.name]
            place = member(path, reader.name)
            if isinstance(values, np.ndarray):
                if values.ndim != 1:
                    return unfit("wrong-form", "one dimension expected", place)
                found = reader.array(values)
            elif isinstance(values, list | tuple):
                found = reader(values)
            else:
                return unfit("wrong-form", "an array of values expected", place)
            if isinstance(found, Problem):
                return unfit(found.code, found.message, f"{place}[{found.row}]")
            if len(found) != len(arrays[0] if arrays else found):
                return unfit("unequal-columns", "columns of different length", place)
            arrays.append(found)
        return self._assemble(arrays)

    def from_whole(self, matrix: Column) -> Table | Fault:
        """A table from an array that should be `(n, F)` in the model's order and dtype."""
        if self.signature.layout != "matrix":
            return unfit("wrong-form", "the model takes columns of several types, not one matrix", "$")
        if matrix.ndim != 2 or matrix.shape[1] != self._count:  # ruff: ignore[PLR2004] - rows and columns
            found = list(matrix.shape)
            return unfit("wrong-shape", f"shape [-1, {self._count}] expected, found {found}", "$")
        if matrix.dtype != self._dtype:
            return unfit("wrong-type", f"an array of {self._dtype} expected, found {matrix.dtype}", "$")
        return self.from_matrix(matrix, "$")

    def from_matrix(self, matrix: Column, path: str) -> Table | Fault:
        """A table from an array `(n, F)` in the model's order and dtype."""
        if self._plain and (
            self._is_ordinary(matrix[0].tolist())
            if len(matrix) == 1
            else bool((np.abs(matrix) <= FLOAT32_MAX).all())
        ):
            return Table(len(matrix), {MATRIX_TENSOR: matrix})
        return self.from_columns({name: matrix[:, number] for number, name in enumerate(self.names)}, path)

    def _lists(
        self,
        data: Any,  # ruff: ignore[ANN401] - any JSON value
        path: str,
        order: Callable[[Sequence[Any]], Sequence[Any]] | None,
        sent: Sequence[int],
    ) -> Table | Fault:
        if type(data) is not list:
            return unfit("wrong-form", "an array of rows expected", path)
        for number, row in enumerate(data):
            if type(row) is not list:
                return unfit("wrong-form", "an array of values expected", f"{path}[{number}]")
            if len(row) != self._count:
                message = f"{self._count} values expected, found {len(row)}"
                return unfit("wrong-width", message, f"{path}[{number}]")
        rows = data if order is None else [order(row) for row in data]
        return self._table(rows, lambda row, column: f"{path}[{row}][{sent[column]}]")

    def _row(self, record: Any) -> Sequence[Any] | None:  # ruff: ignore[ANN401] - any JSON value
        if type(record) is dict and len(record) == self._count:
            try:
                return self._pick(record)
            except KeyError:
                return None
        return None

    def _record_fault(self, record: Any, path: str) -> Fault:  # ruff: ignore[ANN401] - any JSON value
        if not isinstance(record, dict):
            return unfit("wrong-form", "an object with a value for each column expected", path)
        return self._names_fault(list(record), path) or unfit("wrong-form", "not a plain record", path)

    def _names_fault(self, names: list[str], path: str) -> Fault | None:
        unknown = [name for name in names if name not in self._known]
        sent = set(names)
        missing = [name for name in self.names if name not in sent]
        twice = [name for name, count in Counter(names).items() if count > 1]
        if not (unknown or missing or twice):
            return None
        found = {"unknown": unknown, "missing": missing, "duplicated": twice}
        said = "; ".join(f"{kind}: {_listed(found[kind])}" for kind in found if found[kind])
        return unfit("wrong-columns", f"the columns are not the model's: {said}", path, **found)

    def _order(self, columns: list[str]) -> Callable[[Sequence[Any]], Sequence[Any]]:
        key = tuple(columns)
        order = self._orders.get(key)
        if order is None:
            if len(self._orders) >= _ORDERS:
                self._orders.clear()
            places = {name: place for place, name in enumerate(columns)}
            order = self._orders[key] = _picker([places[name] for name in self.names])
        return order

    def _table(self, rows: Sequence[Sequence[Any]], locate: Locate) -> Table | Fault:
        if self._plain and (matrix := self._matrix(rows)) is not None:
            return Table(len(rows), {MATRIX_TENSOR: matrix})
        arrays: list[Column] = []
        columns = zip(*rows, strict=True) if rows else ((),) * self._count
        for number, (reader, values) in enumerate(zip(self._readers, columns, strict=True)):
            found = reader(values)
            if isinstance(found, Problem):
                return unfit(found.code, found.message, locate(found.row, number))
            arrays.append(found)
        return self._assemble(arrays)

    def _matrix(self, rows: Sequence[Sequence[Any]]) -> Column | None:
        """The rows at once, if all values are ordinary numbers."""
        if len(rows) == 1:
            return self._matrix_row(rows[0])
        if not rows or not _NUMBERS.issuperset(map(type, chain.from_iterable(rows))):
            return None
        try:
            wide = np.array(rows, dtype=np.float64)
        except OverflowError:
            return None
        if not (np.abs(wide) <= FLOAT32_MAX).all():
            return None
        return wide.astype(self._dtype, copy=False)

    def _matrix_row(self, row: Sequence[Any]) -> Column | None:
        """One row, if all its values are ordinary numbers: packing refuses the others, and what overflows."""
        try:
            data = self._pack(*row)
            if not self._is_ordinary(row):
                return None
        except (struct.error, OverflowError, TypeError):
            return None
        return np.ndarray(self._one_row, self._dtype, data)  # half the time of np.frombuffer and a reshape

    def _is_ordinary(self, row: Sequence[Any]) -> bool:
        """Whether no number is infinite, NaN, or too large for a float32; quicker on a few numbers than numpy."""
        total = sum(row)
        return bool(total - total == 0 and not (self._double and max(map(abs, row)) > FLOAT32_MAX))

    def _assemble(self, arrays: list[Column]) -> Table:
        count = len(arrays[0])
        if self.signature.layout == "columns":
            tensors = {
                column.tensor: array.reshape(count, 1)
                for column, array in zip(self.signature.inputs, arrays, strict=True)
            }
            return Table(count, tensors)
        matrix = np.empty((count, self._count), dtype=self._dtype)
        for number, array in enumerate(arrays):
            matrix[:, number] = array
        return Table(count, {MATRIX_TENSOR: matrix})


def _picker(keys: Sequence[Any]) -> Callable[[Any], Sequence[Any]]:
    """The values under `keys`, always as a tuple."""
    if len(keys) == 1:
        key = keys[0]
        return lambda values: (values[key],)
    return itemgetter(*keys)


def _are_names(columns: Any) -> bool:  # ruff: ignore[ANN401] - any JSON value
    return isinstance(columns, list) and all(isinstance(name, str) for name in columns)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(repr(name) for name in names[:_SHOWN]) + more
