"""Ways to damage a graph."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from tests.validation import models

if TYPE_CHECKING:
    from collections.abc import Callable

F32 = np.float32
NODE = helper.make_node


def nudged(values: np.ndarray, index: int, towards: float) -> np.ndarray:
    changed = values.copy()
    changed[index] = np.nextafter(F32(values[index]), F32(towards))
    return changed


def set_at(values: np.ndarray, index: int, value: Any) -> np.ndarray:
    changed = values.copy()
    changed[index] = value
    return changed


def leaf_of(trees: Any, number: int) -> int:
    return int(np.flatnonzero(trees.feature < 0)[number])


def inner_of(trees: Any, number: int) -> int:
    return int(np.flatnonzero(trees.feature >= 0)[number])


def modes(model: onnx.ModelProto, edit: Callable[[list[bytes]], list[bytes]]) -> onnx.ModelProto:
    def change(graph: onnx.GraphProto) -> None:
        node = next(node for node in graph.node if node.op_type == "TreeEnsembleRegressor")
        attribute = next(item for item in node.attribute if item.name == "nodes_modes")
        attribute.strings[:] = edit(list(attribute.strings))

    return models.edited(model, change)


def attribute_set(model: onnx.ModelProto, **attributes: Any) -> onnx.ModelProto:
    def change(graph: onnx.GraphProto) -> None:
        node = next(node for node in graph.node if node.op_type == "TreeEnsembleRegressor")
        node.attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())

    return models.edited(model, change)


def swapped(count: int, left: int, right: int) -> np.ndarray:
    order = np.arange(count)
    order[[left, right]] = right, left
    return order


def without_tree(case: Any, tree: int) -> onnx.ModelProto:
    trees = case.trees
    keep = trees.tree != tree
    shift = np.cumsum(~keep)
    fields = {name: getattr(trees, name)[keep] for name in ("tree", "feature", "threshold", "missing_yes", "leaf")}
    fields["tree"] = fields["tree"] - (fields["tree"] > tree)
    return models.regression_of(
        case,
        **fields,
        yes=(trees.yes - shift[trees.yes])[keep],
        no=(trees.no - shift[trees.no])[keep],
        roots=(trees.roots - shift[trees.roots])[np.arange(len(trees.roots)) != tree],
    )


def retyped(case: Any, kind: int) -> onnx.ModelProto:
    model = models.between(case.model, "prediction", NODE("Cast", ["IN"], ["OUT"], to=kind))

    def edit(graph: onnx.GraphProto) -> None:
        graph.output[0].type.tensor_type.elem_type = kind

    return models.edited(model, edit)


def reshaped(case: Any) -> onnx.ModelProto:
    def edit(graph: onnx.GraphProto) -> None:
        del graph.output[:]
        graph.output.append(helper.make_tensor_value_info("prediction", TensorProto.FLOAT, [None, 1]))

    return models.edited(models.with_constant(case.model, "flat", np.array([-1, 1])), edit)


def renamed(case: Any) -> onnx.ModelProto:
    def edit(graph: onnx.GraphProto) -> None:
        graph.node[-1].output[0] = graph.output[0].name = "variable"

    return models.edited(case.model, edit)


def refusing(case: Any) -> onnx.ModelProto:
    """Gathers at an index that exists only where nothing is missing."""
    return models.between(
        case.model,
        "features",
        NODE("IsNaN", ["IN"], ["gaps"]),
        NODE("Cast", ["gaps"], ["ones"], to=TensorProto.INT64),
        NODE("Gather", ["single", "ones"], ["nothing"]),
        NODE("Add", ["IN", "nothing"], ["OUT"]),
        single=np.array([0], F32),
    )


def swap_inputs(graph: onnx.GraphProto, name: str) -> None:
    node = next(node for node in graph.node if node.name == name)
    node.input[:] = list(reversed(node.input))


def rewire(graph: onnx.GraphProto, name: str, inputs: list[str]) -> None:
    next(node for node in graph.node if node.name == name).input[:] = inputs


def retype(graph: onnx.GraphProto, name: str, operator: str) -> None:
    next(node for node in graph.node if node.name == name).op_type = operator


def labels(case: Any, kind: int) -> onnx.ModelProto:
    def edit(graph: onnx.GraphProto) -> None:
        node = next(node for node in graph.node if node.name == "label")
        node.attribute[0].i = kind
        graph.output[0].type.tensor_type.elem_type = kind

    return models.edited(case.model, edit)


def with_leaf(trees: Any, number: int, value: float) -> Any:
    return replace(trees, leaf=set_at(trees.leaf, leaf_of(trees, number), value))


def with_threshold(trees: Any, number: int) -> Any:
    return replace(trees, threshold=nudged(trees.threshold, inner_of(trees, number), np.inf))


def axis(graph: onnx.GraphProto, name: str, axis: int) -> None:
    next(node for node in graph.node if node.name == name).attribute[0].i = axis
