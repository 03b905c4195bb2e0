"""One column's values as the graph takes them: strict by type, missing values and categories by the manifest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from onnxport.artifacts import Column, InputColumn

FLOAT32_MAX: Final = float(np.finfo(np.float32).max)
_EXACT: Final = 2**53
_INT64: Final = 2**63
_PLAIN: Final = frozenset({int, float, bool})
_WHOLE: Final = frozenset({int, bool})
_NUMERIC_KINDS: Final = "fiub"
_KINDS: Final[dict[type, str]] = {
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    list: "an array",
    dict: "an object",
    type(None): "null",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A value that the model does not take.

    Attributes:
        row: Which one, counted from 0.
        code: Stable, for programs.
        message: What was allowed; does not hold the value.
    """

    row: int
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the source refuses although a graph would answer: from the plan's `accepted`.

    Attributes:
        infinite: Infinite values, and finite ones beyond float32.
        unseen: Categories that the training data did not hold.
        empty: Empty strings.
    """

    infinite: bool
    unseen: bool
    empty: bool


class ColumnReader:
    """Reads the values of one column."""

    def __init__(self, column: InputColumn, policy: Policy) -> None:
        self.name = column.name
        self._column = column
        self._policy = policy
        self._categories = None if column.categories is None else {_typed(value) for value in column.categories}
        self._read = _READERS.get(column.dtype, _floats)

    def __call__(self, values: Sequence[Any]) -> Column | Problem:
        """`values` as an array of shape `(n,)` in the column's dtype, or the first that does not fit.

        `None` is a missing value; so is a NaN.
        """
        array = self._read(self, values)
        if isinstance(array, Problem) or not self._policy.unseen or self._categories is None:
            return array
        for row, value in enumerate(values):
            if not _is_missing(value) and _typed(value) not in self._categories:
                return Problem(row=row, code="unseen-category", message=f"not one of {self._some_categories()}")
        return array

    def array(self, values: Column) -> Column | Problem:
        """Like a call, for values that are an array already: of numbers, or objects."""
        if values.dtype.kind not in _NUMERIC_KINDS or self._categories is not None:
            return self(values.tolist())
        if self._column.dtype == "bool" and values.dtype.kind != "b":
            return self(values.tolist())
        if self._column.dtype in {"float32", "float64"}:
            if values.dtype.kind == "f" and (gaps := np.isnan(values)).any():
                values = np.where(gaps, values.dtype.type(np.nan), values)  # raw bytes may hold signalling ones
            return self.checked_floats(values.astype(np.float64, copy=False), values)
        return self(values.tolist())

    def checked_floats(self, wide: Column, original: Column | None = None) -> Column | Problem:
        """The float64 values `wide`, shape `(n,)`, in the column's dtype, if the manifest allows them."""
        if not self._column.missing.allowed and (gaps := np.isnan(wide)).any():
            return self.missing(int(gaps.argmax()))
        if self._policy.infinite and (beyond := np.abs(wide) > FLOAT32_MAX).any():
            return Problem(
                row=int(beyond.argmax()), code="infinite-value", message="infinite, or too large for a float32"
            )
        with np.errstate(over="ignore"):  # beyond float32: infinite, as in the source's own cast
            return (wide if original is None else original).astype(self._column.dtype, copy=False)

    def missing(self, row: int) -> Problem:
        """The value of `row` is missing and may not be."""
        return Problem(row=row, code="missing-value", message="a missing value, which is not allowed here")

    def wrong(self, row: int, value: Any, wanted: str) -> Problem:  # ruff: ignore[ANN401] - any JSON value
        """The value of `row` has another type."""
        return Problem(row=row, code="wrong-type", message=f"{wanted} expected, found {_kind(value)}")

    def floats(self, values: Sequence[Any]) -> Column | Problem:
        """Numbers and booleans as floats."""
        cleaned: Sequence[Any] = values
        if not _PLAIN.issuperset(map(type, values)):
            cleaned = [_scalar(value) for value in values]
            for row, value in enumerate(cleaned):
                if value is not None and type(value) not in _PLAIN:
                    return self.wrong(row, value, "a number")
        try:
            wide = np.array(cleaned, dtype=np.float64)  # None becomes NaN
        except OverflowError:
            row = next(row for row, value in enumerate(cleaned) if isinstance(value, int) and abs(value) > _INT64)
            return Problem(row=row, code="out-of-range", message="an integer too large for a float64")
        return self.checked_floats(wide)

    def integers(self, values: Sequence[Any]) -> Column | Problem:
        """Integers, also those that JSON wrote as `3.0`."""
        cleaned: list[int] = []
        for row, value in enumerate(map(_scalar, values)):
            if _is_missing(value):
                return self.missing(row)
            if type(value) is float and value.is_integer() and abs(value) <= _EXACT:
                cleaned.append(int(value))
            elif type(value) not in _WHOLE:
                return self.wrong(row, value, "an integer")
            elif not -_INT64 <= value < _INT64:
                return Problem(row=row, code="out-of-range", message="an integer too large for an int64")
            else:
                cleaned.append(int(value))
        return np.array(cleaned, dtype=np.int64)

    def booleans(self, values: Sequence[Any]) -> Column | Problem:
        """Booleans alone."""
        for row, value in enumerate(map(_scalar, values)):
            if _is_missing(value):
                return self.missing(row)
            if type(value) is not bool:
                return self.wrong(row, value, "a boolean")
        return np.array(values, dtype=np.bool_)

    def strings(self, values: Sequence[Any]) -> Column | Problem:
        """Strings, and categories of other types; a missing value as the manifest writes it."""
        texts = np.empty(len(values), dtype=object)
        for row, value in enumerate(map(_scalar, values)):
            if _is_missing(value):
                encoding = self._column.missing.encoding
                if not self._column.missing.allowed or encoding is None:
                    return self.missing(row)
                texts[row] = encoding
            elif type(value) is str:
                if problem := self._text_problem(row, value):
                    return problem
                texts[row] = value
            elif self._categories is not None and _typed(value) in self._categories:
                texts[row] = str(value)
            else:
                return self.wrong(row, value, "a string")
        return texts

    def _text_problem(self, row: int, value: str) -> Problem | None:
        if not value and self._policy.empty:
            return Problem(row=row, code="empty-string", message="an empty string, which the source refuses")
        try:
            value.encode()
        except UnicodeEncodeError:
            return Problem(row=row, code="wrong-type", message="a string that is no valid Unicode")
        return None

    def _some_categories(self) -> str:
        known = self._column.categories or ()
        shown = ", ".join(repr(value) for value in known[:10])
        return f"the {len(known)} categories of the training data: {shown}{', …' if len(known) > 10 else ''}"  # ruff: ignore[PLR2004] - ten fit in a line


