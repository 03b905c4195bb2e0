"""Universal Binary JSON as XGBoost writes it, with number arrays as views of the buffer.

The format is that of ubjson.org (draft 12) with what XGBoost's writer uses of it: containers with a count,
strongly typed number arrays, every length an int64, all numbers big-endian. The trees of a model are thousands of
objects with the same members: their layout is learnt once and each tree is read by it, several times faster.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from onnxport.artifacts import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Callable

    from onnxport.artifacts import Column

    Buffer = bytes | bytearray

_LENGTH = struct.Struct(">q").unpack_from
_NUMBERS = {"i": ">i1", "U": ">u1", "I": ">i2", "l": ">i4", "L": ">i8", "d": ">f4", "D": ">f8"} | {
    "u": ">u2",
    "m": ">u4",
    "M": ">u8",
}
_DTYPES = {ord(code): np.dtype(name) for code, name in _NUMBERS.items()}
_CONSTANTS = {ord("T"): True, ord("F"): False, ord("Z"): None}
_OBJECT, _END, _ARRAY, _TYPE, _COUNT, _STRING, _SHORT = (ord(mark) for mark in "{}[$#Si")
_PREFIX = 9  # bytes of a length: the marker `L` and an int64
_TABLE = "trees"


@dataclass(frozen=True, slots=True)
class Table:
    """Many objects with the same number arrays, by member.

    Attributes:
        data: The buffer that holds them.
        dtypes: Member name to the dtype of its arrays, in the objects' order.
        places: Start and count of each object's arrays, in the same order, `(rows, 2 * members)`.
    """

    data: Buffer
    dtypes: dict[str, np.dtype[Any]]
    places: Column

    def counts(self, member: str) -> Column:
        """The length of the array `member` in each object, `(rows,)`."""
        return self.places[:, 2 * self._index(member) + 1]

    def joined(self, member: str) -> Column:
        """The arrays `member` of all objects, one after the other, in native byte order; a copy."""
        dtype = self.dtypes[member]
        starts = self.places[:, 2 * self._index(member)].tolist()
        parts = [
            np.frombuffer(self.data, dtype, count, start)
            for start, count in zip(starts, self.counts(member).tolist(), strict=True)
            if count
        ]
        native = dtype.newbyteorder("=")
        return np.concatenate(parts, dtype=native, casting="equiv") if parts else np.empty(0, native)

    def _index(self, member: str) -> int:
        return list(self.dtypes).index(member)


def decode(data: Buffer) -> Any:  # ruff: ignore[ANN401] - any JSON value
    """The value in `data`: dicts, lists, strings, numbers, numpy arrays, and a `Table` for each member `trees`.

    Raises:
        IntegrityError: `data` is cut off, or not what XGBoost writes.
    """
    try:
        value, end = _value(data, 0)
    except (struct.error, IndexError, KeyError, ValueError, RecursionError) as error:
        raise IntegrityError(f"XGBoost's binary JSON is damaged: {error!r}") from error
    if end != len(data):
        raise IntegrityError(f"XGBoost's binary JSON ends at byte {end} of {len(data)}")
    return value


def _value(data: Buffer, at: int) -> tuple[Any, int]:
    mark = data[at]
    if (read := _READERS.get(mark)) is not None:
        return read(data, at + 1)
    if mark in _CONSTANTS:
        return _CONSTANTS[mark], at + 1
    if mark == _SHORT:
        return data[at + 1] - ((data[at + 1] & 0x80) << 1), at + 2
    dtype = _DTYPES[mark]
    return np.frombuffer(data, dtype, 1, at + 1)[0].item(), at + 1 + dtype.itemsize


def _object(data: Buffer, at: int) -> tuple[dict[str, Any], int]:
    members: dict[str, Any] = {}
    while data[at] != _END:
        key, at = _string(data, at)
        members[key], at = _table(data, at) if key == _TABLE else _value(data, at)
    return members, at + 1


def _array(data: Buffer, at: int) -> tuple[Any, int]:
    if data[at] == _TYPE:
        dtype = _DTYPES[data[at + 1]]
        start = at + 3 + _PREFIX
        end = _end_of(data, at + 3, dtype.itemsize)
        return np.frombuffer(data[start:end], dtype), end
    count, at = _count(data, at)
    values: list[Any] = []
    for _ in range(count):
        value, at = _value(data, at)
        values.append(value)
    return values, at


def _string(data: Buffer, at: int) -> tuple[str, int]:
    end = _end_of(data, at, 1)
    return data[at + _PREFIX : end].decode(), end


_READERS: dict[int, Callable[[Buffer, int], tuple[Any, int]]] = {
    _OBJECT: _object,
    _ARRAY: _array,
    _STRING: _string,
}


def _count(data: Buffer, at: int) -> tuple[int, int]:
    if data[at] != _COUNT:
        raise ValueError(f"array without a count at byte {at}")
    return _LENGTH(data, at + 2)[0], at + 1 + _PREFIX


def _end_of(data: Buffer, at: int, itemsize: int) -> int:
    """Where the items end whose count stands at `at`, in its prefix."""
    count: int = _LENGTH(data, at + 1)[0]
    end = at + _PREFIX + count * itemsize
    if count < 0 or end > len(data):
        raise ValueError(f"{count} items at byte {at} run beyond the end")
    return end


@dataclass(slots=True)
class _Layout:
    """What all objects of a table have in common.

    Attributes:
        pieces: For each member of variable size: the bytes before its count (or, without an item size, before its
            number's marker), the size of an item, and whether it is an array of numbers.
        tail: The bytes after the last of them.
        dtypes: Array name to dtype.
    """

    pieces: list[tuple[bytes, int, bool]] = field(default_factory=list)
    tail: bytes = b""
    dtypes: dict[str, np.dtype[Any]] = field(default_factory=dict)


def _table(data: Buffer, at: int) -> tuple[Table, int]:
    if data[at] != _ARRAY:
        raise ValueError(f"no array at byte {at}")
    count, at = _count(data, at + 1)
    rows: list[list[int]] = []
    layout = _Layout()
    for _ in range(count):
        row, end = _row(data, layout, at) if rows else ([], -1)
        if end < 0:  # the first object, or one that is laid out in another way
            learnt = _learn(data, at)
            if rows and list(learnt.dtypes.items()) != list(layout.dtypes.items()):
                raise ValueError(f"objects with different members at byte {at}")
            layout = learnt
            row, end = _row(data, layout, at)
        rows.append(row)
        at = end
    places = np.array(rows, dtype=np.int64).reshape(count, 2 * len(layout.dtypes))
    return Table(data=data, dtypes=layout.dtypes, places=places), at


def _row(data: Buffer, layout: _Layout, at: int) -> tuple[list[int], int]:
    """Start and count of each array of the object at `at`, and its end: -1 where it is laid out in another way."""
    found: list[int] = []
    for static, itemsize, numbers in layout.pieces:
        start = at + len(static)
        if data[at:start] != static:
            return found, -1
        if not itemsize:
            at = start + 1 + _DTYPES[data[start]].itemsize
            continue
        at = start + 8
        count = _LENGTH(data, start)[0]
        if numbers:
            found += at, count
        at += count * itemsize
        if count < 0 or at > len(data):
            raise ValueError(f"{count} items at byte {start} run beyond the end")
    end = at + len(layout.tail)
    return found, end if data[at:end] == layout.tail else -1


def _learn(data: Buffer, at: int) -> _Layout:
    """The layout of the object at `at`: number arrays, strings, numbers, and objects of them."""
    layout = _Layout()
    end, begin = _walk(data, at, at, layout)
    layout.tail = bytes(data[begin:end])
    return layout


def _walk(data: Buffer, at: int, begin: int, layout: _Layout) -> tuple[int, int]:
    """The end of the object at `at`, and the new `begin`: the bytes from there on belong to no piece yet."""
    if data[at] != _OBJECT:
        raise ValueError(f"no object at byte {at}")
    at += 1
    while data[at] != _END:
        key, at = _string(data, at)
        mark = data[at]
        if mark == _OBJECT:
            at, begin = _walk(data, at, begin, layout)
            continue
        if mark in _DTYPES:
            layout.pieces.append((bytes(data[begin:at]), 0, False))
            at = begin = at + 1 + _DTYPES[mark].itemsize
            continue
        numbers = mark == _ARRAY and data[at + 1] == _TYPE
        itemsize, prefix = 1, at + 1
        if numbers:
            layout.dtypes[key] = _DTYPES[data[at + 2]]
            itemsize, prefix = layout.dtypes[key].itemsize, at + 4
        elif mark != _STRING:
            raise ValueError(f"unexpected mark {mark} at byte {at}")
        layout.pieces.append((bytes(data[begin : prefix + 1]), itemsize, numbers))
        at = begin = _end_of(data, prefix, itemsize)
    return at + 1, begin
