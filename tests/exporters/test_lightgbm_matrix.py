"""What people train with LightGBM answers the same as a graph, at every threshold and around zero."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np
import onnx
import pytest
from double_parity import run, with_changed
from exporting import exported
from lightgbm_cases import CASES, ROWS
from lightgbm_parity import compare, probes

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
        warnings.simplefilter("ignore")  # LightGBM warns of what it does with names and categories
        model, frame = CASES[name]()
    return Prepared(model=model, frame=frame, artifact=exported(model, frame.head(60)))


@pytest.fixture(scope="module", params=sorted(CASES))
def case(request: pytest.FixtureRequest) -> Prepared:
    return prepared(request.param)


def test_scores_are_equal_in_double_precision_and_no_label_flips(case: Prepared) -> None:
    assert len(case.frame) == ROWS
    found = compare(case.model, case.artifact, [case.frame, probes(case.model, case.frame)])
    assert found.off <= 1
    assert found.labels == 0


def test_a_row_alone_answers_as_among_others_and_no_row_answers_nothing(case: Prepared) -> None:
    together = run(case.artifact, case.frame.head(3))
    for index in range(3):
        for name, values in run(case.artifact, case.frame.iloc[index : index + 1]).items():
            if values.dtype == np.float64:  # the runtime's exponential works on several numbers at once
                assert np.abs(values[0] - together[name][index]).max() <= 1e-15 * np.abs(values).max()
            else:
                assert values[0] == together[name][index]
    for name, values in run(case.artifact, case.frame.iloc[:0]).items():
        assert values.shape == (0, *together[name].shape[1:])


def test_the_graph_is_valid_and_its_outputs_are_those_of_its_signature(case: Prepared) -> None:
    onnx.checker.check_model(case.artifact.model, full_check=True)
    outputs = run(case.artifact, case.frame.head(5))
    for output in case.artifact.conversion.signature.outputs:
        found = outputs[output.name]
        assert found.dtype == (object if output.dtype == "string" else output.dtype)
        assert found.shape == tuple(5 if size is None else size for size in output.shape)


@pytest.mark.parametrize("name", ["squares", "categories", "codes", "zero as missing"])
def test_the_comparison_finds_thresholds_that_are_one_bit_off(name: str) -> None:
    case = prepared(name)

    def moved(values: np.ndarray) -> np.ndarray:
        return np.nextafter(values, np.inf)

    damaged = with_changed(case.artifact.model, "nodes_values", moved)
    assert compare(case.model, case.artifact, [probes(case.model, case.frame)], damaged).off > 1


def test_the_comparison_finds_a_leaf_that_is_off_by_a_millionth() -> None:
    case = prepared("squares")
    damaged = with_changed(case.artifact.model, "target_weights", lambda values: values * (1 + 1e-6))
    assert compare(case.model, case.artifact, [case.frame], damaged).off > 1


@pytest.mark.parametrize("name", ["many rounds", "three classes"])
def test_several_threads_answer_as_one_does(name: str) -> None:
    case = prepared(name)
    for key, values in run(case.artifact, case.frame).items():
        assert np.abs(run(case.artifact, case.frame, threads=2)[key] - values).max() <= 1e-12


def test_the_same_model_gives_the_same_bytes() -> None:
    case = prepared("categories")
    assert exported(case.model, case.frame.tail(40)).model == case.artifact.model


def test_the_graph_of_a_reloaded_model_is_the_same() -> None:
    model, frame = CASES["booster, three classes"]()
    reloaded = lgb.Booster(model_str=model.model_to_string())
    original, again = (run(exported(one, frame.head(9)), frame)["prediction"] for one in (model, reloaded))
    assert np.array_equal(original, again)


def test_the_plan_says_which_rounds_take_part_and_what_made_the_graph() -> None:
    case = prepared("booster, stopped early")
    best, trees = case.model.best_iteration, case.model.num_trees()
    (step,) = case.artifact.conversion.plan.steps
    assert step.precision == "float64"
    assert f"{best} of {trees} rounds" in step.note
    assert "lightgbm" in case.artifact.conversion.packages
