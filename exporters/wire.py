"""Protobuf wire format straight from numpy arrays: what the protobuf API needs a Python object a value for.

The encoding follows the protobuf documentation ("Encoding"); the field numbers are those of onnx.proto.
Repeated numbers are written packed: every protobuf parser must accept both forms, whatever the schema declares.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from onnxport.artifacts import Column

_LENGTH_DELIMITED = 2
_BLOCK = 1 << 16
_SEVEN_BITS = 0x7F
_PAIR = 2
_WORDS = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Strings:
    """A long list of few distinct strings, without a Python object an entry.

    Attributes:
        table: The distinct strings.
        codes: Index into `table` of each entry, shape `(n,)`.
    """

    table: Sequence[str]
    codes: Column


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """Bytes whose number is known before they are made.

    Attributes:
        size: How many they are.
        blocks: Makes them, block after block.
    """

    size: int
    blocks: Callable[[], Iterable[bytes | memoryview]]


class Chunks:
    """Bytes in pieces, written once at the end: nesting messages copies nothing, and long arrays stay arrays."""

    __slots__ = ("_pieces", "size")

    def __init__(self, *pieces: bytes | Encoded) -> None:
        self._pieces: list[bytes | Encoded] = []
        self.size = 0
        for piece in pieces:
            self.append(piece)

    def append(self, piece: bytes | Encoded) -> None:
        """`piece` stands at the end."""
        self._pieces.append(piece)
        self.size += piece.size if isinstance(piece, Encoded) else len(piece)

    def extend(self, chunks: Chunks) -> None:
        """The pieces of `chunks` stand at the end."""
        self._pieces += chunks._pieces
        self.size += chunks.size

    def embed(self, field: int, message: Chunks) -> None:
        """`message` stands at the end, as the length-delimited field `field`."""
        self.append(varint(field << 3 | _LENGTH_DELIMITED) + varint(message.size))
        self.extend(message)

    def blocks(self) -> Iterator[bytes | memoryview]:
        """All pieces, block after block."""
        for piece in self._pieces:
            if isinstance(piece, Encoded):
                yield from piece.blocks()
            else:
                yield piece

    def join(self) -> bytes:
        """All pieces as one; besides it there is a block at a time in memory."""
        whole = BytesIO()
        whole.writelines(self.blocks())
        return whole.getvalue()  # shares the buffer


def varint(value: int) -> bytes:
    """`value`, 0 or greater, in base 128, least significant group first."""
    out = bytearray()
    while value > _SEVEN_BITS:
        out.append(value & _SEVEN_BITS | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def packed_integers(values: Column) -> Chunks:
    """`values`, shape `(n,)`, as the body of a packed `int64` field."""
    size = sum(map(_varints_size, _blocks(values)))
    return Chunks(Encoded(size=size, blocks=lambda: map(_varints, _blocks(values))))


def packed_floats(values: Column) -> Chunks:
    """`values`, shape `(n,)`, as the body of a packed `float` field: little-endian float32."""
    return little_endian(values.astype("<f4", copy=False))


def little_endian(values: Column) -> Chunks:
    """The numbers of `values`, of any shape, as they stand in memory: as bytes, least significant first."""
    held = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
    return Chunks(Encoded(size=held.nbytes, blocks=lambda: (held.reshape(-1).view(np.uint8).data,)))


def repeated_strings(field: int, strings: Strings) -> Chunks:
    """The entries of `strings`, each a length-delimited field `field` of its own.

    Entries are written in words of several, as many as keep the table of all possible words small.
    """
    encoded = [text.encode() for text in strings.table]
    entries = [varint(field << 3 | _LENGTH_DELIMITED) + varint(len(text)) + text for text in encoded]
    counts = np.zeros(len(entries), dtype=np.int64)
    for codes in _blocks(strings.codes):
        counts += np.bincount(codes, minlength=len(entries))
    size = sum(count * len(entry) for count, entry in zip(counts.tolist(), entries, strict=True))
    used = np.flatnonzero(counts)
    return Chunks(Encoded(size=size, blocks=lambda: _words(strings.codes, entries, used)))


def _words(codes: Column, entries: Sequence[bytes], used: Column) -> Iterator[bytes]:
    """The entry of each code; `used` are the codes that occur."""
    digits = np.zeros(len(entries), dtype=np.int64)
    digits[used] = np.arange(len(used))
    known = [entries[code] for code in used.tolist()]
    length = max((power for power in range(1, 13) if len(used) ** power <= _WORDS), default=1)
    words = [b"".join(word) for word in product(known, repeat=length)]
    places = len(used) ** np.arange(length - 1, -1, -1)
    whole = len(codes) // length * length
    for block in _blocks(codes[:whole].reshape(-1, length)):
        yield b"".join([words[word] for word in (digits[block] @ places).tolist()])
    yield b"".join([known[digit] for digit in digits[codes[whole:]].tolist()])


def _blocks(values: Column) -> Iterator[Column]:
    for start in range(0, len(values), _BLOCK):
        yield values[start : start + _BLOCK]


def _varints_size(values: Column) -> int:
    rest = _unsigned(values)
    steps = range(1, _width(rest))
    return len(rest) + sum(int(np.count_nonzero(rest >= 1 << 7 * step)) for step in steps)


def _varints(values: Column) -> bytes:
    rest = _unsigned(values)
    width = _width(rest)
    if width == 1:
        return rest.astype(np.uint8).tobytes()
    if width == _PAIR:
        return _pairs(rest.astype("<u2", copy=False))
    groups = np.empty((len(values), width), dtype=np.uint8)
    used = np.empty((len(values), width), dtype=np.bool_)
    for index in range(width):
        used[:, index] = (rest > 0) if index else True
        groups[:, index] = rest & _SEVEN_BITS
        rest = rest >> 7
        groups[:, index] |= (rest > 0).view(np.uint8) << 7
    return groups[used].tobytes()


def _pairs(values: Column) -> bytes:
    """Numbers of up to 14 bits: one byte or two each."""
    long = values > _SEVEN_BITS
    both = (values & _SEVEN_BITS) | (long.astype("<u2") << 7) | (values >> 7 << 8)
    groups = both.view(np.uint8).reshape(-1, _PAIR)
    used = np.ones(groups.shape, dtype=np.bool_)
    used[:, 1] = long
    return groups[used].tobytes()


def _unsigned(values: Column) -> Column:
    """The numbers as protobuf sees them: negative ones in 64 bits."""
    if values.dtype.kind == "u":
        return values
    wide = values.dtype.itemsize if values.min(initial=0) >= 0 else 8
    return values.astype(f"i{wide}", copy=False).view(f"u{wide}")


def _width(values: Column) -> int:
    """Bytes of the largest number."""
    return max(1, (int(values.max(initial=0)).bit_length() + 6) // 7)
