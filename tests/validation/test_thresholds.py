"""Probes on thresholds and decisions land on the boundary to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper
from onnxport.artifacts import Rows, concatenate
from onnxport.validation import DEFAULT, LocalGraph, open_graph
from onnxport.validation.decisions import boundary_rows, decision_probes
from onnxport.validation.forest import read_forests
from onnxport.validation.reach import intervals
from onnxport.validation.thresholds import threshold_probes

from tests.validation import models

F32 = np.float32


def probe_rows(case: Any, *, limit: int = 100_000, model: Any = None) -> tuple[Rows, list[str]]:
    artifact = case.artifact(model)
    with open_graph(artifact.model, case.signature) as graph:
        probes = list(threshold_probes(artifact, graph, case.sample, np.random.default_rng(0), limit=limit))
    return concatenate([probe.rows for probe in probes]), [probe.note for probe in probes if probe.note]


def test_every_threshold_and_its_neighbours_are_asked(regression: Any) -> None:
    rows, notes = probe_rows(regression)
    inner = np.flatnonzero(regression.trees.feature >= 0)
    for node in inner:
        values = rows.columns[regression.names[regression.trees.feature[node]]]
        level = regression.trees.threshold[node]
        assert (values == level).any()
        assert (values == np.nextafter(level, F32(np.inf))).any()
        assert (values == np.nextafter(level, F32(-np.inf))).any()
    assert notes == []


def test_behind_a_float64_scale_both_sides_of_each_boundary_are_asked(scaled: Any) -> None:
    rows, _ = probe_rows(scaled)
    mean, scale = scaled.scale
    for node in np.flatnonzero(scaled.trees.feature >= 0):
        column = scaled.trees.feature[node]
        values = np.unique(rows.columns[scaled.names[column]])
        values = values[np.isfinite(values)]
        goes = ((values - mean[column]) / scale[column]).astype(F32) < scaled.trees.threshold[node]
        last = np.flatnonzero(goes)[-1]
        assert np.nextafter(values[last], np.inf) == values[last + 1]


def test_each_probe_row_reaches_the_node_that_it_is_for(regression: Any) -> None:
    """Moving any threshold by one step changes some prediction among the probes."""
    rows, _ = probe_rows(regression)
    good = LocalGraph(regression.artifact().model, regression.signature)(rows)["prediction"]
    (forest,) = read_forests(regression.model)
    low, high = intervals(forest, forest.ordered, 6)
    for place, node in enumerate(forest.ordered.tolist()):
        column, level = regression.trees.feature[node], regression.trees.threshold[node]
        before = np.nextafter(level, F32(-np.inf))
        for towards, value in ((np.inf, level), (-np.inf, before)):
            edges = np.where(np.arange(6) == column, value, low[place])
            if not ((low[place] <= edges) & (edges <= high[place])).all():
                continue  # no row at all can reach the node with this value
            levels = regression.trees.threshold.copy()
            levels[node] = np.nextafter(levels[node], F32(towards))
            damaged = models.regression_of(regression, threshold=levels).SerializeToString()
            assert (LocalGraph(damaged, regression.signature)(rows)["prediction"] != good).any()


def test_the_limit_keeps_distinct_thresholds_first_and_is_told(regression: Any) -> None:
    rows, notes = probe_rows(regression, limit=60)
    assert len(rows) == 60
    assert "of the graph's 56 splits were probed" in notes[0]
    assert "beyond the limit of rows" in notes[0]


@pytest.mark.parametrize(
    "nodes",
    [
        [("Neg", {})],
        [("Mul", {"by": 3.7}), ("Add", {"by": 11.0})],
        [("Sigmoid", {})],
        [("Exp", {})],
        [("Pow", {"by": 3.0})],
    ],
    ids=["falling", "affine", "sigmoid", "exponential", "cubic"],
)
def test_boundaries_are_found_through_any_monotone_step(nodes: list[tuple[str, dict[str, float]]]) -> None:
    case = models.regression_case(9, features=3)
    chain, constants, name = [], {}, "IN"
    for index, (operator, options) in enumerate(nodes):
        output = "OUT" if index == len(nodes) - 1 else f"step_{index}"
        inputs = [name, *(f"by_{index}" for _ in options)]
        constants |= {f"by_{index}": np.array(value, F32) for value in options.values()}
        chain.append(helper.make_node(operator, inputs, [output]))
        name = output
    model = models.between(case.model, "features", *chain, **constants)
    rows, _ = probe_rows(case, model=model)
    inner = [node for node in model.graph.node if node.op_type != "TreeEnsembleRegressor"][: len(nodes)]
    prefix = models.model_of(
        [*inner, helper.make_node("Identity", [inner[-1].output[0]], ["prediction"])],
        list(case.model.graph.input),
        [helper.make_tensor_value_info("prediction", TensorProto.FLOAT, [None, 3])],
        dict(constants),
    )
    seen = LocalGraph(prefix.SerializeToString(), case.signature)(rows)["prediction"]
    reachable = 0
    for node in np.flatnonzero(case.trees.feature >= 0):
        column, level = case.trees.feature[node], case.trees.threshold[node]
        values, first = np.unique(rows.columns[case.names[column]], return_index=True)
        goes = seen[first, column] < level
        change = np.flatnonzero((goes[1:] != goes[:-1]) & np.isfinite(values[1:]) & np.isfinite(values[:-1]))
        if len(change):
            reachable += 1
            assert (np.nextafter(values[change], F32(np.inf)) == values[change + 1]).any()
    assert reachable > 5


def test_columns_that_mix_inputs_are_probed_from_real_rows() -> None:
    """A rotation before the trees: no input alone moves a column of the trees."""
    case = models.regression_case(11, features=3)
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0].astype(F32)
    filled = Rows(columns={name: np.nan_to_num(column) for name, column in case.sample.columns.items()})
    case = models.replace(case, sample=filled)
    model = models.between(case.model, "features", helper.make_node("MatMul", ["IN", "turn"], ["OUT"]), turn=turn)
    rows, _ = probe_rows(case, model=model)
    seen = np.stack([rows.columns[name] for name in case.names], axis=1) @ turn
    for node in np.flatnonzero(case.trees.feature >= 0)[:20]:
        column, level = case.trees.feature[node], case.trees.threshold[node]
        assert np.abs(seen[:, column] - level).min() < 1e-5


def test_decision_probes_are_pairs_one_step_apart(linear: Any) -> None:
    graph = LocalGraph(linear.artifact().model, linear.signature)
    rows = boundary_rows(graph, linear.sample, lambda answer: answer["label"], np.random.default_rng(0))
    assert rows is not None
    half = len(rows) // 2
    labels = graph(rows)["label"]
    assert (labels[:half] != labels[half:]).all()
    for row in range(half):
        differing = [name for name in linear.names if rows.columns[name][row] != rows.columns[name][half + row]]
        assert len(differing) == 1
        pair = rows.columns[differing[0]][[row, half + row]]
        assert np.nextafter(pair[0], pair[1]) == pair[1]


def test_no_decision_is_probed_where_all_rows_are_on_one_side(regression: Any) -> None:
    graph = LocalGraph(regression.artifact().model, regression.signature)
    far = DEFAULT.model_copy(update={"thresholds": (1e6,)})
    assert list(decision_probes(graph, regression.sample, far, np.random.default_rng(0))) == []
