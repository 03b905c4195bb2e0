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
_OBJECT, _END, _ARRAY, _TYPE, _COUNT, _STRING = (ord(mark) for mark in "{}[$#S")
_PREFIX = 9  # bytes of a length: the marker `L` and an int64
_TABLE = "trees"


@dataclass(frozen=True, slots=True)
class Table:
    """Many objects with the same number arrays, by member.

    Attributes:
        data: The buffer that holds them.
        rows: How many objects there are.
        members: Member name to the dtype, start and count of its array in each object.
    """

    data: Buffer
    rows: int
    members: dict[str, tuple[np.dtype[Any], list[int], list[int]]]

    def counts(self, member: str) -> Column:
        """The length of the array `member` in each object, `(rows,)`."""
        return np.array(self._member(member)[2], dtype=np.int64)

    def joined(self, member: str, rows: int, *, lead: int = 0) -> Column:
        """`lead` zeros, then the arrays `member` of the first `rows` objects, in native byte order."""
        dtype, starts, counts = self._member(member)
        parts = [np.zeros(lead, dtype)]
        parts += [
            np.frombuffer(self.data, dtype, count, start)
            for start, count in zip(starts[:rows], counts[:rows], strict=True)
            if count
        ]
        return np.concatenate(parts, dtype=dtype.newbyteorder("="), casting="equiv")

    def _member(self, member: str) -> tuple[np.dtype[Any], list[int], list[int]]:
        return self.members[member] if self.rows else (np.dtype(np.int32), [], [])


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
            number's marker), the size of an item, and the name of the array (empty where nobody asks for it).
        tail: The bytes after the last of them.
        dtypes: Array name to dtype.
    """

    pieces: list[tuple[bytes, int, str]] = field(default_factory=list)
    tail: bytes = b""
    dtypes: dict[str, np.dtype[Any]] = field(default_factory=dict)


def _table(data: Buffer, at: int) -> tuple[Table, int]:
    if data[at] != _ARRAY:
        raise ValueError(f"no array at byte {at}")
    count, at = _count(data, at + 1)
    table = Table(data=data, rows=count, members={})
    layout = _Layout()
    for row in range(count):
        end = _row(table, layout, at) if row else -1
        if end < 0:  # the first object, or one that is laid out in another way
            layout = _learn(data, at)
            for name, dtype in layout.dtypes.items():
                if table.members.setdefault(name, (dtype, [], []))[0] != dtype:
                    raise ValueError(f"{name} has several types")
            end = _row(table, layout, at)
        at = end
    if any(len(starts) != count for _, starts, _ in table.members.values()):
        raise ValueError("trees have different members")
    return table, at


def _row(table: Table, layout: _Layout, at: int) -> int:
    """Note the arrays of the object at `at`; its end, or -1 where it is laid out in another way."""
    data = table.data
    found: list[tuple[str, int, int]] = []
    for static, itemsize, name in layout.pieces:
        start = at + len(static)
        if data[at:start] != static:
            return -1
        if not itemsize:
            at = start + 1 + _DTYPES[data[start]].itemsize
            continue
        at = start + 8
        count = _LENGTH(data, start)[0]
        if name:
            found.append((name, at, count))
        at += count * itemsize
        if count < 0 or at > len(data):
            raise ValueError(f"{count} items at byte {start} run beyond the end")
    end = at + len(layout.tail)
    if data[at:end] != layout.tail:
        return -1
    for name, start, count in found:
        _, starts, counts = table.members[name]
        starts.append(start)
        counts.append(count)
    return end


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
            layout.pieces.append((bytes(data[begin:at]), 0, ""))
            at = begin = at + 1 + _DTYPES[mark].itemsize
            continue
        itemsize, name, prefix = 1, "", at + 1
        if mark == _ARRAY and data[at + 1] == _TYPE:
            layout.dtypes[key] = _DTYPES[data[at + 2]]
            itemsize, name, prefix = layout.dtypes[key].itemsize, key, at + 4
        elif mark != _STRING:
            raise ValueError(f"unexpected mark {mark} at byte {at}")
        layout.pieces.append((bytes(data[begin : prefix + 1]), itemsize, name))
        at = begin = _end_of(data, prefix, itemsize)
    return at + 1, begin
