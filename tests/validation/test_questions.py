"""Each question counts exactly the rows that do not hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnxport.artifacts import OutputTensor, Rows, Signature, Tolerance, Verdict
from onnxport.validation.compare import COMPLEMENT
from onnxport.validation.questions import (
    Batch,
    FlipQuestion,
    MissingQuestion,
    OutputsQuestion,
    ScoreQuestion,
    excess,
)

TIGHT = Tolerance(atol=1e-9, rtol=1e-5)
LABEL = OutputTensor(name="label", dtype="int64", shape=(None,))
TWO = OutputTensor(name="probabilities", dtype="float32", shape=(None, 2))
SCORE = OutputTensor(name="prediction", dtype="float32", shape=(None,))
WORDS = OutputTensor(name="label", dtype="string", shape=(None,))


def batch(source: dict[str, Any], onnx: dict[str, Any], kind: str = "sample") -> Batch:
    sides = [{name: np.asarray(values) for name, values in side.items()} for side in (source, onnx)]
    rows = len(next(iter(sides[0].values())))
    return Batch(kind=kind, rows=Rows(columns={"a": np.zeros(rows)}), source=sides[0], onnx=sides[1])


def pair(positive: float) -> list[float]:
    return [1 - positive, positive]


def test_a_score_is_counted_value_by_value_and_row_by_row() -> None:
    question = ScoreQuestion(TWO, TIGHT)
    wrong = question.add(
        batch({"probabilities": [pair(0.5), pair(0.25)]}, {"probabilities": [pair(0.5), pair(0.2)]})
    )
    verdict = question.verdict()
    assert wrong.tolist() == [False, True]
    assert (verdict.compared, verdict.failed, verdict.passed) == (4, 2, False)
    assert verdict.worst == pytest.approx(0.05)
    assert verdict.detail == "2 of 4 values are out of tolerance, the worst by 0.05"


@pytest.mark.parametrize(("steps", "fails"), [(1.99, False), (2.01, True)])
def test_class_0_of_two_may_be_off_by_two_steps_of_float32_and_no_more(steps: float, fails: bool) -> None:
    question = ScoreQuestion(TWO, Tolerance(atol=0, rtol=0))
    off = steps * COMPLEMENT / 2
    wrong = question.add(batch({"probabilities": [[1e-8, 0.99]]}, {"probabilities": [[1e-8 + off, 0.99]]}))
    assert wrong.tolist() == [fails]


def test_class_0_of_two_has_that_slack_beyond_its_tolerance() -> None:
    found = excess(np.array([[0.25, 0.5]]), np.array([[0.5, 0.75]]), Tolerance(atol=0.25, rtol=0), complement=True)
    assert found.tolist() == [[0.25 / (0.25 + COMPLEMENT), 1]]


def test_where_nothing_is_allowed_equal_values_are_not_off_and_others_are_infinitely_so() -> None:
    found = excess(np.array([1.0, 1.0]), np.array([1.0, 1.5]), Tolerance(atol=0, rtol=0), complement=False)
    assert found.tolist() == [0, np.inf]


@pytest.mark.parametrize(("onnx", "fails"), [(1.25, False), (np.nextafter(1.25, 2), True), (1.375, True)])
def test_a_value_off_by_all_that_is_allowed_passes(onnx: float, fails: bool) -> None:
    question = ScoreQuestion(SCORE, Tolerance(atol=0.25, rtol=0))
    assert question.add(batch({"prediction": [1.0]}, {"prediction": [onnx]})).tolist() == [fails]
    assert (question.verdict().compared, question.verdict().failed) == (1, fails)
    assert question.verdict().passed == (not fails)


def test_the_values_of_every_batch_are_counted() -> None:
    question = ScoreQuestion(SCORE, TIGHT)
    question.add(batch({"prediction": [1.0, 2.0]}, {"prediction": [1.0, 3.0]}))
    question.add(batch({"prediction": [1.0]}, {"prediction": [1.5]}))
    assert (question.verdict().compared, question.verdict().failed, question.verdict().worst) == (3, 2, 1)


def test_class_1_of_two_and_three_classes_have_no_such_slack() -> None:
    two = excess(np.array([[0.5, 1e-8]]), np.array([[0.5, 1.1e-7]]), TIGHT, complement=True)
    three = excess(np.array([[1e-8, 0.5, 0.5]]), np.array([[1.1e-7, 0.5, 0.5]]), TIGHT, complement=True)
    assert two[0, 1] > 1
    assert three[0, 0] > 1


def test_a_passed_score_has_nothing_to_say_and_one_that_was_never_compared_does() -> None:
    question = ScoreQuestion(SCORE, TIGHT)
    assert question.verdict().detail == "nothing could be compared"
    question.add(batch({"prediction": [1.0]}, {"prediction": [1.0]}))
    assert question.verdict().detail == ""


def test_nothing_compared_is_no_pass() -> None:
    for question in (
        ScoreQuestion(TWO, TIGHT),
        FlipQuestion(LABEL, allowed=0, threshold=None, score=TIGHT),
        OutputsQuestion(Signature(layout="matrix", inputs=(), outputs=(TWO,))),
    ):
        assert not question.verdict().passed


@pytest.mark.parametrize(("allowed", "passed"), [(0, False), (1, False), (2, True)])
def test_flips_are_counted_against_what_is_allowed(allowed: int, passed: bool) -> None:
    question = FlipQuestion(LABEL, allowed=allowed, threshold=None, score=TIGHT)
    wrong = question.add(batch({"label": [0, 1, 1]}, {"label": [1, 1, 0]}))
    assert wrong.tolist() == [True, False, True]
    assert question.verdict().failed == 2
    assert question.verdict().passed == passed


def test_a_threshold_belongs_to_the_side_above() -> None:
    question = FlipQuestion(SCORE, allowed=0, threshold=0.7, score=TIGHT)
    source, onnx = [0.7, 0.7, 0.1, 0.9], [0.7, np.nextafter(0.7, 0), 0.2, 0.8]
    assert question.add(batch({"prediction": source}, {"prediction": onnx})).tolist() == [
        False,
        True,
        False,
        False,
    ]
    assert question.verdict().name == "threshold 0.7"


def test_a_threshold_is_compared_with_the_number_that_a_client_reads_from_json() -> None:
    question = FlipQuestion(SCORE, allowed=0, threshold=0.7, score=TIGHT)
    narrow = batch({"prediction": [0.7]}, {"prediction": np.array([0.7], dtype=np.float32)})
    assert question.add(narrow).tolist() == [True]


def test_a_threshold_is_about_the_last_of_several_classes() -> None:
    question = FlipQuestion(TWO, allowed=0, threshold=0.5, score=TIGHT)
    source = {"probabilities": [[0.1, 0.5, 0.4], [0.6, 0.3, 0.1]]}
    onnx = {"probabilities": [[0.0, 0.4, 0.6], [0.2, 0.7, 0.1]]}
    assert question.add(batch(source, onnx)).tolist() == [True, False]


def test_a_row_of_several_labels_flips_when_one_of_them_does() -> None:
    question = FlipQuestion(LABEL, allowed=0, threshold=None, score=TIGHT)
    assert question.add(batch({"label": [[0, 1], [0, 1]]}, {"label": [[0, 1], [0, 0]]})).tolist() == [False, True]


@pytest.mark.parametrize(("kind", "fails"), [("decision", False), ("sample", True)])
def test_a_flip_within_tolerance_is_a_tie_only_where_the_boundary_was_looked_for(kind: str, fails: bool) -> None:
    question = FlipQuestion(TWO, allowed=0, threshold=0.5, score=TIGHT)
    near = batch({"probabilities": [pair(0.5)]}, {"probabilities": [pair(0.5 - 1e-8)]}, kind)
    assert question.add(near).tolist() == [fails]
    assert question.ties == (not fails)


def test_a_flip_out_of_tolerance_is_no_tie_anywhere() -> None:
    question = FlipQuestion(TWO, allowed=0, threshold=0.5, score=TIGHT)
    far = batch({"probabilities": [pair(0.5)]}, {"probabilities": [pair(0.4999)]}, "decision")
    assert question.add(far).tolist() == [True]
    labels = FlipQuestion(LABEL, allowed=0, threshold=None, score=TIGHT)
    flipped = batch(
        {"label": [1, 1], "probabilities": [pair(0.5), pair(0.5)]},
        {"label": [0, 0], "probabilities": [pair(0.5), pair(0.4)]},
        "decision",
    )
    assert labels.add(flipped).tolist() == [False, True]


@pytest.mark.parametrize("scores", [{}, {"probabilities": [0.5]}, {"probabilities": [[0.5]]}])
def test_labels_without_the_probabilities_of_two_classes_are_never_ties(scores: dict[str, Any]) -> None:
    question = FlipQuestion(LABEL, allowed=0, threshold=None, score=TIGHT)
    whole = {"label": [1], "probabilities": [pair(0.5)]}
    assert question.add(batch(whole, {"label": [0], **scores}, "decision")).tolist() == [True]
    assert question.add(batch({"label": [0], **scores}, whole, "decision")).tolist() == [True]


def test_a_decision_that_both_sides_make_alike_is_no_flip_and_no_tie() -> None:
    question = FlipQuestion(TWO, allowed=0, threshold=0.5, score=TIGHT)
    same = batch({"probabilities": [pair(0.5), pair(0.9)]}, {"probabilities": [pair(0.5), pair(0.9)]}, "decision")
    assert question.add(same).tolist() == [False, False]
    assert question.ties == 0


def test_missing_on_one_side_is_counted() -> None:
    question = MissingQuestion((SCORE,))
    wrong = question.add(batch({"prediction": [np.nan, 1, np.nan]}, {"prediction": [np.nan, np.nan, 1]}))
    assert wrong.tolist() == [False, True, True]
    assert question.verdict().failed == 2


F32 = np.zeros(2, np.float32)


@pytest.mark.parametrize(
    ("source", "onnx", "words"),
    [
        (
            {"prediction": F32},
            {"prediction": F32, "more": F32},
            "the graph gives more, prediction, its signature says prediction",
        ),
        (
            {"prediction": F32, "more": F32},
            {"prediction": F32},
            "the source gives more, prediction, the graph prediction",
        ),
        ({"prediction": F32}, {}, "the graph gives nothing, its signature says prediction"),
        (
            {"prediction": F32},
            {"prediction": F32.astype(float)},
            "prediction is float64, its signature says float32",
        ),
        ({"prediction": F32}, {"prediction": F32[:, None]}, "prediction has shape (2, 1), the source's (2,)"),
        (
            {"prediction": F32[:, None]},
            {"prediction": F32[:, None]},
            "prediction has shape (2, 1), its signature says [None]",
        ),
    ],
)
def test_outputs_other_than_the_signatures_fail_for_all_rows(source: Any, onnx: Any, words: str) -> None:
    question = OutputsQuestion(Signature(layout="matrix", inputs=(), outputs=(SCORE,)))
    assert question.add(batch(source, onnx)).tolist() == [True, True]
    question.add(batch(source, onnx))
    assert question.verdict().failed == 4
    assert question.verdict().detail == words


@pytest.mark.parametrize(
    ("output", "source", "onnx", "words"),
    [
        (WORDS, ["a", "b"], [0, 1], "label is int64, its signature says string"),
        (LABEL, [0, 1], np.array(["a", "b"]), "label is string, its signature says int64"),
        (LABEL, ["a", "b"], [0, 1], "the source's labels are string values, the graph's are integer"),
        (
            TWO,
            np.zeros((2, 3)),
            np.zeros((2, 3), np.float32),
            "probabilities has shape (2, 3), its signature says [None, 2]",
        ),
        (TWO, F32, F32, "probabilities has shape (2,), its signature says [None, 2]"),
    ],
)
def test_an_output_other_than_its_signature_is_told(
    output: OutputTensor, source: Any, onnx: Any, words: str
) -> None:
    question = OutputsQuestion(Signature(layout="matrix", inputs=(), outputs=(output,)))
    assert question.add(batch({output.name: source}, {output.name: onnx})).all()
    assert question.verdict().detail == words


def test_every_problem_with_the_outputs_is_told_once() -> None:
    question = OutputsQuestion(Signature(layout="matrix", inputs=(), outputs=(SCORE,)))
    for onnx in ({}, {"prediction": F32}, {"prediction": F32.astype(float)}, {}):
        question.add(batch({"prediction": F32}, onnx))
    assert question.verdict() == Verdict(
        name="outputs",
        passed=False,
        compared=8,
        failed=6,
        allowed="names, dtypes and shapes of the signature",
        detail="the graph gives nothing, its signature says prediction; "
        "prediction is float64, its signature says float32",
    )


@pytest.mark.parametrize(
    ("output", "source", "onnx"),
    [
        (SCORE, [1.5], np.array([1.5], np.float32)),
        (SCORE, [1], np.array([1], np.float32)),
        (TWO, [pair(0.5)] * 3, np.full((3, 2), 0.5, np.float32)),
        (OutputTensor(name="prediction", dtype="float32", shape=(None, None)), [[1.0, 2.0]], np.float32([[1, 2]])),
        (LABEL, np.array([1], np.int32), [1]),
        (WORDS, np.array(["a"]), np.array(["a"], dtype=object)),
    ],
)
def test_outputs_of_the_signature_pass_whatever_the_widths_of_the_sources(
    output: OutputTensor, source: Any, onnx: Any
) -> None:
    question = OutputsQuestion(Signature(layout="matrix", inputs=(), outputs=(output,)))
    assert not question.add(batch({output.name: source}, {output.name: onnx})).any()
    assert question.verdict() == Verdict(
        name="outputs",
        passed=True,
        compared=len(source),
        failed=0,
        allowed="names, dtypes and shapes of the signature",
    )


@pytest.mark.parametrize(
    "question",
    [ScoreQuestion(SCORE, TIGHT), FlipQuestion(SCORE, allowed=0, threshold=0.5, score=TIGHT)],
    ids=["score", "flip"],
)
@pytest.mark.parametrize(("source", "onnx"), [({}, {"prediction": F32}), ({"prediction": F32}, {}), ({}, {})])
def test_an_output_that_a_side_lacks_is_left_to_the_question_of_outputs(
    question: ScoreQuestion | FlipQuestion, source: Any, onnx: Any
) -> None:
    asked = Batch(kind="sample", rows=Rows(columns={"a": np.zeros(2)}), source=source, onnx=onnx)
    assert question.add(asked).tolist() == [False, False]
    assert question.verdict().compared == 0


def test_a_flip_is_told_in_words() -> None:
    question = FlipQuestion(LABEL, allowed=0, threshold=None, score=TIGHT)
    assert question.verdict() == Verdict(
        name="label", passed=False, compared=0, failed=0, allowed="0 flips", detail="nothing could be compared"
    )
    question.add(batch({"label": [0, 1]}, {"label": [0, 1]}))
    assert question.verdict() == Verdict(name="label", passed=True, compared=2, failed=0, allowed="0 flips")
    question.add(batch({"label": [0, 1]}, {"label": [1, 1]}))
    assert question.verdict() == Verdict(
        name="label", passed=False, compared=4, failed=1, allowed="0 flips", detail="1 of 4 labels differ"
    )


def test_a_crossed_threshold_is_told_in_words() -> None:
    question = FlipQuestion(SCORE, allowed=1, threshold=0.7, score=TIGHT)
    for _ in range(2):
        question.add(batch({"prediction": [0.6, 0.9]}, {"prediction": [0.8, 0.9]}))
    assert question.verdict() == Verdict(
        name="threshold 0.7", passed=False, compared=4, failed=2, allowed="1 flips", detail="2 of 4 rows cross 0.7"
    )


def test_ties_of_every_batch_are_counted() -> None:
    question = FlipQuestion(TWO, allowed=0, threshold=0.5, score=TIGHT)
    near = batch({"probabilities": [pair(0.5)] * 2}, {"probabilities": [pair(0.5 - 1e-8)] * 2}, "decision")
    for _ in range(2):
        question.add(near)
    assert question.ties == 4
    assert question.verdict().passed


@pytest.mark.parametrize(("gap", "tied"), [(0.25, True), (np.nextafter(0.25, 1), False)])
def test_the_edge_of_twice_the_tolerance_is_a_tie(gap: float, tied: bool) -> None:
    question = FlipQuestion(SCORE, allowed=0, threshold=0.5, score=Tolerance(atol=0.125, rtol=0))
    wrong = question.add(batch({"prediction": [0.5]}, {"prediction": [0.5 - gap]}, "decision"))
    assert wrong.tolist() == [not tied]


@pytest.mark.parametrize(("gap", "tied"), [(0.19, True), (0.21, False)])
def test_scores_are_tied_within_twice_the_tolerance_of_their_threshold(gap: float, tied: bool) -> None:
    score = Tolerance(atol=0.05, rtol=0.1)
    question = FlipQuestion(SCORE, allowed=0, threshold=0.5, score=score)
    wrong = question.add(batch({"prediction": [0.5]}, {"prediction": [0.5 - gap]}, "decision"))
    assert wrong.tolist() == [not tied]


@pytest.mark.parametrize(("gap", "tied"), [(0.18, True), (0.25, False)])
def test_labels_are_tied_where_the_two_best_scores_are(gap: float, tied: bool) -> None:
    score = Tolerance(atol=0.05, rtol=0.1)
    question = FlipQuestion(LABEL, allowed=0, threshold=None, score=score)
    low = (0.8 - gap) / 2
    here, there = [[low + gap, low, 0.2]], [[low, low + gap, 0.2]]
    flipped = batch({"label": [0], "probabilities": here}, {"label": [1], "probabilities": there}, "decision")
    assert question.add(flipped).tolist() == [not tied]


def test_missing_is_told_in_words() -> None:
    question = MissingQuestion((SCORE,))
    assert question.verdict().passed
    question.add(batch({"prediction": [1.0, np.nan]}, {"prediction": [1.0, np.nan]}))
    words = "NaN exactly where the source answers NaN"
    assert question.verdict() == Verdict(name="missing", passed=True, compared=2, failed=0, allowed=words)
    for _ in range(2):
        question.add(batch({"prediction": [np.nan, 1]}, {"prediction": [np.nan, np.nan]}))
    assert question.verdict() == Verdict(
        name="missing",
        passed=False,
        compared=6,
        failed=2,
        allowed=words,
        detail="2 rows have NaN on one side only",
    )


def test_missing_in_any_output_or_column_is_counted_once_a_row() -> None:
    question = MissingQuestion((TWO, SCORE))
    gap, whole = [[np.nan, 1.0]], [[1.0, 1.0]]
    first = batch({"probabilities": gap, "prediction": [1.0]}, {"probabilities": whole, "prediction": [1.0]})
    assert question.add(first).tolist() == [True]
    second = batch({"probabilities": whole, "prediction": [1.0]}, {"probabilities": whole, "prediction": [np.nan]})
    assert question.add(second).tolist() == [True]
    assert question.verdict().failed == 2
