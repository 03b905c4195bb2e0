"""Golden rows cover what matters and prove parity again anywhere."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from onnxport.artifacts import Golden, Outputs, Rows
from onnxport.validation import (
    DEFAULT,
    Candidates,
    CheckOptions,
    LocalGraph,
    check,
    choose_golden,
    golden_rows,
    replay_golden,
)
from onnxport.validation.tolerances import resolve

from tests.validation import models

TOLERANCES = resolve(DEFAULT, 1.0)


def golden_of(case: Any) -> Golden:
    return choose_golden(case.source, case.artifact().conversion, case.sample, TOLERANCES)


def graph_of(case: Any, model: Any = None) -> LocalGraph:
    return LocalGraph(case.artifact(model).model, case.signature)


@pytest.mark.parametrize("name", ["regression", "scaled", "categories", "classes", "linear"])
def test_the_right_graph_replays_golden_rows_after_a_trip_through_json(
    name: str, request: pytest.FixtureRequest
) -> None:
    case = request.getfixturevalue(name)
    golden = Golden.parse(golden_of(case).to_bytes(), name="golden.json")
    assert len(golden.rows) == 64
    assert replay_golden(golden, graph_of(case)) == ()


def test_every_category_missing_value_and_class_is_covered(categories: Any, classes: Any) -> None:
    rows = golden_of(categories).rows
    assert {row["stage"] for row in rows} == {"new", "won", "lost", "Été", None}
    assert any(row["days"] is None for row in rows)
    assert any(row["amount"] is None for row in rows)
    assert set(golden_of(classes).outputs["label"]) == {"high", "low", "middle"}


def test_scores_near_a_decision_and_at_the_ends_are_covered(scaled: Any) -> None:
    chosen = np.array(golden_of(scaled).outputs["probabilities"])[:, 1]
    every = scaled.source(scaled.sample)["probabilities"][:, 1]
    assert np.abs(chosen - 0.5).min() == pytest.approx(np.abs(every - 0.5).min(), abs=1e-6)
    assert chosen.max() == pytest.approx(every.max())
    assert chosen.min() == pytest.approx(every.min())


def test_the_choice_is_repeatable(scaled: Any) -> None:
    assert golden_of(scaled).to_bytes() == golden_of(scaled).to_bytes()


def test_what_stands_late_in_a_long_stream_is_covered(categories: Any) -> None:
    candidates = Candidates()
    common = categories.sample.take(np.flatnonzero(categories.sample.columns["stage"] == "won"))
    for _ in range(100):
        candidates.add(common, categories.source(common))
    candidates.add(categories.sample, categories.source(categories.sample))
    assert len(candidates.rows()) <= 4_096
    golden = choose_golden(categories.source, categories.artifact().conversion, candidates.rows(), TOLERANCES)
    assert {row["stage"] for row in golden.rows} == {"new", "won", "lost", "Été", None}


def test_a_check_shows_its_watch_the_rows_that_both_sides_answer(regression: Any) -> None:
    candidates = Candidates()
    check(regression.source, regression.artifact(), regression.sample, CheckOptions(watch=candidates))
    assert len(candidates.rows()) == 64


def test_no_candidates_are_an_error() -> None:
    with pytest.raises(ValueError, match="answers none"):
        Candidates().rows()


def test_a_damaged_graph_is_told_row_by_row(regression: Any) -> None:
    damaged = models.regression_of(regression, leaf=regression.trees.leaf * np.float32(1.001))
    problems = replay_golden(golden_of(regression), graph_of(regression, damaged))
    assert len(problems) > 32
    assert problems[0].startswith("prediction of row 0: ")
    assert "expected" in problems[0]


def test_a_changed_label_is_told(scaled: Any) -> None:
    damaged = models.with_constant(scaled.model, "zero", np.array(0.5, np.float32))
    problems = replay_golden(golden_of(scaled), graph_of(scaled, damaged))
    assert problems
    assert all(problem.startswith("label of row") for problem in problems)


class Changed:
    """A graph whose outputs are changed."""

    def __init__(self, case: Any, change: Any) -> None:
        self.graph = graph_of(case)
        self.change = change

    def __call__(self, rows: Rows, /) -> Outputs:
        return self.change(self.graph(rows))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda out: {"label": out["label"]}, "output 'probabilities' is missing"),
        (lambda out: out | {"probabilities": out["probabilities"][:, :1]}, "has shape (64, 1), expected (64, 2)"),
        (lambda out: out | {"label": out["label"].astype(str)}, "label of row 0"),
        (lambda out: out | {"label": out["label"][:-1]}, "label has shape (63,)"),
        (lambda out: out | {"probabilities": out["probabilities"].astype(np.int64)}, "expected floats"),
        (lambda out: out | {"probabilities": out["probabilities"] * np.nan}, "probabilities of row 0"),
    ],
)
def test_any_other_answer_is_told(scaled: Any, change: Any, words: str) -> None:
    problems = replay_golden(golden_of(scaled), Changed(scaled, change))
    assert any(words in problem for problem in problems), problems


def test_a_graph_that_refuses_is_told(regression: Any) -> None:
    golden = golden_of(regression)
    rows = tuple({name: value for name, value in row.items() if name != "column 0"} for row in golden.rows)
    problems = replay_golden(golden.model_copy(update={"rows": rows}), graph_of(regression))
    assert problems == (
        "the golden rows are refused: " + problems[0].removeprefix("the golden rows are refused: "),
    )
    assert "missing column 'column 0'" in problems[0]


def test_infinite_scores_are_strings_in_json_and_numbers_again(regression: Any) -> None:
    def source(rows: Rows, /) -> Outputs:
        scores = np.zeros(len(rows), np.float32)
        scores[:3] = np.inf, -np.inf, np.nan
        return {"prediction": scores}

    golden = choose_golden(
        source, regression.artifact().conversion, regression.sample.take(slice(0, 3)), TOLERANCES
    )
    data = golden.to_bytes()
    assert {"inf", "-inf", None} <= set(json.loads(data)["outputs"]["prediction"])
    assert replay_golden(Golden.parse(data, name="golden.json"), source) == ()


def test_rows_that_json_cannot_hold_are_not_chosen(regression: Any) -> None:
    column = regression.sample.columns["column 1"].copy()
    column[:1000] = np.inf
    golden = choose_golden(
        regression.source,
        regression.artifact().conversion,
        regression.sample.with_columns({"column 1": column}),
        TOLERANCES,
    )
    assert all(row["column 1"] is None or abs(row["column 1"]) < 100 for row in golden.rows)


def test_columns_come_back_with_the_dtype_that_their_values_need() -> None:
    golden = Golden(
        rows=(
            {"i": 2**53 + 1, "b": True, "f": 1, "s": "x", "n": None},
            {"i": 3, "b": False, "f": None, "s": None, "n": None},
        ),
        outputs={},
        tolerance={},
    )
    columns = golden_rows(golden).columns
    assert columns["i"].dtype == np.int64
    assert columns["i"][0] == 2**53 + 1
    assert columns["b"].dtype == np.bool_
    assert columns["f"].dtype == np.float64
    assert columns["s"].tolist() == ["x", None]
    assert np.isnan(columns["n"].astype(float)).all()


def test_a_source_that_answers_nothing_has_no_golden_rows(regression: Any) -> None:
    def source(_rows: Rows, /) -> Outputs:
        raise ValueError("no")

    with pytest.raises(ValueError, match="answers none"):
        choose_golden(source, regression.artifact().conversion, regression.sample.take(slice(0, 5)), TOLERANCES)
