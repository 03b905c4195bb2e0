"""What people train with CatBoost on numbers answers the same as a graph, at every border and beyond."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from catboost_cases import CASES, ROWS, SMALL, classes, table
from catboost_parity import compare, probes
from double_parity import run, with_changed
from exporting import exported

if TYPE_CHECKING:
    import pandas as pd
    from onnxport.artifacts import OnnxArtifact


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A case of the matrix, trained and exported once for all tests."""

    model: Any
    frame: pd.DataFrame
    artifact: OnnxArtifact


def prepared(name: str) -> Prepared:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # CatBoost warns of objectives that run slowly
        model, frame = CASES[name]()
    return Prepared(model=model, frame=frame, artifact=exported(model, frame.head(60)))


@pytest.fixture(scope="module", params=sorted(CASES))
def case(request: pytest.FixtureRequest) -> Prepared:
    return prepared(request.param)


def test_scores_are_equal_in_double_precision_and_no_label_flips(case: Prepared) -> None:
    assert len(case.frame) == ROWS
    with np.errstate(over="ignore"):
        found = compare(case.model, case.artifact, [case.frame, probes(case.model, case.frame)])
    assert found.off <= 1
    assert found.labels == 0


def test_a_row_alone_answers_as_among_others_and_no_row_answers_nothing(case: Prepared) -> None:
    together = run(case.artifact, case.frame.head(3))
    for index in range(3):
        for name, values in run(case.artifact, case.frame.iloc[index : index + 1]).items():
            if values.dtype == np.float64:  # the runtime's exponential works on several numbers at once
                np.testing.assert_allclose(values[0], together[name][index], rtol=1e-14, atol=1e-15)
            else:
                assert np.array_equal(values[0], together[name][index])
    for name, values in run(case.artifact, case.frame.iloc[:0]).items():
        assert values.shape == (0, *together[name].shape[1:])


def test_the_graph_is_valid_and_its_outputs_are_those_of_its_signature(case: Prepared) -> None:
    onnx.checker.check_model(case.artifact.model, full_check=True)
    outputs = run(case.artifact, case.frame.head(5))
    for output in case.artifact.conversion.signature.outputs:
        found = outputs[output.name]
        assert found.dtype == (object if output.dtype == "string" else output.dtype)
        assert found.shape == tuple(5 if size is None else size for size in output.shape)


@pytest.mark.parametrize("name", ["squares", "by leaves"])
def test_the_comparison_finds_borders_that_are_one_bit_off(name: str) -> None:
    case = prepared(name)

    def moved(values: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            return np.nextafter(values.astype(np.float32), np.float32(np.inf)).astype(np.float64)

    damaged = with_changed(case.artifact.model, "nodes_values", moved)
    assert compare(case.model, case.artifact, [probes(case.model, case.frame)], damaged).off > 1


def test_the_comparison_finds_a_leaf_that_is_off_by_a_millionth() -> None:
    case = prepared("squares")
    damaged = with_changed(case.artifact.model, "target_weights", lambda values: values * (1 + 1e-6))
    assert compare(case.model, case.artifact, [case.frame], damaged).off > 1


def test_training_twice_gives_the_same_bytes_although_catboost_writes_the_time_of_training() -> None:
    frame = table()
    graphs = [
        exported(type(prepared("binary").model)(**SMALL).fit(frame, classes(frame, 2)), frame.head(5)).model
        for _ in range(2)
    ]
    assert graphs[0] == graphs[1] == prepared("binary").artifact.model


def test_numbers_enter_as_one_float32_matrix_and_missing_values_as_nan() -> None:
    signature = prepared("columns of many types").artifact.conversion.signature
    assert signature.layout == "matrix"
    assert {column.dtype for column in signature.inputs} == {"float32"}
    assert all(column.missing.allowed for column in signature.inputs)
    assert signature.columns == tuple(CASES["columns of many types"]()[1].columns)


def test_the_plan_says_what_was_exported_and_what_made_the_graph() -> None:
    case = prepared("early stopping")
    (step,) = case.artifact.conversion.plan.steps
    assert step.estimator == "catboost.core.CatBoostClassifier"
    assert f"loss Logloss, 1 scores a row, {case.model.tree_count_} trees" in step.note
    assert "catboost" in case.artifact.conversion.packages
