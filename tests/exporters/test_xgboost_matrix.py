"""What people train with XGBoost answers the same as a graph: margins to the last bit, labels without a flip."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
import xgboost as xgb
from exporting import exported
from onnxport.exporters.from_xgboost.estimator import read_estimator
from xgboost_cases import CASES
from xgboost_data import ROWS, seed_of
from xgboost_parity import (
    LINK_ULPS,
    MARGIN_ULPS,
    SOFTMAX_ULPS,
    Graph,
    answers,
    compare,
    perturbed_leaf,
    probes,
    ulps,
)

if TYPE_CHECKING:
    import pandas as pd
    from onnxport.artifacts import OnnxArtifact

LEAST_CASES = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A case of the matrix, trained and exported once for all tests."""

    name: str
    model: Any
    frame: pd.DataFrame
    artifact: OnnxArtifact


@pytest.fixture(scope="module", params=sorted(CASES))
def case(request: pytest.FixtureRequest) -> Prepared:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # XGBoost warns of parameters that a booster does not use
        model, frame = CASES[request.param]()
    return Prepared(name=request.param, model=model, frame=frame, artifact=exported(model, frame.head(60)))


def test_margins_are_equal_to_the_last_bit_and_scores_within_the_bound_of_the_link(case: Prepared) -> None:
    name, model, frame, artifact = case.name, case.model, case.frame, case.artifact
    assert len(frame) == ROWS
    around = probes(artifact, frame, seed_of(name))
    found = compare(model, artifact, [frame, around])
    assert found.margin_ulps <= MARGIN_ULPS[read_estimator(model, "model").model.kind]
    softmax = isinstance(model, xgb.XGBClassifier) and model.objective == "multi:softmax"
    assert found.output_ulps <= (SOFTMAX_ULPS if softmax else LINK_ULPS)
    assert found.labels == 0


def test_a_row_alone_answers_as_among_others_and_no_row_answers_nothing(case: Prepared) -> None:
    frame, artifact = case.frame, case.artifact
    graph = Graph(artifact)
    together = graph.run(frame.head(12))
    for index in range(12):
        alone = graph.run(frame.iloc[index : index + 1])
        for name, values in alone.items():
            assert np.array_equal(values[0], together[name][index], equal_nan=True)
    for name, values in graph.run(frame.iloc[:0]).items():
        assert values.shape == (0, *together[name].shape[1:])


def test_the_graph_is_valid_and_its_outputs_are_those_of_its_signature(case: Prepared) -> None:
    frame, artifact = case.frame, case.artifact
    onnx.checker.check_model(artifact.model, full_check=True)
    outputs = Graph(artifact).run(frame.head(5))
    for output in artifact.conversion.signature.outputs:
        assert outputs[output.name].dtype == output.dtype
        assert outputs[output.name].shape == tuple(5 if size is None else size for size in output.shape)


def test_the_matrix_is_as_large_as_promised() -> None:
    assert len(CASES) >= LEAST_CASES


def test_the_comparison_finds_a_leaf_that_is_one_bit_off() -> None:
    model, frame = CASES["binary"]()
    artifact = exported(model, frame.head(60))
    found = compare(model, artifact, [frame, probes(artifact, frame)], perturbed_leaf(artifact.model))
    assert found.margin_ulps > 0


def test_the_comparison_finds_one_row_of_a_shifted_threshold() -> None:
    model, frame = CASES["binary"]()
    artifact = exported(model, frame.head(60))
    proto = onnx.load_model_from_string(artifact.model)
    node = next(node for node in proto.graph.node if node.op_type == "TreeEnsembleRegressor")
    values = next(attribute for attribute in node.attribute if attribute.name == "nodes_values")
    values.floats[1] = float(np.nextafter(np.float32(values.floats[1]), np.float32(np.inf)))
    found = compare(model, artifact, [probes(artifact, frame)], proto.SerializeToString())
    assert found.margin_ulps > 0


def test_infinite_values_are_compared_with_the_thresholds_as_xgboost_does_in_place() -> None:
    model, frame = CASES["binary"]()
    frame = frame.head(20).copy()
    frame.loc[::2, "a"], frame.loc[::3, "c"] = np.inf, -np.inf
    found = Graph(exported(model, frame)).run(frame)
    assert ulps(found["margin"], answers(model, frame)["margin"]) == 0
