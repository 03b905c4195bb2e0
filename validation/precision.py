"""Which steps of a graph compute in float32 on the way to a tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import onnx

if TYPE_CHECKING:
    from onnx import ModelProto

ARITHMETIC: Final = frozenset(
    {"Add", "Sub", "Mul", "Div", "MatMul", "Gemm", "Scaler", "Normalizer", "Log", "Exp", "Pow", "Sqrt", "Imputer"}
)
_ALWAYS_FLOAT32: Final = frozenset({"Scaler", "Normalizer", "Imputer"})
_MOST: Final = 6


def narrow_steps(model: ModelProto, tensor: str) -> list[str]:
    """The arithmetic nodes before `tensor` that answer in float32, by operator and name, the first six."""
    inferred = onnx.shape_inference.infer_shapes(model)
    types = {value.name: value.type.tensor_type.elem_type for value in inferred.graph.value_info}
    makers = {name: node for node in model.graph.node for name in node.output}
    waiting, seen, found = [tensor], set[str](), list[str]()
    while waiting:
        node = makers.get(waiting.pop())
        if node is None or node.output[0] in seen:
            continue
        seen.add(node.output[0])
        waiting.extend(node.input)
        narrow = types.get(node.output[0]) == onnx.TensorProto.FLOAT or node.op_type in _ALWAYS_FLOAT32
        if node.op_type in ARITHMETIC and narrow:
            found.append(f"{node.op_type} {node.name!r}" if node.name else node.op_type)
    return found[:_MOST]
