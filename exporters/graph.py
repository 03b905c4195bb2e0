"""A graph under construction: named values, nodes and constants, and the same bytes every time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnxport.artifacts import digest_blocks

from .wire import Chunks, Strings, little_endian, packed_floats, packed_integers, repeated_strings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from onnxport.artifacts import Column, Dtype

ML = "ai.onnx.ml"

_ELEMENT: dict[str, int] = {
    "float32": onnx.TensorProto.FLOAT,
    "float64": onnx.TensorProto.DOUBLE,
    "int64": onnx.TensorProto.INT64,
    "bool": onnx.TensorProto.BOOL,
    "string": onnx.TensorProto.STRING,
}
# Field numbers of onnx.proto.
_MODEL_GRAPH, _GRAPH_NODE, _GRAPH_INITIALIZER, _NODE_ATTRIBUTE = 7, 1, 5, 5
_ATTRIBUTE_TENSOR, _ATTRIBUTE_FLOATS, _ATTRIBUTE_INTS, _ATTRIBUTE_STRINGS = 5, 7, 8, 9
_TENSOR_RAW_DATA = 9
_LARGE = 1 << 16
"""Constants of more bytes are known by their digest, and are no part of the outline."""


def element_type(dtype: Dtype) -> int:
    """The `TensorProto` element type of `dtype`."""
    return _ELEMENT[dtype]


class GraphBuilder:
    """Collects nodes and constants; names them by kind and number, so that equal calls give equal bytes.

    Long numeric attributes (numpy arrays) and `Strings` go to the wire format without a Python object a value.
    """

    def __init__(self, *, opsets: Mapping[str, int], ir_version: int) -> None:
        self.opsets = dict(opsets)
        self.ir_version = ir_version
        self._nodes = Chunks()
        self._outline = Chunks()
        self._initializers = Chunks()
        self._outline_initializers = Chunks()
        self._outline_inputs: list[onnx.ValueInfoProto] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._counts: dict[str, int] = {}
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._reserved: set[str] = set()

    def input(self, name: str, dtype: Dtype, shape: Sequence[int | None]) -> str:
        """The graph has an input `name`; `None` in `shape` is the number of rows."""
        self._reserved.add(name)
        self._inputs.append(_value_info(name, dtype, shape))
        return name

    def output(self, value: str, name: str, dtype: Dtype, shape: Sequence[int | None]) -> None:
        """The graph answers `value` as its output `name`; `None` in `shape` is the number of rows."""
        self._reserved.add(name)
        self._outputs.append(_value_info(name, dtype, shape))
        self._node("Identity", [value], [name], domain="", attributes={})

    def constant(self, array: Column | float | Sequence[Any], dtype: Dtype | None = None) -> str:
        """The name of a constant tensor with these contents; equal contents share one tensor.

        An array is kept, not copied: it must not change any more.
        """
        values = np.asarray(array, dtype=object if dtype == "string" else dtype)
        key = (str(values.dtype), values.shape, _contents(values))
        if key not in self._constants:
            name = self.fresh("constant")
            self._constants[key] = name
            if values.dtype != object and values.nbytes > _LARGE:
                self._initializers.embed(_GRAPH_INITIALIZER, _raw_tensor(values, name))
                kind = helper.np_dtype_to_tensor_dtype(values.dtype)
                self._outline_inputs.append(helper.make_tensor_value_info(name, kind, values.shape))
            else:
                tensor = Chunks(numpy_helper.from_array(values, name).SerializeToString(deterministic=True))
                self._initializers.embed(_GRAPH_INITIALIZER, tensor)
                self._outline_initializers.embed(_GRAPH_INITIALIZER, tensor)
        return self._constants[key]

    def add(self, op: str, *inputs: str, domain: str = "", **attributes: Any) -> str:  # ruff: ignore[ANN401] - any attribute
        """The one output of a new node `op` over `inputs`."""
        return self.add_many(op, *inputs, outputs=1, domain=domain, **attributes)[0]

    def add_many(self, op: str, *inputs: str, outputs: int, domain: str = "", **attributes: Any) -> list[str]:  # ruff: ignore[ANN401] - any attribute
        """The `outputs` outputs of a new node `op` over `inputs`."""
        names = [self.fresh(op) for _ in range(outputs)]
        self._node(op, inputs, names, domain=domain, attributes=attributes)
        return names

    def cast(self, value: str, dtype: Dtype) -> str:
        """`value` as `dtype`."""
        return self.add("Cast", value, to=element_type(dtype))

    def fresh(self, kind: str) -> str:
        """A name that no value has yet: `kind` and a number."""
        while True:
            number = self._counts.get(kind, 0)
            self._counts[kind] = number + 1
            if (name := f"{kind}_{number}") not in self._reserved:
                return name

    def build(self, *, name: str, metadata: Mapping[str, str]) -> bytes:
        """The serialized `ModelProto`.

        Law: the same calls give the same bytes; there is no time stamp and no random name in them.
        """
        rest = helper.make_graph([], name, self._inputs, self._outputs)
        return self._build(self._nodes, self._initializers, rest, metadata)

    def outline(self, *, name: str) -> bytes:
        """What `onnx.checker` looks at: the first entry of each long attribute, large constants as inputs."""
        rest = helper.make_graph([], name, [*self._inputs, *self._outline_inputs], self._outputs)
        return self._build(self._outline, self._outline_initializers, rest, {})

    def _build(
        self, nodes: Chunks, initializers: Chunks, rest: onnx.GraphProto, metadata: Mapping[str, str]
    ) -> bytes:
        model = onnx.ModelProto(ir_version=self.ir_version, producer_name="onnxport")
        for domain, version in sorted(self.opsets.items()):
            model.opset_import.add(domain=domain, version=version)
        for key, value in sorted(metadata.items()):
            model.metadata_props.add(key=key, value=value)
        whole = Chunks(model.SerializeToString(deterministic=True))
        body = Chunks()
        body.extend(nodes)
        body.extend(initializers)
        body.append(rest.SerializeToString(deterministic=True))
        whole.embed(_MODEL_GRAPH, body)
        return whole.join()

    def _node(
        self,
        op: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        *,
        domain: str,
        attributes: Mapping[str, Any],
    ) -> None:
        large = {key: value for key, value in attributes.items() if isinstance(value, np.ndarray | Strings)}
        small = {key: value for key, value in attributes.items() if key not in large}
        proto = helper.make_node(op, list(inputs), list(outputs), name=outputs[0], domain=domain, **small)
        serialized = proto.SerializeToString(deterministic=True)
        node, outline = Chunks(serialized), Chunks(serialized)
        for key, value in sorted(large.items()):
            node.embed(_NODE_ATTRIBUTE, _attribute(key, value))
            outline.embed(_NODE_ATTRIBUTE, _attribute(key, _first(value)))
        self._nodes.embed(_GRAPH_NODE, node)
        self._outline.embed(_GRAPH_NODE, outline)


def _first(value: Column | Strings) -> Column | Strings:
    return Strings(table=value.table, codes=value.codes[:1]) if isinstance(value, Strings) else value[:1]


def _attribute(name: str, value: Column | Strings) -> Chunks:
    kind = onnx.AttributeProto
    if isinstance(value, Strings):
        chunks = Chunks(kind(name=name, type=kind.STRINGS).SerializeToString())
        chunks.extend(repeated_strings(_ATTRIBUTE_STRINGS, value))
        return chunks
    if value.dtype == np.float64:
        chunks = Chunks(kind(name=name, type=kind.TENSOR).SerializeToString())
        chunks.embed(_ATTRIBUTE_TENSOR, _raw_tensor(value, name))
        return chunks
    floats = value.dtype.kind == "f"
    chunks = Chunks(kind(name=name, type=kind.FLOATS if floats else kind.INTS).SerializeToString())
    body = packed_floats(value) if floats else packed_integers(value)
    chunks.embed(_ATTRIBUTE_FLOATS if floats else _ATTRIBUTE_INTS, body)
    return chunks


def _contents(values: Column) -> bytes:
    if values.dtype == object:
        return repr(values.tolist()).encode()
    if values.nbytes <= _LARGE:
        return values.tobytes()
    return digest_blocks(little_endian(values).blocks()).encode()


def _raw_tensor(values: Column, name: str) -> Chunks:
    kind = helper.np_dtype_to_tensor_dtype(values.dtype)
    chunks = Chunks(onnx.TensorProto(name=name, dims=values.shape, data_type=kind).SerializeToString())
    chunks.embed(_TENSOR_RAW_DATA, little_endian(values))
    return chunks


def _value_info(name: str, dtype: Dtype, shape: Sequence[int | None]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(
        name, element_type(dtype), ["N" if size is None else size for size in shape]
    )
