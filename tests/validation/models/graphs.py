"""Graphs, artifacts and signatures around them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx
from onnx import helper, numpy_helper
from onnxport.artifacts import (
    Conversion,
    ConversionPlan,
    Graph,
    InputColumn,
    Missing,
    OnnxArtifact,
    OutputTensor,
    Signature,
    SourceReference,
    digest_bytes,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np


def model_of(
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    constants: dict[str, np.ndarray],
) -> onnx.ModelProto:
    """A model in opset 17 and ai.onnx.ml 3."""
    graph = helper.make_graph(
        nodes,
        "graph",
        inputs,
        outputs,
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model: onnx.ModelProto = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)], ir_version=8
    )
    return model


def artifact_of(
    model: onnx.ModelProto | bytes, signature: Signature, *, accepted: tuple[str, ...] = ()
) -> OnnxArtifact:
    """The model with a conversion around it."""
    data = model if isinstance(model, bytes) else model.SerializeToString()
    return OnnxArtifact(
        model=data,
        conversion=Conversion(
            sha256=digest_bytes(data),
            source=SourceReference(uri="small.model", kind="xgboost", sha256=digest_bytes(b"source")),
            signature=signature,
            plan=ConversionPlan(
                exporter="test",
                layout="matrix",
                steps=(),
                opsets={"": 17, "ai.onnx.ml": 3},
                ir_version=8,
                runtime="onnxruntime>=1.17",
                accepted=accepted,
            ),
            graph=Graph(opsets={"": 17, "ai.onnx.ml": 3}, ir_version=8, min_onnxruntime="1.17"),
            packages={"onnx": onnx.__version__},
        ),
    )


def matrix_signature(names: list[str], outputs: tuple[OutputTensor, ...], dtype: str = "float32") -> Signature:
    """Layout `matrix`, every column may be missing."""
    return Signature(
        layout="matrix",
        inputs=tuple(
            InputColumn(
                name=name,
                tensor="features",
                dtype=dtype,  # type: ignore[arg-type]
                shape=(None, len(names)),
                missing=Missing(allowed=True, encoding="nan"),
            )
            for name in names
        ),
        outputs=outputs,
    )


PREDICTION = (OutputTensor(name="prediction", dtype="float32", shape=(None,)),)
CLASSIFIED = (
    OutputTensor(name="label", dtype="int64", shape=(None,), classes=(0, 1)),
    OutputTensor(name="probabilities", dtype="float32", shape=(None, 2), classes=(0, 1)),
)


def edited(model: onnx.ModelProto, edit: Callable[[onnx.GraphProto], None]) -> onnx.ModelProto:
    """A copy of the model with its graph changed."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    edit(copy.graph)
    return copy


def between(
    model: onnx.ModelProto, tensor: str, *nodes: onnx.NodeProto, **constants: np.ndarray
) -> onnx.ModelProto:
    """A copy in which `nodes` come between `tensor` and its readers: they read `IN` and write `OUT`."""

    def edit(graph: onnx.GraphProto) -> None:
        position = next((place for place, node in enumerate(graph.node) if tensor in node.output), -1)
        output = any(value.name == tensor for value in graph.output)
        names = {"IN": f"{tensor}_in", "OUT": tensor} if output else {"IN": tensor, "OUT": f"{tensor}_out"}
        if output:
            graph.node[position].output[list(graph.node[position].output).index(tensor)] = names["IN"]
        else:
            for node in graph.node:
                node.input[:] = [names["OUT"] if name == tensor else name for name in node.input]
        for offset, node in enumerate(nodes):
            node.input[:] = [names.get(name, name) for name in node.input]
            node.output[:] = [names.get(name, name) for name in node.output]
            graph.node.insert(position + 1 + offset, node)
        graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())

    return edited(model, edit)


def with_constant(model: onnx.ModelProto, name: str, value: np.ndarray) -> onnx.ModelProto:
    """A copy in which the constant `name` has another value."""

    def edit(graph: onnx.GraphProto) -> None:
        kept = [item for item in graph.initializer if item.name != name]
        del graph.initializer[:]
        graph.initializer.extend([*kept, numpy_helper.from_array(value, name)])

    return edited(model, edit)