def _floats(reader: ColumnReader, values: Sequence[Any]) -> Column | Problem:
    return reader.floats(values)


_READERS: Final[dict[str, Callable[[ColumnReader, Sequence[Any]], Column | Problem]]] = {
    "float32": ColumnReader.floats,
    "float64": ColumnReader.floats,
    "int64": ColumnReader.integers,
    "bool": ColumnReader.booleans,
    "string": ColumnReader.strings,
}


def _typed(value: Any) -> tuple[str, Any]:  # ruff: ignore[ANN401] - any JSON value
    """A key by which 1 and 1.0 are the same category, and "1" and true are others."""
    value = _scalar(value)
    if isinstance(value, bool):
        return "boolean", value
    if isinstance(value, int | float):
        return "number", value
    return type(value).__name__, value if isinstance(value, str) else repr(value)


def _scalar(value: Any) -> Any:  # ruff: ignore[ANN401] - any JSON value, or a numpy scalar from Python callers
    return value.item() if isinstance(value, np.generic) else value


def _is_missing(value: Any) -> bool:  # ruff: ignore[ANN401] - any JSON value
    return value is None or (isinstance(value, float) and value != value)  # ruff: ignore[PLR0124] - NaN


def _kind(value: Any) -> str:  # ruff: ignore[ANN401] - any JSON value
    return _KINDS.get(type(value), type(value).__name__)
