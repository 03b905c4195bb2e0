"""Every kind of damage to a good graph fails the check, and the explanation says where to look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnxport.validation import check

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


def modes(model: onnx.ModelProto, edit: Callable[[list[bytes]], list[bytes]], cf: Any) -> onnx.ModelProto:
    def change(graph: onnx.GraphProto) -> None:
        node = next(node for node in graph.node if node.op_type == "TreeEnsembleRegressor")
        attribute = next(item for item in node.attribute if item.name == "nodes_modes")
        attribute.strings[:] = edit(list(attribute.strings))

    return cf.edited(model, change)


def attribute_set(model: onnx.ModelProto, cf: Any, **attributes: Any) -> onnx.ModelProto:
    def change(graph: onnx.GraphProto) -> None:
        node = next(node for node in graph.node if node.op_type == "TreeEnsembleRegressor")
        node.attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())

    return cf.edited(model, change)


# Each: what is done to the regression graph, and words that the explanation must hold.
REGRESSION: dict[str, tuple[Callable[[Any, Any], onnx.ModelProto], tuple[str, ...]]] = {
    "one leaf": (
        lambda case, cf: cf.regression_of(
            case,
            leaf=set_at(case.trees.leaf, leaf_of(case.trees, 11), case.trees.leaf[leaf_of(case.trees, 11)] * 1.01),
        ),
        ("tree 1, node 10", "a leaf"),
    ),
    "two leaves swapped": (
        lambda case, cf: cf.regression_of(
            case,
            leaf=case.trees.leaf[_swapped(len(case.trees.leaf), leaf_of(case.trees, 17), leaf_of(case.trees, 16))],
        ),
        ("tree 2, node 3",),
    ),
    "a threshold one step up": (
        lambda case, cf: cf.regression_of(
            case, threshold=nudged(case.trees.threshold, inner_of(case.trees, 22), np.inf)
        ),
        ("tree 3, node 1", "one step of this threshold"),
    ),
    "a threshold one step down": (
        lambda case, cf: cf.regression_of(
            case, threshold=nudged(case.trees.threshold, inner_of(case.trees, 30), -np.inf)
        ),
        ("tree 4, node 2", "one step of this threshold"),
    ),
    "<= for < everywhere": (
        lambda case, cf: modes(
            case.model, lambda found: [b"BRANCH_LEQ" if mode == b"BRANCH_LT" else mode for mode in found], cf
        ),
        ("compare how the graph compares",),
    ),
    "<= for < at one node": (
        lambda case, cf: modes(
            case.model,
            lambda found: [
                b"BRANCH_LEQ" if index == inner_of(case.trees, 8) else mode for index, mode in enumerate(found)
            ],
            cf,
        ),
        ("tree 1, node 1",),
    ),
    "branches swapped at one node": (
        lambda case, cf: cf.regression_of(
            case,
            yes=set_at(case.trees.yes, inner_of(case.trees, 15), case.trees.no[inner_of(case.trees, 15)]),
            no=set_at(case.trees.no, inner_of(case.trees, 15), case.trees.yes[inner_of(case.trees, 15)]),
        ),
        ("tree 2, node 1",),
    ),
    "a missing-value branch swapped": (
        lambda case, cf: cf.regression_of(
            case,
            missing_yes=set_at(
                case.trees.missing_yes,
                inner_of(case.trees, 7),
                not case.trees.missing_yes[inner_of(case.trees, 7)],
            ),
        ),
        ("tree 1, node 0", "missing"),
    ),
    "missing-value branches dropped": (
        lambda case, cf: cf.regression_of(case, missing_yes=np.zeros_like(case.trees.missing_yes)),
        ("missing",),
    ),
    "another feature at one node": (
        lambda case, cf: cf.regression_of(
            case,
            feature=set_at(
                case.trees.feature,
                inner_of(case.trees, 35),
                (case.trees.feature[inner_of(case.trees, 35)] + 1) % 6,
            ),
        ),
        ("tree 5, node 0",),
    ),
    "two columns swapped": (
        lambda case, cf: cf.between(
            case.model,
            "features",
            NODE("Gather", ["IN", "order"], ["OUT"], axis=1),
            order=np.array([0, 2, 1, 3, 4, 5]),
        ),
        ("'column 1' and 'column 2' exchanged",),
    ),
    "the base score": (
        lambda case, cf: cf.regression_of(case, base=F32(0.2512)),
        ("base score", "+0.0012"),
    ),
    "no base score": (lambda case, cf: cf.regression_of(case, base=F32(0)), ("base score", "-0.25")),
    "a tree left out": (
        lambda case, cf: without_tree(case, cf, 5),
        ("left out",),
    ),
    "a tree doubled": (
        lambda case, cf: cf.regression_of(
            case, leaf=np.where(case.trees.tree == 3, 2 * case.trees.leaf, case.trees.leaf)
        ),
        ("doubled",),
    ),
    "an average for a sum": (
        lambda case, cf: attribute_set(case.model, cf, aggregate_function="AVERAGE"),
        ("0.125 times",),
    ),
    "a learning rate applied twice": (
        lambda case, cf: cf.between(
            case.model, "prediction", NODE("Mul", ["IN", "rate"], ["OUT"]), rate=np.array(0.99, F32)
        ),
        ("0.99 times",),
    ),
    "output clipped": (
        lambda case, cf: cf.between(
            case.model,
            "prediction",
            NODE("Clip", ["IN", "low", "high"], ["OUT"]),
            low=np.array(-0.5, F32),
            high=np.array(1, F32),
        ),
        ("clips prediction", "-0.5 and 1"),
    ),
    "rows mixed in a batch": (
        lambda case, cf: cf.between(
            case.model,
            "prediction",
            NODE("Slice", ["IN", "first", "last", "axes", "back"], ["OUT"]),
            first=np.array([-1]),
            last=np.array([np.iinfo(np.int64).min + 1]),
            axes=np.array([0]),
            back=np.array([-1]),
        ),
        ("depends on the other rows of its batch",),
    ),
    "the batch's mean in every row": (
        lambda case, cf: cf.between(
            case.model,
            "prediction",
            NODE("ReduceMean", ["IN"], ["mean"], axes=[0], keepdims=1),
            NODE("Mul", ["mean", "little"], ["share"]),
            NODE("Add", ["IN", "share"], ["OUT"]),
            little=np.array(1e-3, F32),
        ),
        ("depends on the other rows of its batch",),
    ),
    "output in float64": (
        lambda case, cf: retyped(case, cf, TensorProto.DOUBLE),
        ("prediction is float64",),
    ),
    "output as a column": (
        lambda case, cf: reshaped(case, cf),
        ("has shape",),
    ),
    "output under another name": (
        lambda case, cf: renamed(case, cf),
        ("the graph gives variable",),
    ),
    "missing values filled with zero": (
        lambda case, cf: cf.between(
            case.model,
            "features",
            NODE("IsNaN", ["IN"], ["gaps"]),
            NODE("Where", ["gaps", "fill", "IN"], ["OUT"]),
            fill=np.array(0, F32),
        ),
        ("missing",),
    ),
    "one column's missing values filled": (
        lambda case, cf: cf.between(
            case.model,
            "features",
            NODE("IsNaN", ["IN"], ["gaps"]),
            NODE("And", ["gaps", "only"], ["filled"]),
            NODE("Where", ["filled", "fill", "IN"], ["OUT"]),
            fill=np.array(0.5, F32),
            only=np.array([[False, False, True, False, False, False]]),
        ),
        ("'column 2' missing",),
    ),
    "inputs in float16": (
        lambda case, cf: cf.between(
            case.model,
            "features",
            NODE("Cast", ["IN"], ["half"], to=TensorProto.FLOAT16),
            NODE("Cast", ["half"], ["OUT"], to=TensorProto.FLOAT),
        ),
        ("What failed",),
    ),
    "inputs cut to integers": (
        lambda case, cf: cf.between(case.model, "features", NODE("Floor", ["IN"], ["OUT"])),
        ("What failed",),
    ),
    "one column's sign lost": (
        lambda case, cf: cf.between(
            case.model,
            "features",
            NODE("Abs", ["IN"], ["size"]),
            NODE("Where", ["only", "size", "IN"], ["OUT"]),
            only=np.array([[False, False, False, True, False, False]]),
        ),
        ("What failed",),
    ),
    "infinities taken for missing": (
        lambda case, cf: cf.between(
            case.model,
            "features",
            NODE("IsInf", ["IN"], ["endless"]),
            NODE("Where", ["endless", "gap", "IN"], ["OUT"]),
            gap=np.array(np.nan, F32),
        ),
        ("infinite",),
    ),
    "missing values refused": (
        lambda case, cf: refusing(case, cf),
        ("errors",),
    ),
}


def _swapped(count: int, left: int, right: int) -> np.ndarray:
    order = np.arange(count)
    order[[left, right]] = right, left
    return order


def without_tree(case: Any, cf: Any, tree: int) -> onnx.ModelProto:
    trees = case.trees
    keep = trees.tree != tree
    shift = np.cumsum(~keep)
    fields = {name: getattr(trees, name)[keep] for name in ("tree", "feature", "threshold", "missing_yes", "leaf")}
    fields["tree"] = fields["tree"] - (fields["tree"] > tree)
    return cf.regression_of(
        case,
        **fields,
        yes=(trees.yes - shift[trees.yes])[keep],
        no=(trees.no - shift[trees.no])[keep],
        roots=(trees.roots - shift[trees.roots])[np.arange(len(trees.roots)) != tree],
    )


def retyped(case: Any, cf: Any, kind: int) -> onnx.ModelProto:
    model = cf.between(case.model, "prediction", NODE("Cast", ["IN"], ["OUT"], to=kind))

    def edit(graph: onnx.GraphProto) -> None:
        graph.output[0].type.tensor_type.elem_type = kind

    return cf.edited(model, edit)


def reshaped(case: Any, cf: Any) -> onnx.ModelProto:
    def edit(graph: onnx.GraphProto) -> None:
        del graph.output[:]
        graph.output.append(helper.make_tensor_value_info("prediction", TensorProto.FLOAT, [None, 1]))

    return cf.edited(cf.with_constant(case.model, "flat", np.array([-1, 1])), edit)


def renamed(case: Any, cf: Any) -> onnx.ModelProto:
    def edit(graph: onnx.GraphProto) -> None:
        graph.node[-1].output[0] = graph.output[0].name = "variable"

    return cf.edited(case.model, edit)


def refusing(case: Any, cf: Any) -> onnx.ModelProto:
    """Gathers at an index that exists only where nothing is missing."""
    return cf.between(
        case.model,
        "features",
        NODE("IsNaN", ["IN"], ["gaps"]),
        NODE("Cast", ["gaps"], ["ones"], to=TensorProto.INT64),
        NODE("Gather", ["single", "ones"], ["nothing"]),
        NODE("Add", ["IN", "nothing"], ["OUT"]),
        single=np.array([0], F32),
    )


@pytest.mark.parametrize("damage", REGRESSION)
def test_damage_to_a_regressor_fails_and_is_explained(damage: str, regression: Any, cf: Any) -> None:
    change, words = REGRESSION[damage]
    report = check(regression.source, regression.artifact(change(regression, cf)), regression.sample)
    assert not report.passed
    said = "\n".join(report.explanation)
    assert all(word in said for word in words), said


# Likewise for the scaled classifier.
SCALED: dict[str, tuple[Callable[[Any, Any], onnx.ModelProto], tuple[str, ...]]] = {
    "a scale in float32": (
        lambda case, cf: cf.scaled_graph(case.trees, *(value.astype(F32) for value in case.scale)),
        ("in float32 before its trees", "Div 'scale'"),
    ),
    "constants of the scale rounded to float32": (
        lambda case, cf: cf.scaled_graph(
            case.trees, *(value.astype(F32).astype(np.float64) for value in case.scale)
        ),
        ("one step of a split threshold",),
    ),
    "one scale by a hair": (
        lambda case, cf: cf.with_constant(
            case.model, "scale", set_at(case.scale[1], 2, case.scale[1][2] * (1 + 1e-7))
        ),
        ("What failed",),
    ),
    "a shift by one step of the first column": (
        lambda case, cf: cf.with_constant(
            case.model, "mean", set_at(case.scale[0], 0, np.nextafter(F32(case.scale[0][0]), F32(np.inf)))
        ),
        ("What failed",),
    ),
    "class columns swapped": (
        lambda case, cf: cf.edited(case.model, lambda graph: _swap_inputs(graph, "join")),
        ("column 0 holds the source's column 1",),
    ),
    "the link left out": (
        lambda case, cf: cf.edited(case.model, lambda graph: _rewire(graph, "join", ["margins", "margins"])),
        ("What failed",),
    ),
    "class 0 is not the complement": (
        lambda case, cf: cf.edited(case.model, lambda graph: _rewire(graph, "join", ["positive", "positive"])),
        ("What failed",),
    ),
    "another label threshold": (
        lambda case, cf: cf.with_constant(case.model, "zero", np.array(0.05, F32)),
        ("The probabilities agree and only labels differ",),
    ),
    "labels inverted": (
        lambda case, cf: cf.edited(case.model, lambda graph: _retype(graph, "decide", "Less")),
        ("The probabilities agree and only labels differ",),
    ),
    "labels in int32": (
        lambda case, cf: _labels(case, cf, TensorProto.INT32),
        ("label is int32",),
    ),
    "labels as strings": (
        lambda case, cf: _labels(case, cf, TensorProto.STRING),
        ("label is string",),
    ),
    "labels as booleans": (
        lambda case, cf: _labels(case, cf, TensorProto.BOOL),
        ("label is bool",),
    ),
    "an output left out": (
        lambda case, cf: cf.edited(case.model, lambda graph: graph.output.pop()),
        ("the graph gives label",),
    ),
    "a batch of one only": (
        lambda case, cf: cf.with_constant(case.model, "flat", np.array([1])),
        ("row independence", "refuses the rows"),
    ),
    "the base score in log-odds": (
        lambda case, cf: cf.between(
            case.model, "margins", NODE("Add", ["IN", "more"], ["OUT"]), more=np.array(0.02, F32)
        ),
        ("base score", "+0.02 in log-odds"),
    ),
    "a leaf behind the scale": (
        lambda case, cf: cf.scaled_graph(_with_leaf(case.trees, 20, 0.7), *case.scale),
        ("a leaf",),
    ),
    "a threshold behind the scale": (
        lambda case, cf: cf.scaled_graph(_with_threshold(case.trees, 14), *case.scale),
        ("one step of this threshold", "tree 2, node 0"),
    ),
}


def _swap_inputs(graph: onnx.GraphProto, name: str) -> None:
    node = next(node for node in graph.node if node.name == name)
    node.input[:] = list(reversed(node.input))


def _rewire(graph: onnx.GraphProto, name: str, inputs: list[str]) -> None:
    next(node for node in graph.node if node.name == name).input[:] = inputs


def _retype(graph: onnx.GraphProto, name: str, operator: str) -> None:
    next(node for node in graph.node if node.name == name).op_type = operator


def _labels(case: Any, cf: Any, kind: int) -> onnx.ModelProto:
    def edit(graph: onnx.GraphProto) -> None:
        node = next(node for node in graph.node if node.name == "label")
        node.attribute[0].i = kind
        graph.output[0].type.tensor_type.elem_type = kind

    return cf.edited(case.model, edit)


def _with_leaf(trees: Any, number: int, value: float) -> Any:
    from dataclasses import replace

    return replace(trees, leaf=set_at(trees.leaf, leaf_of(trees, number), value))


def _with_threshold(trees: Any, number: int) -> Any:
    from dataclasses import replace

    return replace(trees, threshold=nudged(trees.threshold, inner_of(trees, number), np.inf))


@pytest.mark.parametrize("damage", SCALED)
def test_damage_to_a_scaled_classifier_fails_and_is_explained(damage: str, scaled: Any, cf: Any) -> None:
    change, words = SCALED[damage]
    report = check(scaled.source, scaled.artifact(change(scaled, cf)), scaled.sample)
    assert not report.passed
    said = "\n".join(report.explanation)
    assert all(word in said for word in words), said


CODES = {"new": 0.0, "won": 1.0, "lost": 2.0, "Été": 3.0, "": np.nan}
# Likewise for the regressor on categories.
CATEGORY: dict[str, tuple[Callable[[Any, Any], onnx.ModelProto], tuple[str, ...]]] = {
    "a category dropped": (
        lambda case, cf: cf.category_graph(
            case.trees, {name: code for name, code in CODES.items() if name != "lost"}
        ),
        ("have 'lost' in 'stage'",),
    ),
    "two categories exchanged": (
        lambda case, cf: cf.category_graph(case.trees, CODES | {"new": 1.0, "won": 0.0}),
        ("have 'new', 'won' in 'stage'",),
    ),
    "an unseen category taken for a known one": (
        lambda case, cf: cf.category_graph(case.trees, CODES, unseen=3.0),
        ("unseen-category",),
    ),
    "categories without regard to case": (
        lambda case, cf: cf.category_graph(
            case.trees, CODES | {name.swapcase(): code for name, code in CODES.items()}
        ),
        ("unseen-category",),
    ),
    "missing taken for a category": (
        lambda case, cf: cf.category_graph(case.trees, CODES | {"": 0.0}),
        ("'stage' missing",),
    ),
    "the imputer's constant": (
        lambda case, cf: cf.category_graph(case.trees, CODES, fill=30.0),
        ("'days' missing",),
    ),
    "no imputer": (
        lambda case, cf: cf.category_graph(case.trees, CODES, fill=np.nan),
        ("'days' missing",),
    ),
    "very long strings taken for a known one": (
        lambda case, cf: cf.category_graph(case.trees, CODES | {"x" * 10_000: 1.0}),
        ("long-string",),
    ),
}


@pytest.mark.parametrize("damage", CATEGORY)
def test_damage_to_categories_fails_and_is_explained(damage: str, categories: Any, cf: Any) -> None:
    change, words = CATEGORY[damage]
    report = check(categories.source, categories.artifact(change(categories, cf)), categories.sample)
    assert not report.passed
    said = "\n".join(report.explanation)
    assert all(word in said for word in words), said


# Likewise for three classes.
CLASSES: dict[str, tuple[Callable[[Any, Any], onnx.ModelProto], tuple[str, ...]]] = {
    "columns of classes rotated": (
        lambda case, cf: cf.edited(
            case.model, lambda graph: _rewire(graph, "join", ["margin_1", "margin_2", "margin_0"])
        ),
        ("column 0 holds the source's column 1", "column 2 holds the source's column 0"),
    ),
    "names of classes exchanged": (
        lambda case, cf: cf.classes_graph(case.forests, 5, ("high", "middle", "low")),
        ("The probabilities agree and only labels differ",),
    ),
    "softmax over the batch": (
        lambda case, cf: cf.edited(case.model, lambda graph: _axis(graph, "softmax", 0)),
        ("depends on the other rows of its batch",),
    ),
    "a leaf of the second class": (
        lambda case, cf: cf.classes_graph(
            [case.forests[0], _with_leaf(case.forests[1], 9, 0.9), case.forests[2]], 5
        ),
        ("'class 1'", "a leaf"),
    ),
    "a threshold of the third class": (
        lambda case, cf: cf.classes_graph([*case.forests[:2], _with_threshold(case.forests[2], 7)], 5),
        ("'class 2'", "one step of this threshold"),
    ),
}


def _axis(graph: onnx.GraphProto, name: str, axis: int) -> None:
    next(node for node in graph.node if node.name == name).attribute[0].i = axis


@pytest.mark.parametrize("damage", CLASSES)
def test_damage_to_three_classes_fails_and_is_explained(damage: str, classes: Any, cf: Any) -> None:
    change, words = CLASSES[damage]
    report = check(classes.source, classes.artifact(change(classes, cf)), classes.sample)
    assert not report.passed
    said = "\n".join(report.explanation)
    assert all(word in said for word in words), said


def test_rare_events_rounded_to_steps_of_float32_fail(cf: Any) -> None:
    case = cf.scaled_case(6, base=-17)
    good = check(case.source, case.artifact(), case.sample)
    rounded = cf.between(
        case.model,
        "positive",
        NODE("Mul", ["IN", "steps"], ["many"]),
        NODE("Round", ["many"], ["whole"]),
        NODE("Div", ["whole", "steps"], ["OUT"]),
        steps=np.array(2**24, F32),
    )
    report = check(case.source, case.artifact(rounded), case.sample)
    assert good.passed
    assert not report.passed
    assert report.worst < 1e-7
