"""The Open Inference Protocol (V2): tensors by name, as JSON or as raw bytes behind it.

Follows https://github.com/kserve/open-inference-protocol and, for raw bytes, Triton's binary tensor extension.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import orjson
from onnxport.artifacts import MATRIX_TENSOR

from ..fault import BAD_REQUEST, UNFIT, Fault, unavailable, unfit
from ..forms import parse
from ..outputs import array
from .dialect import Reply, Request

if TYPE_CHECKING:
    from onnxport.artifacts import Column, Signature

    from ..answers import Answer
    from ..features import Features, Table
    from ..forms import Frame
    from ..wire import Exchange
    from .dialect import Replier

HEADER_LENGTH: Final = b"inference-header-content-length"
DATATYPES: Final = {"float32": "FP32", "float64": "FP64", "int64": "INT64", "bool": "BOOL", "string": "BYTES"}
_NUMPY: Final = {"FP32": "<f4", "FP64": "<f8", "INT64": "<i8", "BOOL": "|b1"}
_WIDTH: Final = 4
_LARGEST: Final = 1 << 63
_DIMENSIONS: Final = 8
"""Most dimensions of a tensor: no model takes more than two, and multiplying thousands of them takes minutes."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One input as it was sent.

    Attributes:
        datatype: `FP32`, `BYTES`, …
        shape: As declared.
        data: A flat list of JSON values, or an array from raw bytes.
        path: Where it stands.
    """

    datatype: str
    shape: tuple[int, ...]
    data: list[Any] | Column
    path: str


@dataclass(frozen=True, slots=True)
class Tensors:
    """Inputs by name: the graph's own, or one for each column."""

    inputs: dict[str, Tensor]

    def table(self, features: Features, body: bytes) -> Table | Fault:
        """The rows as the graph takes them."""
        del body
        signature = features.signature
        if signature.layout == "matrix" and set(self.inputs) == {MATRIX_TENSOR}:
            return self._matrix(features)
        columns: dict[str, Any] = {}
        names = {column.tensor: column for column in signature.inputs} if signature.layout == "columns" else {}
        names |= {column.name: column for column in signature.inputs}
        for name, tensor in self.inputs.items():
            column = names.get(name)
            if column is None:
                return unfit("wrong-columns", f"unknown input {name!r}", "$.inputs", unknown=[name])
            if column.name in columns:
                message = f"column {column.name!r} stands twice: by its name and by its tensor's"
                return unfit("wrong-columns", message, "$.inputs", duplicated=[column.name])
            if fault := _wrong_kind(tensor, DATATYPES[column.dtype], 1):
                return fault
            columns[column.name] = _booleans(tensor.data) if column.dtype == "bool" else tensor.data
        return features.from_columns(columns, "$.inputs")

    def frame(self) -> Frame | Fault:
        """The rows for a server that knows the model itself."""
        if len(self.inputs) == 1 and MATRIX_TENSOR in self.inputs:
            tensor = self.inputs[MATRIX_TENSOR]
            if len(tensor.shape) != 2:  # ruff: ignore[PLR2004] - rows and columns
                return unfit("wrong-shape", "two dimensions expected", tensor.path)
            return None, _rows(tensor)
        lists = [_flat(tensor) for tensor in self.inputs.values()]
        if len({len(values) for values in lists}) > 1:
            return unfit("unequal-columns", "inputs of different length", "$.inputs")
        return list(self.inputs), [list(row) for row in zip(*lists, strict=True)]

    def _matrix(self, features: Features) -> Table | Fault:
        tensor = self.inputs[MATRIX_TENSOR]
        width = len(features.names)
        if fault := _wrong_kind(tensor, DATATYPES[features.signature.inputs[0].dtype], width):
            return fault
        if isinstance(tensor.data, list):
            return features.from_lists(_rows(tensor), f"{tensor.path}.data")
        return features.from_matrix(tensor.data.reshape(-1, width), tensor.path)


