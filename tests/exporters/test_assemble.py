"""What every exporter puts around its nodes: labels, tensor names, bounds, a check that can fail."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper
from onnxport.artifacts import SourceModel, SourceReference
from onnxport.exporters import ExportOptions
from onnxport.exporters.assemble import (
    Draft,
    Head,
    add_inputs,
    add_labels,
    check_graph,
    finish,
    matrix_column,
    new_builder,
    tensor_name,
)
from onnxport.exporters.options import target

SOURCE = SourceModel(reference=SourceReference(uri="m", kind="joblib", sha256="0" * 64), model=object())


@pytest.mark.parametrize(
    ("classes", "dtype"),
    [
        ((3, 1, 2), "int64"),
        (("b", "ä", ""), "string"),
        ((0.5, 1.5, 2.5), "float64"),
        ((False, True), "bool"),
        ((np.int32(7), np.int32(9)), "int64"),
    ],
)
def test_labels_are_the_classes_in_their_own_type(classes: tuple[Any, ...], dtype: str) -> None:
    builder = new_builder(ExportOptions())
    label, found = add_labels(builder, builder.input("index", "int64", [None]), classes)
    assert found == dtype
    builder.output(label, "label", found, [None])
    session = onnxruntime.InferenceSession(builder.build(name="labels", metadata={}))
    index = np.arange(len(classes))[::-1]
    assert session.run(None, {"index": index})[0].tolist() == [*classes[::-1]]


@pytest.mark.parametrize(
    ("column", "tensor"),
    [("age in years", "age in years"), ("", "input:"), ("label", "input:label"), ("input:x", "input:input:x")],
)
def test_a_tensor_has_the_columns_name_where_it_can(column: str, tensor: str) -> None:
    assert tensor_name(column) == tensor


def test_bounds_leave_missing_scores_missing() -> None:
    options = ExportOptions(clip=(0.0, 1.0))
    builder = new_builder(options)
    inputs = (matrix_column("a", "float32", 1, missing=True),)
    add_inputs(builder, inputs)
    head = Head(name="prediction", value="features", dtype="float32", shape=(None, 1))
    draft = Draft(exporter="none", layout_reason="one column", inputs=inputs, heads=(head,), steps=())
    artifact = finish(builder, SOURCE, options, draft)
    session = onnxruntime.InferenceSession(artifact.model)
    rows = np.array([[-1], [0.5], [2], [np.nan]], dtype=np.float32)
    found = session.run(None, {"features": rows})[0][:, 0]
    assert np.array_equal(found, np.array([0, 0.5, 1, np.nan], dtype=np.float32), equal_nan=True)


def test_the_check_finds_a_graph_that_is_not_valid() -> None:
    builder = new_builder(ExportOptions())
    builder.output(builder.add("Add", "nobody", "nothing"), "sum", "float32", [None])
    with pytest.raises(onnx.checker.ValidationError):
        check_graph(builder.outline(name="broken"))


def test_the_outline_has_the_graphs_nodes_and_one_entry_of_long_attributes() -> None:
    builder = new_builder(ExportOptions())
    value = builder.input("x", "float32", [None, 1])
    long = np.arange(1000, dtype=np.float32)
    builder.output(builder.add("Scaler", value, domain="ai.onnx.ml", offset=long), "y", "float32", [None, 1])
    whole = onnx.load_model_from_string(builder.build(name="g", metadata={"key": "value"}))
    outline = onnx.load_model_from_string(builder.outline(name="g"))
    assert list(whole.graph.node[0].attribute[0].floats) == long.tolist()
    assert list(outline.graph.node[0].attribute[0].floats) == [0.0]
    assert [node.op_type for node in outline.graph.node] == [node.op_type for node in whole.graph.node]


@pytest.mark.parametrize(
    ("runtime", "opset", "ir"),
    [("onnxruntime>=1.14", 18, 8), ("onnxruntime >= 1.16.3", 19, 9), ("onnxruntime>=1.30", 20, 9)],
)
def test_the_floor_of_the_runtime_bounds_opset_and_ir(runtime: str, opset: int, ir: int) -> None:
    found = target(runtime)
    assert (found.opsets[""], found.opsets["ai.onnx.ml"], found.ir_version) == (opset, 3, ir)


def test_a_large_constant_is_written_once_and_the_outline_knows_its_shape_alone() -> None:
    builder = new_builder(ExportOptions())
    row = builder.input("row", "int64", [None])
    large = np.arange(60_000, dtype=np.float64).reshape(20_000, 3)
    table = builder.constant(large)
    assert builder.constant(large.copy()) == table
    assert builder.constant(large + 1) != table
    builder.output(builder.add("Gather", table, row, axis=0), "y", "float64", [None, 3])
    whole = onnx.load_model_from_string(builder.build(name="g", metadata={}))
    assert np.array_equal(numpy_helper.to_array(whole.graph.initializer[0]), large)
    outline = builder.outline(name="g")
    assert len(outline) < 1_000
    check_graph(outline)
