"""Expands compressed model files, up to a bound."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from typing import TYPE_CHECKING

from onnxport.artifacts import UntrustedModel, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MIN_EXPANDED = 256 << 20
_MAX_RATIO = 200
_LZ4 = b"\x04\x22\x4d\x18"


def expansion_limit(size: int) -> int:
    """How many bytes a compressed model of `size` bytes may grow to.

    200 times its size, or 256 MiB: trees shrink about 5 times, bombs 1,000 times.
    """
    return max(_MIN_EXPANDED, _MAX_RATIO * size)


def expand(data: bytes, name: str) -> bytes:
    """`data` itself, or what it expands to where it is compressed; `name` says in errors which file it is.

    Raises:
        UntrustedModel: It grows beyond `expansion_limit`.
        UsageError: It is damaged, or compressed in a way that is not read here.
    """
    if data.startswith(_LZ4):
        raise UsageError(f"{name} is compressed with lz4", hint="Save it with compress='zlib', or not at all.")
    read = next((read for magic, read in _READERS.items() if data.startswith(magic)), None)
    if read is None:
        return data
    limit = expansion_limit(len(data))
    try:
        plain = read(data, limit + 1)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise UsageError(f"{name} is damaged: {error}", hint="Write or download it again.") from error
    if len(plain) > limit:
        raise UntrustedModel(f"{name} grows beyond {limit >> 20} MiB when it is expanded: no model does that")
    return plain


def _zlib(data: bytes, most: int) -> bytes:
    reader = zlib.decompressobj()
    plain = reader.decompress(data, most)
    if len(plain) < most and not reader.eof:
        raise EOFError("it ends early")
    return plain


def _gzip(data: bytes, most: int) -> bytes:
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        return file.read(most)


def _bz2(data: bytes, most: int) -> bytes:
    with bz2.BZ2File(io.BytesIO(data)) as file:
        return file.read(most)


def _lzma(data: bytes, most: int) -> bytes:
    with lzma.LZMAFile(io.BytesIO(data)) as file:
        return file.read(most)


_READERS: Mapping[bytes, Callable[[bytes, int], bytes]] = {
    b"\x1f\x8b": _gzip,
    b"BZh": _bz2,
    b"\xfd7zXZ": _lzma,
    b"\x5d\x00": _lzma,
    b"\x78": _zlib,
}
"""First bytes to what reads them: the forms that joblib writes."""
