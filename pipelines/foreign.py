"""Graphs that onnxport did not make, brought into the form that a check can ask."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import onnx
from onnx import TensorProto, helper
from onnxport.artifacts import (
    Conversion,
    ConversionPlan,
    Graph,
    InputColumn,
    IntegrityError,
    Missing,
    OnnxArtifact,
    OutputTensor,
    PlanStep,
    Signature,
    SourceReference,
    UsageError,
    digest_bytes,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from onnxport.artifacts import Dtype

_DTYPES: dict[int, Dtype] = {
    TensorProto.FLOAT: "float32",
    TensorProto.DOUBLE: "float64",
    TensorProto.INT64: "int64",
    TensorProto.BOOL: "bool",
    TensorProto.STRING: "string",
}
_LARGEST = 1 << 31
_OPSET = 13  # for the Reshape and Identity that are added to a graph of other domains only
_ACCEPTED = tuple(
    f"{kind}: a graph has no way to refuse a row; whoever serves it must"
    for kind in (
        "missing",
        "all-missing",
        "infinite",
        "extreme",
        "large-integer",
        "unseen-category",
        "empty-string",
    )
)


def read_foreign(path: Path, columns: Sequence[str], source: SourceReference) -> OnnxArtifact:
    """The graph in `path`, its outputs under onnxport's names, as if it had been converted from `source`.

    A ZipMap at the end is left out, a column of scores becomes a vector: what is compared are the numbers.

    Args:
        path: An ONNX file.
        columns: The source's feature columns, in order: the graph's inputs are matched with them.
        source: What it will be compared with.

    Raises:
        UsageError: It cannot be read, or its inputs and outputs cannot be matched.
        IntegrityError: It is no ONNX graph.
    """
    model = _load(path)
    inputs = _inputs(model, columns, path)
    outputs = _rename_outputs(model, path)
    if not any(entry.domain in {"", "ai.onnx"} for entry in model.opset_import):
        model.opset_import.add(domain="", version=_OPSET)
    data = model.SerializeToString(deterministic=True)
    opsets = {entry.domain: entry.version for entry in model.opset_import}
    conversion = Conversion(
        sha256=digest_bytes(data),
        source=source,
        signature=Signature(
            layout="columns" if len(_graph_inputs(model)) > 1 else "matrix", inputs=inputs, outputs=outputs
        ),
        plan=ConversionPlan(
            exporter=model.producer_name or "unknown",
            layout=f"as found in {path.name}",
            steps=(PlanStep(path="graph", estimator=path.name, converter="foreign", precision="none"),),
            opsets=opsets,
            ir_version=model.ir_version,
            runtime="onnxruntime",
            accepted=_ACCEPTED,
        ),
        graph=Graph(opsets=opsets, ir_version=model.ir_version, min_onnxruntime="unknown"),
        packages={},
    )
    return OnnxArtifact(model=data, conversion=conversion)


def graph_reference(path: Path) -> SourceReference:
    """An ONNX file as the source of a comparison.

    Raises:
        UsageError: It cannot be read.
    """
    return SourceReference(uri=path.name, kind="onnx", sha256=digest_bytes(_bytes(path)))


def graph_columns(path: Path, found: Sequence[str]) -> tuple[str, ...]:
    """The columns of an ONNX file: its inputs by name, or `found` where it takes one matrix.

    Raises:
        UsageError: It cannot be read.
        IntegrityError: It is no ONNX graph.
    """
    values = _graph_inputs(_load(path))
    return tuple(found) if len(values) == 1 else tuple(value.name for value in values)


def _load(path: Path) -> onnx.ModelProto:
    data = _bytes(path)
    try:
        model = onnx.load_model_from_string(data)
        onnx.checker.check_model(model)
    except Exception as error:
        said = str(error).strip().partition("\n")[0]
        raise IntegrityError(f"{path} is no valid ONNX graph: {said}") from error
    if any(tensor.data_location == TensorProto.EXTERNAL for tensor in model.graph.initializer):
        raise UsageError(f"{path} keeps tensors in other files", hint="Save the graph as one file.")
    return model


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size >= _LARGEST:
            raise UsageError(f"{path} is larger than 2 GiB, the limit of an ONNX file")
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error


def _graph_inputs(model: onnx.ModelProto) -> list[onnx.ValueInfoProto]:
    constants = {tensor.name for tensor in model.graph.initializer}
    return [value for value in model.graph.input if value.name not in constants]


def _inputs(model: onnx.ModelProto, columns: Sequence[str], path: Path) -> tuple[InputColumn, ...]:
    values = _graph_inputs(model)
    if len(values) == 1:
        return tuple(_column(values[0], name, len(columns)) for name in columns)
    by_name = {_plain(value.name): value for value in values}
    matched = [by_name.get(_plain(name)) for name in columns]
    if len(values) != len(columns) or None in matched:
        raise UsageError(
            f"{path.name} takes {', '.join(value.name for value in values)}; the model has {', '.join(columns)}",
            hint="Graph and source must have the same feature columns, or the graph one matrix.",
        )
    return tuple(
        _column(value, name, 1) for value, name in zip(matched, columns, strict=True) if value is not None
    )


def _plain(name: str) -> str:
    """A name as converters rewrite it: what is no letter or digit becomes an underscore."""
    return re.sub(r"\W", "_", name)


def _column(value: onnx.ValueInfoProto, name: str, width: int) -> InputColumn:
    dtype = _dtype(value)
    missing = Missing(allowed=True, encoding={"float32": "nan", "float64": "nan", "string": ""}.get(dtype))
    return InputColumn(name=name, tensor=value.name, dtype=dtype, shape=(None, width), missing=missing)


def _dtype(value: onnx.ValueInfoProto) -> Dtype:
    element = value.type.tensor_type.elem_type
    if element not in _DTYPES:
        kind = TensorProto.DataType.Name(element) if value.type.HasField("tensor_type") else "not a tensor"
        raise UsageError(f"{value.name} is {kind}; onnxport compares {', '.join(_DTYPES.values())} tensors")
    return _DTYPES[element]


def _rename_outputs(model: onnx.ModelProto, path: Path) -> tuple[OutputTensor, ...]:
    """The graph answers label and probabilities, or a prediction."""
    graph = model.graph
    found = [_without_zipmap(graph, value) for value in graph.output]
    del graph.output[:]
    outputs: list[OutputTensor] = []
    for tensor, element, width in found:
        if element not in _DTYPES:
            raise UsageError(f"{path.name} answers {tensor} as something else than {', '.join(_DTYPES.values())}")
        dtype = _DTYPES[element]
        score = "probabilities" if len(found) > 1 else "prediction"
        name = "label" if len(found) > 1 and dtype in {"int64", "string"} else score
        shape = (None, width) if name == "probabilities" or (width or 1) > 1 else (None,)
        _answer_as(graph, tensor, name, element, flat=len(shape) == 1)
        outputs.append(OutputTensor(name=name, dtype=dtype, shape=shape))
    if len({output.name for output in outputs}) < len(outputs):
        names = ", ".join(tensor for tensor, _, _ in found)
        raise UsageError(
            f"{path.name} answers {names}: onnxport compares label and probabilities, or a prediction"
        )
    return tuple(outputs)


def _without_zipmap(graph: onnx.GraphProto, value: onnx.ValueInfoProto) -> tuple[str, int, int | None]:
    """Name, element type and width of the tensor behind an output."""
    maker = next((node for node in graph.node if value.name in node.output), None)
    if maker is not None and maker.op_type == "ZipMap":
        classes = next(attribute for attribute in maker.attribute if attribute.name.startswith("classlabels"))
        graph.node.remove(maker)
        return maker.input[0], TensorProto.FLOAT, max(len(classes.ints), len(classes.strings))
    shape = value.type.tensor_type.shape.dim
    width = shape[1].dim_value or None if len(shape) > 1 else None
    return value.name, value.type.tensor_type.elem_type, width


def _answer_as(graph: onnx.GraphProto, tensor: str, name: str, element: int, *, flat: bool) -> None:
    """`tensor` is the output `name`; a vector when `flat`."""
    inside = {value for node in graph.node for value in (*node.input, *node.output)}
    if name in inside:
        _rename(graph, name, f"onnxport_{name}")
        tensor = f"onnxport_{name}" if tensor == name else tensor
    if flat:
        graph.initializer.append(helper.make_tensor(f"onnxport_{name}_shape", TensorProto.INT64, [1], [-1]))
        graph.node.append(helper.make_node("Reshape", [tensor, f"onnxport_{name}_shape"], [name]))
    else:
        graph.node.append(helper.make_node("Identity", [tensor], [name]))
    graph.output.append(helper.make_tensor_value_info(name, element, ["N"] if flat else None))


def _rename(graph: onnx.GraphProto, old: str, new: str) -> None:
    for node in graph.node:
        for values in (node.input, node.output):
            for index, value in enumerate(values):
                if value == old:
                    values[index] = new