class OpenInference:
    """`{"inputs": [{"name", "shape", "datatype", "data"}]}`; tensors come back."""

    def read(self, exchange: Exchange) -> Request | Fault:
        """The tensors, and which outputs are wanted how."""
        head, raw = exchange.body, b""
        if b"content-encoding" in exchange.headers:
            return Fault(status=415, code="wrong-encoding", message="compressed bodies are not taken")
        length = exchange.headers.get(HEADER_LENGTH)
        if length is not None:
            if not length.isdigit() or int(length) > len(head):
                return unfit("wrong-form", "Inference-Header-Content-Length is longer than the body", "$")
            head, raw = head[: int(length)], head[int(length) :]
        document = parse(head)
        if isinstance(document, Fault):
            return document
        if (
            not isinstance(document, dict)
            or not isinstance(document.get("inputs"), list)
            or not document["inputs"]
        ):
            return unfit("wrong-form", "an object with an array of inputs expected", "$")
        return _request(document, memoryview(raw))

    def write(self, request: Request, answer: Answer, replier: Replier) -> Reply | Fault:
        """The outputs that were asked for, all of them where none was named."""
        if replier.signature is None:
            return unavailable("no-release", "tensors are answered by a loaded release only")
        known = {output.name: output for output in replier.signature.outputs}
        binary_by_default: bool = request.more["binary"]
        wanted: dict[str, bool] = request.more["outputs"] or dict.fromkeys(known, binary_by_default)
        outputs: list[bytes] = []
        tail: list[bytes] = []
        for name, binary in wanted.items():
            if name not in known:
                return unfit("unknown-output", f"unknown output {name!r}", "$.outputs", unknown=[name])
            dtype = known[name].dtype
            try:
                values = answer.array(name, dtype)
            except KeyError:
                return unfit("unknown-output", f"{answer.served_by} does not answer with {name!r}", "$.outputs")
            head: dict[str, Any] = {"name": name, "datatype": DATATYPES[dtype], "shape": list(values.shape)}
            if binary:
                tail.append(_bytes(values, DATATYPES[dtype]))
                outputs.append(orjson.dumps(head | {"parameters": {"binary_data_size": len(tail[-1])}}))
            else:
                data = b",".join(fragment.strip(b"[]") for fragment in answer.fragments(name))
                outputs.append(b'%b,"data":[%b]}' % (orjson.dumps(head)[:-1], data))
        return _reply(request, replier, outputs, tail)

    def refuse(self, exchange: Exchange, fault: Fault) -> None:
        """`{"error": …}`; what does not fit is a bad request there."""
        status = BAD_REQUEST if fault.status == UNFIT else fault.status
        message = fault.message if fault.path == "$" else f"{fault.path}: {fault.message}"
        exchange.answer(status, orjson.dumps({"error": message}), headers=fault.header_lines)


def metadata(name: str, version: int, signature: Signature) -> dict[str, Any]:
    """What the protocol tells about a model: the graph's tensors, and which column is where."""
    inputs: dict[str, dict[str, Any]] = {
        column.tensor: {
            "name": column.tensor,
            "datatype": DATATYPES[column.dtype],
            "shape": [-1 if size is None else size for size in column.shape],
        }
        for column in signature.inputs
    }
    if signature.layout == "matrix":
        inputs[MATRIX_TENSOR]["parameters"] = {"columns": list(signature.columns)}
    outputs = [
        {
            "name": output.name,
            "datatype": DATATYPES[output.dtype],
            "shape": [-1 if size is None else size for size in output.shape],
        }
        for output in signature.outputs
    ]
    return {
        "name": name,
        "versions": [str(version)],
        "platform": "onnxruntime_onnx",
        "inputs": list(inputs.values()),
        "outputs": outputs,
    }


def _reply(request: Request, replier: Replier, outputs: list[bytes], tail: list[bytes]) -> Reply:
    head = {"model_name": replier.name, "model_version": str(replier.version)}
    if request.more["id"] is not None:
        head["id"] = request.more["id"]
    body = b'%b,"outputs":%b}' % (orjson.dumps(head)[:-1], array(outputs))
    if not tail:
        return Reply(body)
    line = b"inference-header-content-length: %d\r\n" % len(body)
    return Reply(body + b"".join(tail), b"application/octet-stream", line)


def _request(document: dict[str, Any], raw: memoryview) -> Request | Fault:
    inputs: dict[str, Tensor] = {}
    for number, one in enumerate(document["inputs"]):
        path = f"$.inputs[{number}]"
        found = _tensor(one, raw, path)
        if isinstance(found, Fault):
            return found
        tensor, raw = found
        if one["name"] in inputs:
            return unfit("wrong-columns", f"input {one['name']!r} stands twice", path, duplicated=[one["name"]])
        inputs[one["name"]] = tensor
    if raw:
        return unfit("wrong-form", f"{len(raw)} bytes belong to no input", "$.inputs")
    outputs = _wanted(document)
    if isinstance(outputs, Fault):
        return outputs
    identity, parameters = document.get("id"), document.get("parameters") or {}
    if not isinstance(identity, str | None) or not isinstance(parameters, dict):
        return unfit("wrong-form", "id is a string and parameters an object", "$")
    more = {"id": identity, "outputs": outputs, "binary": parameters.get("binary_data_output") is True}
    return Request(Tensors(inputs), more)


