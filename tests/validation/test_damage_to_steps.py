"""Damage to scales, links, labels, classes and categories fails the check and is explained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnxport.validation import check

from tests.validation import models
from tests.validation.models.damage import (
    axis,
    labels,
    retype,
    rewire,
    set_at,
    swap_inputs,
    with_leaf,
    with_threshold,
)

if TYPE_CHECKING:
    from collections.abc import Callable

F32 = np.float32
NODE = helper.make_node

# Each: what is done to the classifier behind a scale, and words that the explanation must hold.
SCALED: dict[str, tuple[Callable[[Any], onnx.ModelProto], tuple[str, ...]]] = {
    "a scale in float32": (
        lambda case: models.scaled_graph(case.trees, *(value.astype(F32) for value in case.scale)),
        ("in float32 before its trees", "Div 'scale'"),
    ),
    "constants of the scale rounded to float32": (
        lambda case: models.scaled_graph(
            case.trees, *(value.astype(F32).astype(np.float64) for value in case.scale)
        ),
        ("one step of a split threshold",),
    ),
    "one scale by a hair": (
        lambda case: models.with_constant(
            case.model, "scale", set_at(case.scale[1], 2, case.scale[1][2] * (1 + 1e-7))
        ),
        ("What failed",),
    ),
    "a shift by one step of the first column": (
        lambda case: models.with_constant(
            case.model, "mean", set_at(case.scale[0], 0, np.nextafter(F32(case.scale[0][0]), F32(np.inf)))
        ),
        ("What failed",),
    ),
    "class columns swapped": (
        lambda case: models.edited(case.model, lambda graph: swap_inputs(graph, "join")),
        ("column 0 holds the source's column 1",),
    ),
    "the link left out": (
        lambda case: models.edited(case.model, lambda graph: rewire(graph, "join", ["margins", "margins"])),
        ("What failed",),
    ),
    "class 0 is not the complement": (
        lambda case: models.edited(case.model, lambda graph: rewire(graph, "join", ["positive", "positive"])),
        ("What failed",),
    ),
    "another label threshold": (
        lambda case: models.with_constant(case.model, "zero", np.array(0.05, F32)),
        ("The probabilities agree and only labels differ",),
    ),
    "labels inverted": (
        lambda case: models.edited(case.model, lambda graph: retype(graph, "decide", "Less")),
        ("The probabilities agree and only labels differ",),
    ),
    "labels in int32": (
        lambda case: labels(case, TensorProto.INT32),
        ("label is int32",),
    ),
    "labels as strings": (
        lambda case: labels(case, TensorProto.STRING),
        ("label is string",),
    ),
    "labels as booleans": (
        lambda case: labels(case, TensorProto.BOOL),
        ("label is bool",),
    ),
    "an output left out": (
        lambda case: models.edited(case.model, lambda graph: graph.output.pop()),
        ("the graph gives label",),
    ),
    "a batch of one only": (
        lambda case: models.with_constant(case.model, "flat", np.array([1])),
        ("row independence", "refuses the rows"),
    ),
    "the base score in log-odds": (
        lambda case: models.between(
            case.model, "margins", NODE("Add", ["IN", "more"], ["OUT"]), more=np.array(0.02, F32)
        ),
        ("base score", "+0.02 in log-odds"),
    ),
    "a leaf behind the scale": (
        lambda case: models.scaled_graph(with_leaf(case.trees, 20, 0.7), *case.scale),
        ("a leaf",),
    ),
    "a threshold behind the scale": (
        lambda case: models.scaled_graph(with_threshold(case.trees, 14), *case.scale),
        ("one step of this threshold", "tree 2, node 0"),
    ),
}


@pytest.mark.parametrize("damage", SCALED)
def test_damage_to_a_scaled_classifier_fails_and_is_explained(damage: str, scaled: Any) -> None:
    change, words = SCALED[damage]
    report = check(scaled.source, scaled.artifact(change(scaled)), scaled.sample)
    assert not report.passed
    said = "\n".join(report.explanation)
    assert all(word in said for word in words), said


CODES = {"new": 0.0, "won": 1.0, "lost": 2.0, "Été": 3.0, "": np.nan}
# Likewise for the regressor on categories.
CATEGORY: dict[str, tuple[Callable[[Any], onnx.ModelProto], tuple[str, ...]]] = {
    "a category dropped": (
        lambda case: models.category_graph(
            case.trees, {name: code for name, code in CODES.items() if name != "lost"}
        ),
        ("have 'lost' in 'stage'",),
    ),
    "two categories exchanged": (
        lambda case: models.category_graph(case.trees, CODES | {"new": 1.0, "won": 0.0}),
        ("have 'new', 'won' in 'stage'",),
    ),
    "an unseen category taken for a known one": (
        lambda case: models.category_graph(case.trees, CODES, unseen=3.0),
        ("unseen-category",),
    ),
    "categories without regard to case": (
        lambda case: models.category_graph(
            case.trees, CODES | {name.swapcase(): code for name, code in CODES.items()}
        ),
        ("unseen-category",),
    ),
    "missing taken for a category": (
        lambda case: models.category_graph(case.trees, CODES | {"": 0.0}),
        ("'stage' missing",),
    ),
    "the imputer's constant": (
        lambda case: models.category_graph(case.trees, CODES, fill=30.0),
        ("'days' missing",),
    ),
    "no imputer": (
        lambda case: models.category_graph(case.trees, CODES, fill=np.nan),
        ("'days' missing",),
    ),
    "very long strings taken for a known one": (
        lambda case: models.category_graph(case.trees, CODES | {"x" * 10_000: 1.0}),
        ("long-string",),
    ),
}


@pytest.mark.parametrize("damage", CATEGORY)
def test_damage_to_categories_fails_and_is_explained(damage: str, categories: Any) -> None:
    change, words = CATEGORY[damage]
    report = check(categories.source, categories.artifact(change(categories)), categories.sample)
    assert not report.passed
    said = "\n".join(report.explanation)
    assert all(word in said for word in words), said


# Likewise for three classes.
CLASSES: dict[str, tuple[Callable[[Any], onnx.ModelProto], tuple[str, ...]]] = {
    "columns of classes rotated": (
        lambda case: models.edited(
            case.model, lambda graph: rewire(graph, "join", ["margin_1", "margin_2", "margin_0"])
        ),
        ("column 0 holds the source's column 1", "column 2 holds the source's column 0"),
    ),
    "names of classes exchanged": (
        lambda case: models.classes_graph(case.forests, 5, ("high", "middle", "low")),
        ("The probabilities agree and only labels differ",),
    ),
    "softmax over the batch": (
        lambda case: models.edited(case.model, lambda graph: axis(graph, "softmax", 0)),
        ("depends on the other rows of its batch",),
    ),
    "a leaf of the second class": (
        lambda case: models.classes_graph(
            [case.forests[0], with_leaf(case.forests[1], 9, 0.9), case.forests[2]], 5
        ),
        ("'class 1'", "a leaf"),
    ),
    "a threshold of the third class": (
        lambda case: models.classes_graph([*case.forests[:2], with_threshold(case.forests[2], 7)], 5),
        ("'class 2'", "one step of this threshold"),
    ),
}


@pytest.mark.parametrize("damage", CLASSES)
def test_damage_to_three_classes_fails_and_is_explained(damage: str, classes: Any) -> None:
    change, words = CLASSES[damage]
    report = check(classes.source, classes.artifact(change(classes)), classes.sample)
    assert not report.passed
    said = "\n".join(report.explanation)
    assert all(word in said for word in words), said


def test_rare_events_rounded_to_steps_of_float32_fail() -> None:
    case = models.scaled_case(6, base=-17)
    good = check(case.source, case.artifact(), case.sample)
    rounded = models.between(
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
