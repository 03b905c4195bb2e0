"""Protobuf wire format straight from numpy arrays: what the protobuf API needs a Python object a value for.

The encoding follows the protobuf documentation ("Encoding"); the field numbers are those of onnx.proto.
Repeated numbers are written packed: every protobuf parser must accept both forms, whatever the schema declares.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from onnxport.artifacts import Column

_LENGTH_DELIMITED = 2
_BLOCK = 1 << 16
_SEVEN_BITS = 0x7F
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


class Chunks:
    """Bytes in pieces, joined once at the end: nesting messages copies nothing."""

    __slots__ = ("_pieces", "size")

    def __init__(self, *pieces: bytes) -> None:
        self._pieces: list[bytes] = [*pieces]
        self.size = sum(map(len, pieces))

    def append(self, piece: bytes) -> None:
        """`piece` stands at the end."""
        self._pieces.append(piece)
        self.size += len(piece)

    def extend(self, chunks: Chunks) -> None:
        """The pieces of `chunks` stand at the end."""
        self._pieces += chunks._pieces
        self.size += chunks.size

    def embed(self, field: int, message: Chunks) -> None:
        """`message` stands at the end, as the length-delimited field `field`."""
        self.append(varint(field << 3 | _LENGTH_DELIMITED) + varint(message.size))
        self.extend(message)

    def join(self) -> bytes:
        """All pieces as one."""
        return b"".join(self._pieces)


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
    chunks = Chunks()
    for block in _blocks(values):
        chunks.append(_varints(block.astype(np.int64)))
    return chunks


def packed_floats(values: Column) -> Chunks:
    """`values`, shape `(n,)`, as the body of a packed `float` field: little-endian float32."""
    return Chunks(np.ascontiguousarray(values, dtype="<f4").tobytes())


def repeated_strings(field: int, strings: Strings) -> Chunks:
    """The entries of `strings`, each a length-delimited field `field` of its own.

    Entries are written in words of several, as many as keep the table of all possible words small.
    """
    encoded = [text.encode() for text in strings.table]
    used = np.flatnonzero(np.bincount(strings.codes, minlength=len(encoded))).tolist()
    entries = [
        varint(field << 3 | _LENGTH_DELIMITED) + varint(len(encoded[code])) + encoded[code] for code in used
    ]
    digits = np.zeros(len(encoded), dtype=np.int64)
    digits[used] = np.arange(len(used))
    length = max((power for power in range(1, 13) if len(used) ** power <= _WORDS), default=1)
    words = [b"".join(word) for word in product(entries, repeat=length)]
    places = len(used) ** np.arange(length - 1, -1, -1)
    whole = len(strings.codes) // length * length
    chunks = Chunks()
    for codes in _blocks(strings.codes[:whole].reshape(-1, length)):
        chunks.append(b"".join([words[word] for word in (digits[codes] @ places).tolist()]))
    chunks.append(b"".join([entries[digit] for digit in digits[strings.codes[whole:]].tolist()]))
    return chunks


def _blocks(values: Column) -> Iterator[Column]:
    for start in range(0, len(values), _BLOCK):
        yield values[start : start + _BLOCK]


def _varints(values: np.ndarray[Any, np.dtype[np.int64]]) -> bytes:
    rest = values.view(np.uint64)
    largest = int(rest.max(initial=0))
    if largest <= _SEVEN_BITS:
        return rest.astype(np.uint8).tobytes()
    width = (largest.bit_length() + 6) // 7
    groups = np.empty((len(values), width), dtype=np.uint8)
    used = np.empty((len(values), width), dtype=np.bool_)
    for index in range(width):
        used[:, index] = (rest > 0) if index else True
        groups[:, index] = rest & np.uint64(_SEVEN_BITS)
        rest = rest >> np.uint64(7)
        groups[:, index] |= (rest > 0).view(np.uint8) << 7
    return groups[used].tobytes()
