"""Damage to a regressor of trees fails the check, and the explanation says where to look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnxport.validation import check

from tests.validation import models
from tests.validation.models.damage import (
    attribute_set,
    inner_of,
    leaf_of,
    modes,
    nudged,
    refusing,
    renamed,
    reshaped,
    retyped,
    set_at,
    swapped,
    without_tree,
)

if TYPE_CHECKING:
    from collections.abc import Callable

F32 = np.float32
NODE = helper.make_node

# Each: what is done to the regression graph, and words that the explanation must hold.
REGRESSION: dict[str, tuple[Callable[[Any], onnx.ModelProto], tuple[str, ...]]] = {
    "one leaf": (
        lambda case: models.regression_of(
            case,
            leaf=set_at(case.trees.leaf, leaf_of(case.trees, 11), case.trees.leaf[leaf_of(case.trees, 11)] * 1.01),
        ),
        ("tree 1, node 10", "a leaf"),
    ),
    "two leaves swapped": (
        lambda case: models.regression_of(
            case,
            leaf=case.trees.leaf[swapped(len(case.trees.leaf), leaf_of(case.trees, 17), leaf_of(case.trees, 16))],
        ),
        ("tree 2, node 3",),
    ),
    "a threshold one step up": (
        lambda case: models.regression_of(
            case, threshold=nudged(case.trees.threshold, inner_of(case.trees, 22), np.inf)
        ),
        ("tree 3, node 1", "one step of this threshold"),
    ),
    "a threshold one step down": (
        lambda case: models.regression_of(
            case, threshold=nudged(case.trees.threshold, inner_of(case.trees, 30), -np.inf)
        ),
        ("tree 4, node 2", "one step of this threshold"),
    ),
    "<= for < everywhere": (
        lambda case: modes(
            case.model, lambda found: [b"BRANCH_LEQ" if mode == b"BRANCH_LT" else mode for mode in found]
        ),
        ("compare how the graph compares",),
    ),
    "<= for < at one node": (
        lambda case: modes(
            case.model,
            lambda found: [
                b"BRANCH_LEQ" if index == inner_of(case.trees, 8) else mode for index, mode in enumerate(found)
            ],
        ),
        ("tree 1, node 1",),
    ),
    "branches swapped at one node": (
        lambda case: models.regression_of(
            case,
            yes=set_at(case.trees.yes, inner_of(case.trees, 15), case.trees.no[inner_of(case.trees, 15)]),
            no=set_at(case.trees.no, inner_of(case.trees, 15), case.trees.yes[inner_of(case.trees, 15)]),
        ),
        ("tree 2, node 1",),
    ),
    "a missing-value branch swapped": (
        lambda case: models.regression_of(
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
        lambda case: models.regression_of(case, missing_yes=np.zeros_like(case.trees.missing_yes)),
        ("missing",),
    ),
    "another feature at one node": (
        lambda case: models.regression_of(
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
        lambda case: models.between(
            case.model,
            "features",
            NODE("Gather", ["IN", "order"], ["OUT"], axis=1),
            order=np.array([0, 2, 1, 3, 4, 5]),
        ),
        ("'column 1' and 'column 2' exchanged",),
    ),
    "the base score": (
        lambda case: models.regression_of(case, base=F32(0.2512)),
        ("base score", "+0.0012"),
    ),
    "no base score": (lambda case: models.regression_of(case, base=F32(0)), ("base score", "-0.25")),
    "a tree left out": (
        lambda case: without_tree(case, 5),
        ("left out",),
    ),
    "a tree doubled": (
        lambda case: models.regression_of(
            case, leaf=np.where(case.trees.tree == 3, 2 * case.trees.leaf, case.trees.leaf)
        ),
        ("doubled",),
    ),
    "an average for a sum": (
        lambda case: attribute_set(case.model, aggregate_function="AVERAGE"),
        ("0.125 times",),
    ),
    "a learning rate applied twice": (
        lambda case: models.between(
            case.model, "prediction", NODE("Mul", ["IN", "rate"], ["OUT"]), rate=np.array(0.99, F32)
        ),
        ("0.99 times",),
    ),
    "output clipped": (
        lambda case: models.between(
            case.model,
            "prediction",
            NODE("Clip", ["IN", "low", "high"], ["OUT"]),
            low=np.array(-0.5, F32),
            high=np.array(1, F32),
        ),
        ("clips prediction", "-0.5 and 1"),
    ),
    "rows mixed in a batch": (
        lambda case: models.between(
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
        lambda case: models.between(
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
        lambda case: retyped(case, TensorProto.DOUBLE),
        ("prediction is float64",),
    ),
    "output as a column": (
        reshaped,
        ("has shape",),
    ),
    "output under another name": (
        renamed,
        ("the graph gives variable",),
    ),
    "missing values filled with zero": (
        lambda case: models.between(
            case.model,
            "features",
            NODE("IsNaN", ["IN"], ["gaps"]),
            NODE("Where", ["gaps", "fill", "IN"], ["OUT"]),
            fill=np.array(0, F32),
        ),
        ("missing",),
    ),
    "one column's missing values filled": (
        lambda case: models.between(
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
        lambda case: models.between(
            case.model,
            "features",
            NODE("Cast", ["IN"], ["half"], to=TensorProto.FLOAT16),
            NODE("Cast", ["half"], ["OUT"], to=TensorProto.FLOAT),
        ),
        ("What failed",),
    ),
    "inputs cut to integers": (
        lambda case: models.between(case.model, "features", NODE("Floor", ["IN"], ["OUT"])),
        ("What failed",),
    ),
    "one column's sign lost": (
        lambda case: models.between(
            case.model,
            "features",
            NODE("Abs", ["IN"], ["size"]),
            NODE("Where", ["only", "size", "IN"], ["OUT"]),
            only=np.array([[False, False, False, True, False, False]]),
        ),
        ("What failed",),
    ),
    "infinities taken for missing": (
        lambda case: models.between(
            case.model,
            "features",
            NODE("IsInf", ["IN"], ["endless"]),
            NODE("Where", ["endless", "gap", "IN"], ["OUT"]),
            gap=np.array(np.nan, F32),
        ),
        ("infinite",),
    ),
    "missing values refused": (
        refusing,
        ("errors",),
    ),
}


@pytest.mark.parametrize("damage", REGRESSION)
def test_damage_to_a_regressor_fails_and_is_explained(damage: str, regression: Any) -> None:
    change, words = REGRESSION[damage]
    report = check(regression.source, regression.artifact(change(regression)), regression.sample)
    assert not report.passed
    said = "\n".join(report.explanation)
    assert all(word in said for word in words), said
