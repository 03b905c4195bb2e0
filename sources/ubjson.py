"""Reads UBJSON as XGBoost writes it, whole or not at all.

XGBoost's own reader walks past the end of a truncated file and takes the process with it, so a file is read here
first. See https://ubjson.org/type-reference/; XGBoost writes typed arrays with a count.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

_NUMBERS = {"i": ">i1", "U": ">u1", "I": ">i2", "l": ">i4", "L": ">i8", "d": ">f4", "D": ">f8"}
_CONSTANTS = {"T": True, "F": False, "Z": None}
_MAX_DEPTH = 64


class MalformedUbjson(ValueError):
    """The bytes are no UBJSON document, or end early."""


def decode(data: bytes) -> Any:  # ruff: ignore[ANN401] - any JSON value; typed arrays become numpy arrays
    """The document in `data`.

    Raises:
        MalformedUbjson: `data` is none, ends early, or goes on after its end.
    """
    reader = _Reader(data)
    try:
        value = reader.value(reader.marker(), 0)
    except (struct.error, UnicodeDecodeError, KeyError) as error:
        raise MalformedUbjson(f"unreadable at byte {reader.at}") from error
    if reader.at != len(data):
        raise MalformedUbjson(f"{len(data) - reader.at} bytes follow the end of the document")
    return value


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def _take(self, size: int) -> bytes:
        end = self.at + size
        if size < 0 or end > len(self._data):
            raise MalformedUbjson(f"ends early, at byte {len(self._data)}: {size} more are announced at {self.at}")
        block = self._data[self.at : end]
        self.at = end
        return block

    def marker(self) -> str:
        return self._take(1).decode("ascii")

    def _number(self, marker: str) -> Any:  # ruff: ignore[ANN401] - int or float
        if marker not in _NUMBERS:
            raise MalformedUbjson(f"a number is expected at byte {self.at}, found type {marker!r}")
        kind = np.dtype(_NUMBERS[marker])
        return np.frombuffer(self._take(kind.itemsize), dtype=kind)[0].item()

    def _count(self) -> int:
        count = self._number(self.marker())
        if not isinstance(count, int) or count < 0:
            raise MalformedUbjson(f"a length is expected before byte {self.at}, found {count}")
        return count

    def value(self, marker: str, depth: int) -> Any:  # ruff: ignore[ANN401] - any JSON value
        if depth > _MAX_DEPTH:
            raise MalformedUbjson(f"nested more than {_MAX_DEPTH} deep at byte {self.at}")
        if marker == "{":
            return self._object(depth)
        if marker == "[":
            return self._array(depth)
        if marker == "S":
            return self._take(self._count()).decode()
        if marker == "C":
            return self._take(1).decode("ascii")
        return _CONSTANTS[marker] if marker in _CONSTANTS else self._number(marker)

    def _object(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while (marker := self.marker()) != "}":
            length = self._number(marker)
            if not isinstance(length, int):
                raise MalformedUbjson(f"a key is expected before byte {self.at}")
            key = self._take(length).decode()
            found[key] = self.value(self.marker(), depth + 1)
        return found

    def _array(self, depth: int) -> Any:  # ruff: ignore[ANN401] - list, or numpy array when typed
        marker = self.marker()
        if marker == "$":
            kind = np.dtype(_NUMBERS[self.marker()])
            if self.marker() != "#":
                raise MalformedUbjson(f"a typed array has no length before byte {self.at}")
            return np.frombuffer(self._take(self._count() * kind.itemsize), dtype=kind)
        if marker == "#":
            return [self.value(self.marker(), depth + 1) for _ in range(self._count())]
        items: list[Any] = []
        while marker != "]":
            items.append(self.value(marker, depth + 1))
            marker = self.marker()
        return items
