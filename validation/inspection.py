"""What a graph's file says before any runtime opens it: operator domains, and data that lies outside of it.

Reads the wire format of protocol buffers (https://protobuf.dev/programming-guides/encoding) with the field numbers
of onnx.proto3; large tensors are skipped, not read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
from onnxport.artifacts import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Iterator

ALLOWED_DOMAINS: Final = frozenset({"", "ai.onnx", "ai.onnx.ml"})
_MODEL_GRAPH, _MODEL_OPSET, _MODEL_FUNCTION = 7, 8, 25
_OPSET_DOMAIN = 1
_GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_SPARSE = 1, 5, 15
_NODE_ATTRIBUTE, _NODE_DOMAIN = 5, 7
_ATTRIBUTE_TENSOR, _ATTRIBUTE_GRAPH, _ATTRIBUTE_TENSORS, _ATTRIBUTE_GRAPHS = 5, 6, 10, 11
_TENSOR_EXTERNAL, _TENSOR_LOCATION = 13, 14
_DEEPEST: Final = 16
_FLOATS_TAG, _INTS_TAG, _STRINGS_TAG = 7 << 3 | 5, 8 << 3, 9 << 3 | 2
_FLOAT_BYTES, _MORE = 5, 0x80
_RUN: Final = 64


@dataclass(slots=True)
class Inspection:
    """What was found in a graph's file.

    Attributes:
        domains: Of its operators and operator sets; `""` is ONNX's own.
        external: Whether a tensor's data lies in another file.
    """

    domains: set[str] = field(default_factory=set[str])
    external: bool = False


def check_graph(model: bytes) -> None:
    """The graph is whole in itself and uses standard operators only.

    Raises:
        IntegrityError: It refers to other files, brings operators of its own, or is no ONNX file.
    """
    found = Inspection()
    try:
        _model(memoryview(model), found)
    except (IndexError, ValueError) as error:
        raise IntegrityError(f"model.onnx is no ONNX file: {error}") from None
    if found.external:
        raise IntegrityError(
            "model.onnx refers to data in other files", hint="A release holds graphs that are whole in one file."
        )
    if foreign := sorted(found.domains - ALLOWED_DOMAINS):
        raise IntegrityError(
            f"model.onnx uses operators of {', '.join(map(repr, foreign))}",
            hint="Only ONNX's own operators (ai.onnx, ai.onnx.ml) are run.",
        )


def _model(data: memoryview, found: Inspection) -> None:
    seen = False
    for number, value in _fields(data):
        if number == _MODEL_GRAPH:
            seen = True
            _graph(value, found, 0)
        elif number == _MODEL_OPSET:
            found.domains.update(bytes(text).decode() for place, text in _fields(value) if place == _OPSET_DOMAIN)
        elif number == _MODEL_FUNCTION:
            found.domains.add("local functions")
    if not seen:
        raise ValueError("it holds no graph")


def _graph(data: memoryview, found: Inspection, depth: int) -> None:
    if depth > _DEEPEST:
        raise ValueError("graphs are nested too deeply")
    for number, value in _fields(data):
        if number == _GRAPH_NODE:
            _node(value, found, depth)
        elif number == _GRAPH_INITIALIZER:
            _tensor(value, found)
        elif number == _GRAPH_SPARSE:
            for _, part in _fields(value):
                _tensor(part, found)


def _node(data: memoryview, found: Inspection, depth: int) -> None:
    for number, value in _fields(data):
        if number == _NODE_DOMAIN:
            found.domains.add(bytes(value).decode())
        elif number == _NODE_ATTRIBUTE:
            for place, part in _fields(value):
                if place in {_ATTRIBUTE_TENSOR, _ATTRIBUTE_TENSORS}:
                    _tensor(part, found)
                elif place in {_ATTRIBUTE_GRAPH, _ATTRIBUTE_GRAPHS}:
                    _graph(part, found, depth + 1)


def _tensor(data: memoryview, found: Inspection) -> None:
    for number, value in _fields(data):
        if number == _TENSOR_EXTERNAL or (number == _TENSOR_LOCATION and bytes(value) != b"\0"):
            found.external = True


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Number and content of each field; a varint's content is its bytes."""
    position = 0
    while position < len(data):
        position = _after_run(data, position)
        if position == len(data):
            return
        tag, position = _varint(data, position)
        start = position
        match tag & 7:
            case 0:
                _, position = _varint(data, position)
            case 1:
                position += 8
            case 2:
                length, start = _varint(data, position)
                position = start + length
            case 5:
                position += 4
            case kind:
                raise ValueError(f"unknown wire type {kind}")
        if position > len(data):
            raise ValueError("it ends too early")
        yield tag >> 3, data[start:position]


def _after_run(data: memoryview, position: int) -> int:
    """Where a run of an attribute's numbers or strings ends: trees have millions, each with its own tag."""
    head = data[position]
    if head == _STRINGS_TAG:
        size = len(data) - 1
        while position < size and data[position] == _STRINGS_TAG and data[position + 1] < _MORE:
            position += 2 + data[position + 1]
        if position > len(data):
            raise ValueError("it ends too early")
        return position
    if head not in {_FLOATS_TAG, _INTS_TAG} or len(data) - position < _RUN:
        return position
    rest = np.frombuffer(data, dtype=np.uint8, offset=position)
    if head == _FLOATS_TAG:
        tags = rest[: len(rest) // _FLOAT_BYTES * _FLOAT_BYTES : _FLOAT_BYTES]
        return position + _FLOAT_BYTES * _leading(tags == _FLOATS_TAG)
    ends = np.flatnonzero(rest < _MORE)  # tag, last byte of a number, tag, last byte of a number, …
    pairs = len(ends) // 2
    heads, numbers = ends[: 2 * pairs : 2], ends[1 : 2 * pairs : 2]
    starts = np.concatenate([[0], numbers[:-1] + 1])
    good = _leading((rest[heads] == _INTS_TAG) & (heads == starts))
    return position + (int(numbers[good - 1]) + 1 if good else 0)


def _leading(holds: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> int:
    """How many values are true before the first that is not."""
    return len(holds) if holds.all() else int(holds.argmin())


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # ruff: ignore[PLR2004] - the continuation bit
            return value, position
    raise ValueError("a number is too long")
