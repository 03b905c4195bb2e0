"""Tree ensembles read from a graph: the walk is the runtime's."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from onnxport.validation import LocalGraph
from onnxport.validation.forest import read_forests
from onnxport.validation.reach import first_visitors, intervals

from tests.validation import models

F32 = np.float32


def sums(forest: Any, values: np.ndarray) -> np.ndarray:
    leaves = list(forest.levels(values))[-1]
    return forest.weight[leaves].sum(axis=1)


def awkward(case: Any) -> np.ndarray:
    """The sample, with values on thresholds and next to them."""
    values = np.stack([case.sample.columns[name] for name in case.names], axis=1)
    random = np.random.default_rng(0)
    for row in range(len(values)):
        split = random.choice(np.flatnonzero(case.trees.feature >= 0))
        level = case.trees.threshold[split]
        values[row, case.trees.feature[split]] = random.choice(
            [level, np.nextafter(level, F32(np.inf)), np.nextafter(level, F32(-np.inf))]
        )
    return values


@pytest.mark.parametrize("strict", [True, False])
def test_the_walk_ends_where_the_runtime_does(strict: bool) -> None:
    case = models.regression_case(7)
    trees = models.replace(case.trees, strict=strict)
    model = models.regression_graph(trees, 6)
    values = awkward(case)
    rows = models.Rows(columns={name: values[:, index] for index, name in enumerate(case.names)})
    onnx_says = LocalGraph(model.SerializeToString(), case.signature)(rows)["prediction"]
    (forest,) = read_forests(model)
    assert sums(forest, values) == pytest.approx(onnx_says, abs=1e-5)


def modern(case: Any) -> onnx.ModelProto:
    """The same trees in the operator of ai.onnx.ml 5."""
    trees = case.trees
    inner, leaves = np.flatnonzero(trees.feature >= 0), np.flatnonzero(trees.feature < 0)
    place = np.empty(len(trees.feature), dtype=int)
    place[inner], place[leaves] = np.arange(len(inner)), np.arange(len(leaves))
    weights = trees.leaf[leaves] + np.where(trees.tree[leaves] == 0, trees.base, F32(0))
    node = helper.make_node(
        "TreeEnsemble",
        ["features"],
        ["margins"],
        domain="ai.onnx.ml",
        name="trees",
        n_targets=1,
        tree_roots=place[trees.roots].tolist(),
        nodes_featureids=trees.feature[inner].tolist(),
        nodes_splits=helper.make_tensor("splits", TensorProto.FLOAT, [len(inner)], trees.threshold[inner]),
        nodes_modes=helper.make_tensor("modes", TensorProto.UINT8, [len(inner)], [1] * len(inner)),
        nodes_truenodeids=place[trees.yes[inner]].tolist(),
        nodes_falsenodeids=place[trees.no[inner]].tolist(),
        nodes_trueleafs=(trees.feature[trees.yes[inner]] < 0).astype(int).tolist(),
        nodes_falseleafs=(trees.feature[trees.no[inner]] < 0).astype(int).tolist(),
        nodes_missing_value_tracks_true=trees.missing_yes[inner].astype(int).tolist(),
        leaf_targetids=[0] * len(leaves),
        leaf_weights=helper.make_tensor("weights", TensorProto.FLOAT, [len(leaves)], weights),
    )
    model = models.edited(case.model, lambda graph: graph.node[0].CopyFrom(node))
    del model.opset_import[:]
    model.opset_import.extend([helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 5)])
    model.ir_version = 10
    return model


def test_the_operator_of_version_5_is_read_as_well(regression: Any) -> None:
    model, values = modern(regression), awkward(regression)
    rows = models.Rows(columns={name: values[:, index] for index, name in enumerate(regression.names)})
    onnx_says = LocalGraph(model.SerializeToString(), regression.signature)(rows)["prediction"]
    (forest,) = read_forests(model)
    assert sums(forest, values) == pytest.approx(onnx_says, abs=1e-5)
    assert sorted(set(forest.tree.tolist())) == list(range(8))


def test_a_graph_without_trees_has_none(linear: Any) -> None:
    assert read_forests(linear.model) == ()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.booleans())
def test_a_row_between_the_intervals_visits_the_node(seed: int, strict: bool) -> None:
    random = np.random.default_rng(seed)
    data = random.normal(size=(50, 3)).astype(F32)
    trees = models.replace(models.grow(seed, features=3, trees=2, depth=3, data=data), strict=strict)
    (forest,) = read_forests(models.regression_graph(trees, 3))
    nodes = forest.ordered
    low, high = intervals(forest, nodes, 3)
    possible = (low <= high).all(axis=1)
    for edge in (np.where(np.isfinite(low), low, -9), np.where(np.isfinite(high), high, 9)):
        values = np.clip(edge, low, high).astype(F32)
        for node, row in zip(nodes[possible], values[possible], strict=True):
            visited = np.unique(np.concatenate([level[0] for level in forest.levels(row[None])]))
            assert node in visited


def test_first_visitors_do_visit(regression: Any) -> None:
    (forest,) = read_forests(regression.model)
    values = awkward(regression)
    visitors = first_visitors(forest, values)
    for node in np.flatnonzero(visitors >= 0)[::7]:
        row = values[visitors[node]][None]
        assert node in np.unique(np.concatenate([level[0] for level in forest.levels(row)]))
    assert (visitors[forest.roots] >= 0).all()
