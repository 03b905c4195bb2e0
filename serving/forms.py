"""The forms in which rows stand in a JSON body, the same for all dialects."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import orjson

from .fault import BAD_REQUEST, Fault, unfit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .features import Features, Table

    Frame = tuple[list[str] | None, list[list[Any]]]
    """Column names, or `None` where the caller gave none, and rows."""


class Asked(Protocol):
    """Rows that somebody wants answered."""

    def table(self, features: Features, body: bytes) -> Table | Fault:
        """The rows as the graph takes them; `body` is what they were parsed from."""
        ...

    def frame(self) -> Frame | Fault:
        """The rows for a server that knows the model itself."""
        ...


@dataclass(slots=True)  # not frozen: made for every request (ADR 0010)
class Form:
    """Rows as a caller sent them.

    Attributes:
        kind: `record`, `records`, `split`, `lists` (rows in the model's order) or `columns`.
        value: The record, the records, the rows, or the columns.
        path: Where they stand.
        pairs: How many members the body has beside those of records.
        columns: The column names of a `split`.
    """

    kind: Literal["record", "records", "split", "lists", "columns"]
    value: Any
    path: str
    pairs: int
    columns: Any = None

    def table(self, features: Features, body: bytes) -> Table | Fault:
        """The rows as the graph takes them; `body` is what they were parsed from."""
        table = self._read(features)
        pairs = self.pairs
        if self.kind == "records" and isinstance(self.value, list):
            pairs += len(features.names) * len(self.value)
        elif self.kind in {"record", "columns"}:
            pairs += len(features.names)
        if isinstance(table, Fault) or body.count(b":") == pairs:  # a colon a member: none stands twice
            return table
        try:
            twice = _member_twice(body)
        except RecursionError:  # orjson reads deeper than this
            return _broken("it is nested too deeply")
        if twice is None:
            return table
        return unfit("duplicate-member", f"{twice!r} stands twice in one object", "$", duplicated=[twice])

    def _read(self, features: Features) -> Table | Fault:
        match self.kind:
            case "record":
                return features.from_record(self.value, self.path)
            case "records":
                return features.from_records(self.value, self.path)
            case "split":
                return features.from_split(self.columns, self.value, self.path)
            case "lists":
                return features.from_lists(self.value, self.path)
            case "columns":
                return features.from_columns(self.value, self.path)

    def frame(self) -> Frame | Fault:
        """Column names (`None` where the caller gave none) and rows, for a server that knows the model itself."""
        try:
            match self.kind:
                case "record":
                    return list(self.value), [list(self.value.values())]
                case "records":
                    names = list(self.value[0]) if self.value else []
                    return names, [[record[name] for name in names] for record in self.value]
                case "split":
                    return list(self.columns), self.value
                case "lists":
                    return None, self.value
                case "columns":
                    return list(self.value), [list(row) for row in zip(*self.value.values(), strict=True)]
        except (AttributeError, KeyError, TypeError, ValueError):
            return unfit("wrong-form", "rows that are not alike", self.path)


def parse(body: bytes) -> Any:  # ruff: ignore[ANN401] - any JSON value, or a Fault
    """The JSON value in `body`, or a `Fault`. NaN and Infinity, which Python's `json` writes, are taken too."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if b"NaN" not in body and b"Infinity" not in body:
            return _broken(str(error))
    try:
        return json.loads(body, parse_constant=_constant)
    except (ValueError, RecursionError) as error:
        return _broken(str(error))


def _constant(name: str) -> float | None:
    return None if name == "NaN" else float(name)


def _broken(reason: str) -> Fault:
    return Fault(status=BAD_REQUEST, code="broken-json", message=f"the body is no JSON: {reason}")


def _member_twice(body: bytes) -> str | None:
    """A name that stands twice in one object of `body`."""
    found: list[str] = []

    def look(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
        members = dict(pairs)
        if len(members) != len(pairs):
            counts = Counter(name for name, _ in pairs)
            found.extend(name for name, count in counts.items() if count > 1)
        return members

    json.loads(body, object_pairs_hook=look)
    return found[0] if found else None
