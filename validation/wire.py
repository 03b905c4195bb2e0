"""Messages between a check and the child process that runs a graph: a JSON header, then raw arrays."""

from __future__ import annotations

import json
import struct
from typing import IO, TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onnxport.artifacts import Column

_LENGTH = struct.Struct("<Q")
_LONGEST_HEADER = 256 << 20
_NUMBERS = "biuf"


def write_message(stream: IO[bytes], header: Mapping[str, Any], arrays: Mapping[str, Column]) -> None:
    """`header` and `arrays` are on the stream, flushed.

    Law: `read_message` gives both back, the arrays with dtype and shape; strings come back as objects.

    Raises:
        TypeError: An object in an array is neither string, number, bool nor `None`.
    """
    payloads = {name: _encode(array) for name, array in arrays.items()}
    entries = [
        {"name": name, "dtype": _dtype(array), "shape": array.shape, "size": len(payloads[name])}
        for name, array in arrays.items()
    ]
    head = json.dumps({"header": dict(header), "arrays": entries}).encode()
    stream.write(_LENGTH.pack(len(head)))
    stream.write(head)
    for payload in payloads.values():
        stream.write(payload)
    stream.flush()


def read_message(stream: IO[bytes]) -> tuple[dict[str, Any], dict[str, Column]]:
    """The next header and its arrays: data, whoever wrote them.

    Raises:
        EOFError: The other side is gone.
        ValueError: That is no message; `LookupError` and `TypeError` say the same.
    """
    (length,) = _LENGTH.unpack(_exactly(stream, _LENGTH.size))
    if length > _LONGEST_HEADER:
        raise ValueError(f"a header of {length} bytes")
    head = json.loads(_exactly(stream, length))
    arrays = {entry["name"]: _decode(_exactly(stream, entry["size"]), entry) for entry in head["arrays"]}
    return head["header"], arrays


def _dtype(array: Column) -> str:
    if array.dtype.kind == "O":
        return "object"
    return "string" if array.dtype.kind in "UST" else array.dtype.str


def _encode(array: Column) -> bytes | memoryview:
    match _dtype(array):
        case "object":
            return json.dumps([_scalar(value) for value in array.ravel().tolist()]).encode()
        case "string":
            return json.dumps([str(value) for value in array.ravel().tolist()]).encode()
        case _:
            return np.ascontiguousarray(array).tobytes()


def _scalar(value: object) -> object:
    plain = value.item() if isinstance(value, np.generic) else value
    if plain is None or isinstance(plain, str | bool | int | float):
        return plain
    raise TypeError(f"a {type(value).__name__} is neither string, number, bool nor missing")


def _decode(payload: bytes, entry: Mapping[str, Any]) -> Column:
    if entry["dtype"] in {"object", "string"}:
        values = [_scalar(value) for value in json.loads(payload)]
        column = np.empty(len(values), dtype=object)
        column[:] = values
        return column.reshape(entry["shape"])
    dtype = np.dtype(entry["dtype"])
    if dtype.kind not in _NUMBERS:
        raise ValueError(f"an array of {dtype}")
    return np.frombuffer(payload, dtype=dtype).reshape(entry["shape"])


def _exactly(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise EOFError("the other side is gone")
    return data
