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


def write_message(stream: IO[bytes], header: Mapping[str, Any], arrays: Mapping[str, Column]) -> None:
    """`header` and `arrays` are on the stream, flushed.

    Law: `read_message` gives both back, the arrays with dtype and shape; strings come back as objects.
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
    """The next header and its arrays.

    Raises:
        EOFError: The other side is gone.
    """
    (length,) = _LENGTH.unpack(_exactly(stream, _LENGTH.size))
    head = json.loads(_exactly(stream, length))
    arrays = {entry["name"]: _decode(_exactly(stream, entry["size"]), entry) for entry in head["arrays"]}
    return head["header"], arrays


def _dtype(array: Column) -> str:
    return "string" if array.dtype.kind in "OUST" else array.dtype.str


def _encode(array: Column) -> bytes | memoryview:
    if _dtype(array) == "string":
        return json.dumps([str(value) for value in array.ravel().tolist()]).encode()
    return np.ascontiguousarray(array).tobytes()


def _decode(payload: bytes, entry: Mapping[str, Any]) -> Column:
    if entry["dtype"] == "string":
        return np.array(json.loads(payload), dtype=object).reshape(entry["shape"])
    return np.frombuffer(payload, dtype=np.dtype(entry["dtype"])).reshape(entry["shape"])


def _exactly(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise EOFError("the other side is gone")
    return data