def _wanted(document: dict[str, Any]) -> dict[str, bool] | Fault:
    outputs = document.get("outputs") or []
    parameters = document.get("parameters")
    default = isinstance(parameters, dict) and parameters.get("binary_data_output") is True
    wanted: dict[str, bool] = {}
    if not isinstance(outputs, list):
        return unfit("wrong-form", "an array of outputs expected", "$.outputs")
    for number, one in enumerate(outputs):
        if not isinstance(one, dict) or not isinstance(one.get("name"), str):
            return unfit("wrong-form", "an object with a name expected", f"$.outputs[{number}]")
        options = one.get("parameters") or {}
        if not isinstance(options, dict) or options.get("classification"):
            return unfit("wrong-form", "parameters that are not known", f"$.outputs[{number}].parameters")
        wanted[one["name"]] = options.get("binary_data", default) is True
    return wanted


def _tensor(one: Any, raw: memoryview, path: str) -> tuple[Tensor, memoryview] | Fault:  # ruff: ignore[ANN401] - any JSON value
    if not isinstance(one, dict) or not isinstance(one.get("name"), str):
        return unfit("wrong-form", "an object with a name expected", path)
    shape, datatype = one.get("shape"), one.get("datatype")
    if not isinstance(shape, list) or not _is_shape(shape):
        return unfit("wrong-shape", f"1 to {_DIMENSIONS} whole numbers expected", f"{path}.shape")
    if not isinstance(datatype, str) or datatype not in {*_NUMPY, "BYTES"}:
        known = ", ".join(DATATYPES.values())
        return unfit("wrong-datatype", f"one of {known} expected", f"{path}.datatype")
    options = one.get("parameters") or {}
    size = options.get("binary_data_size") if isinstance(options, dict) else None
    data: Any
    if size is None:
        data = _flattened(one.get("data"))
    elif type(size) is not int or not 0 <= size <= len(raw) or "data" in one:
        return unfit("wrong-form", "binary_data_size does not fit the body", f"{path}.parameters")
    else:
        data, raw = _array(raw[:size], datatype), raw[size:]
    if data is None:
        return unfit("wrong-form", f"data of {datatype} expected", f"{path}.data")
    if len(data) != math.prod(shape):
        return unfit("wrong-shape", f"{len(data)} values do not have the shape {shape}", f"{path}.shape")
    return Tensor(datatype, tuple(shape), data, path), raw


def _is_shape(shape: list[Any]) -> bool:
    return 1 <= len(shape) <= _DIMENSIONS and all(type(size) is int and 0 <= size < _LARGEST for size in shape)


def _flattened(data: Any) -> list[Any] | None:  # ruff: ignore[ANN401] - any JSON value
    """The values of an array, or of an array of arrays."""
    if not isinstance(data, list):
        return None
    if data and isinstance(data[0], list):
        if not all(isinstance(row, list) for row in data):
            return None
        return list(chain.from_iterable(data))
    return data


def _array(data: memoryview, datatype: str) -> Column | None:
    if datatype != "BYTES":
        dtype = np.dtype(_NUMPY[datatype])
        return np.frombuffer(data, dtype=dtype) if len(data) % dtype.itemsize == 0 else None
    texts: list[str] = []
    while data:
        length = int.from_bytes(data[:_WIDTH], "little")
        text, data = data[_WIDTH : _WIDTH + length], data[_WIDTH + length :]
        if len(text) != length:
            return None
        try:
            texts.append(bytes(text).decode())
        except UnicodeDecodeError:
            return None
    found = np.empty(len(texts), dtype=object)
    found[:] = texts
    return found


def _bytes(values: Column, datatype: str) -> bytes:
    if datatype != "BYTES":
        return np.ascontiguousarray(values, dtype=_NUMPY[datatype]).tobytes()
    texts = (str(value).encode() for value in values.ravel().tolist())
    return b"".join(len(text).to_bytes(_WIDTH, "little") + text for text in texts)


def _wrong_kind(tensor: Tensor, datatype: str, width: int) -> Fault | None:
    if tensor.datatype != datatype:
        return unfit("wrong-datatype", f"{datatype} expected, found {tensor.datatype}", f"{tensor.path}.datatype")
    rows = tensor.shape[0]
    if tensor.shape == (rows, width) or (width == 1 and tensor.shape == (rows,)):
        return None
    return unfit(
        "wrong-shape", f"shape [-1, {width}] expected, found {list(tensor.shape)}", f"{tensor.path}.shape"
    )


def _booleans(values: list[Any] | Column) -> list[Any] | Column:
    """0 and 1 as booleans: the client generated from the protocol's own document writes them as 0.0 and 1.0."""
    if not isinstance(values, list):
        return values
    return [bool(value) if type(value) in {int, float} and value in {0, 1} else value for value in values]


def _rows(tensor: Tensor) -> list[list[Any]]:
    flat, (rows, width) = _flat(tensor), tensor.shape
    return [flat[row * width : (row + 1) * width] for row in range(rows)]


def _flat(tensor: Tensor) -> list[Any]:
    return tensor.data if isinstance(tensor.data, list) else tensor.data.tolist()
