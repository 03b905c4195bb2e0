"""Parts of a graph as graphs of their own: intermediate tensors become outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import onnx
from onnx import helper

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PREFIX: Final = "onnxport_tensor_"


def cut(model: onnx.ModelProto, tensors: Sequence[str]) -> bytes:
    """A graph with the same inputs whose outputs are `tensors`, named `onnxport_tensor_0`, …, in that order.

    Nodes that none of them needs are left out.
    """
    kept = onnx.ModelProto()
    kept.CopyFrom(_without_graph(model))
    needed = _needed(model.graph, tensors)
    nodes = [node for node in model.graph.node if any(name in needed for name in node.output)]
    ends = [helper.make_node("Identity", [name], [f"{PREFIX}{index}"]) for index, name in enumerate(tensors)]
    outputs = [onnx.ValueInfoProto(name=f"{PREFIX}{index}") for index in range(len(tensors))]
    kept.graph.CopyFrom(helper.make_graph([*nodes, *ends], model.graph.name, model.graph.input, outputs))
    kept.graph.initializer.extend(item for item in model.graph.initializer if item.name in needed)
    kept.graph.sparse_initializer.extend(
        item for item in model.graph.sparse_initializer if item.values.name in needed
    )
    data: bytes = kept.SerializeToString()
    return data


def _without_graph(model: onnx.ModelProto) -> onnx.ModelProto:
    shell = onnx.ModelProto(ir_version=model.ir_version)
    shell.opset_import.extend(model.opset_import)
    shell.functions.extend(model.functions)
    return shell


def _needed(graph: onnx.GraphProto, tensors: Iterable[str]) -> set[str]:
    """The names of all tensors that `tensors` are computed from, themselves included."""
    makers = {name: node for node in graph.node for name in node.output}
    needed: set[str] = set()
    waiting = list(tensors)
    while waiting:
        name = waiting.pop()
        if name in needed:
            continue
        needed.add(name)
        if name in makers:
            waiting.extend(makers[name].input)
            waiting.extend(_captured(makers[name]))
    return needed


def _captured(node: onnx.NodeProto) -> list[str]:
    """What the subgraphs of a node read from outside; names made inside do no harm."""
    inner = [attribute.g for attribute in node.attribute if attribute.HasField("g")]
    return [name for graph in inner for child in graph.node for name in (*child.input, *_captured(child))]
