"""The running count: every batch goes in, verdicts come out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnxport.artifacts import (
    Conversion,
    ConversionPlan,
    Graph,
    OutputTensor,
    PlanStep,
    Rows,
    Signature,
    SourceReference,
    Tolerance,
    Tolerances,
    Verdict,
)
from onnxport.validation.answers import Answers
from onnxport.validation.tally import Tally, runtime_verdict

TIGHT = Tolerance(atol=1e-9, rtol=1e-5)
LOOSE = Tolerance(atol=0.1, rtol=0)
LABEL = OutputTensor(name="label", dtype="int64", shape=(None,))
TWO = OutputTensor(name="probabilities", dtype="float32", shape=(None, 2))
SCORE = OutputTensor(name="prediction", dtype="float32", shape=(None,))
WIDE = OutputTensor(name="prediction", dtype="float32", shape=(None, 2))


def tally(*outputs: OutputTensor, accepted: tuple[str, ...] = (), **allowed: Any) -> Tally:
    conversion = Conversion(
        sha256="a" * 64,
        source=SourceReference(uri="m.ubj", kind="xgboost", sha256="b" * 64),
        signature=Signature(layout="matrix", inputs=(), outputs=outputs),
        plan=ConversionPlan(
            exporter="xgboost",
            layout="matrix",
            steps=(PlanStep(path="model", estimator="Booster", converter="onnxport", precision="float32"),),
            opsets={"": 18},
            ir_version=8,
            runtime="onnxruntime>=1.17",
            accepted=accepted,
        ),
        graph=Graph(opsets={"": 18}, ir_version=8, min_onnxruntime="1.17"),
        packages={},
    )
    return Tally(conversion, Tolerances(**{"probabilities": TIGHT, "prediction": TIGHT, **allowed}), seed=0)


def rows(count: int) -> Rows:
    return Rows(columns={"a": np.arange(count, dtype=np.float64)})


def scores(*values: float | None, aborted: tuple[int, ...] = (), presumed: int = 0) -> Answers:
    """Answers with a prediction each; `None` is a refusal."""
    given = np.array([value for value in values if value is not None], dtype=np.float32)
    refused = [row for row, value in enumerate(values) if value is None]
    return Answers(
        outputs={"prediction": given},
        accepted=np.array([value is not None for value in values]),
        reasons={row: f"no {row}" for row in refused},
        aborted=aborted,
        presumed=presumed,
    )


def verdicts(counted: Tally) -> dict[str, Verdict]:
    return {verdict.name: verdict for verdict in counted.verdicts()}


def test_answers_that_agree_pass_every_question() -> None:
    counted = tally(SCORE)
    counted.add("sample", rows(2), scores(1, 2), scores(1, 2))
    found = verdicts(counted)
    assert list(found) == ["outputs", "prediction", "missing", "errors", "runtime"]
    assert all(verdict.passed for verdict in found.values())
    assert [verdict.compared for verdict in found.values()] == [2, 2, 2, 2, 2]
    assert counted.rows == {"sample": 2}
    assert counted.failures == {}
    assert counted.worst == 0
    assert counted.notes() == []


def test_rows_and_failures_are_counted_by_kind() -> None:
    counted = tally(SCORE)
    counted.add("sample", rows(2), scores(1, 2), scores(1, 5))
    counted.add("sample", rows(3), scores(1, 2, 3), scores(2, 2, 5))
    counted.add("zero", rows(1), scores(1), scores(1))
    assert counted.rows == {"sample": 5, "zero": 1}
    assert counted.failures == {"sample": 3}
    assert counted.worst == 3
    assert verdicts(counted)["prediction"].failed == 3


def test_the_same_seed_shows_the_same_values() -> None:
    shown = []
    for _ in range(2):
        counted = tally(SCORE)
        counted.add("sample", rows(5_000), scores(*range(5_000)), scores(*range(5_000)))
        shown.append(counted.spreads.distributions())
    assert len(shown[0][0].source) < 5_000
    assert shown[0] == shown[1]


def test_an_output_without_columns_is_off_by_nothing() -> None:
    counted = tally(OutputTensor(name="prediction", dtype="float32", shape=(None, 0)))
    empty = Answers(outputs={"prediction": np.empty((2, 0), np.float32)}, accepted=np.ones(2, np.bool_))
    counted.add("sample", rows(2), empty, empty)
    assert counted.worst == 0
    assert verdicts(counted)["prediction"].detail == "nothing could be compared"


def test_the_worst_rows_come_first_and_say_what_both_answered() -> None:
    counted = tally(SCORE)
    counted.add("sample", rows(3), scores(1, 2, 3), scores(2, 2, 6))
    worst = counted.worst_rows.rows()
    assert [row.difference for row in worst] == [3, 1]
    assert worst[0].probe == "sample"
    assert worst[0].record == {"a": 2}
    assert (worst[0].source["prediction"], worst[0].onnx["prediction"]) == (3, 6)


def test_rows_that_hold_and_rows_that_fail_are_kept_apart() -> None:
    counted = tally(SCORE)
    counted.add("sample", rows(3), scores(1, 2, 3), scores(1, 2, 6))
    failing, holding = counted.failing.kept(), counted.holding.kept()
    assert failing is not None
    assert holding is not None
    assert failing.rows.columns["a"].tolist() == [2]
    assert holding.rows.columns["a"].tolist() == [0, 1]


def test_what_there_is_to_plot_is_counted_once_a_value() -> None:
    counted = tally(SCORE)
    counted.add("sample", rows(3), scores(1, 2, 3), scores(1, 2, 6))
    (spread,) = counted.spreads.distributions()
    assert spread.equal == 2
    assert sum(spread.counts) == 1


def test_a_row_that_only_the_source_answers_fails() -> None:
    counted = tally(SCORE)
    counted.add("extreme", rows(3), scores(1, 2, 3), scores(1, None, 3))
    errors = verdicts(counted)["errors"]
    assert (errors.passed, errors.failed, errors.compared) == (False, 1, 3)
    assert errors.detail == "1 rows. extreme: the source answers, the graph raises (no 1)"
    assert counted.failures == {"extreme": 1}
    assert verdicts(counted)["prediction"].compared == 2


def test_a_row_that_only_the_graph_answers_fails() -> None:
    counted = tally(SCORE)
    counted.add("extreme", rows(3), scores(None, None, 3), scores(1, 2, 3))
    errors = verdicts(counted)["errors"]
    assert errors.failed == 2
    assert errors.detail == "2 rows. extreme: the source raises, the graph answers (no 0)"
    assert counted.failures == {"extreme": 2}


def test_errors_are_told_in_words() -> None:
    counted = tally(SCORE)
    counted.add("extreme", rows(3), scores(1, None, None), scores(None, 2, 3))
    counted.add("zero", rows(1), scores(1), scores(1))
    assert verdicts(counted)["errors"] == Verdict(
        name="errors",
        passed=False,
        compared=4,
        failed=3,
        allowed="the graph raises exactly where the source does, or the plan says why not",
        detail="3 rows. extreme: the source raises, the graph answers (no 1); "
        "extreme: the source answers, the graph raises (no 0)",
    )


def test_a_row_that_neither_answers_holds() -> None:
    counted = tally(SCORE)
    counted.add("extreme", rows(2), scores(None, 1), scores(None, 1))
    assert verdicts(counted)["errors"].passed
    assert verdicts(counted)["errors"].detail == ""
    assert counted.failures == {}


def test_rows_that_nobody_answers_are_not_compared() -> None:
    counted = tally(SCORE)
    counted.add("extreme", rows(2), scores(None, None), scores(None, None))
    assert verdicts(counted)["missing"].compared == 0
    assert not verdicts(counted)["outputs"].passed


def test_four_examples_of_errors_are_told() -> None:
    counted = tally(SCORE)
    for kind in ("missing", "infinite", "extreme", "zero", "denormal"):
        counted.add(kind, rows(1), scores(1), scores(None))
    detail = verdicts(counted)["errors"].detail
    assert detail.startswith("5 rows. missing: ")
    assert detail.count("; ") == 3
    assert "denormal" not in detail


def test_the_first_reason_of_a_kind_is_kept() -> None:
    counted = tally(SCORE)
    counted.add("missing", rows(2), scores(1, 2), scores(1, None))
    counted.add("missing", rows(1), scores(1), scores(None))
    assert "(no 1)" in verdicts(counted)["errors"].detail
    assert "(no 0)" not in verdicts(counted)["errors"].detail


def test_what_the_plan_accepts_is_no_failure_and_is_noted() -> None:
    counted = tally(SCORE, accepted=("infinite: the source raises",))
    counted.add("infinite", rows(3), scores(None, None, 3), scores(1, 2, 3))
    counted.add("infinite", rows(1), scores(None), scores(1))
    assert verdicts(counted)["errors"].passed
    assert counted.failures == {}
    assert counted.notes() == ["3 rows of kind infinite are accepted by the plan: the source raises"]


def test_only_the_rows_that_the_plan_accepts_are_excused() -> None:
    counted = tally(SCORE, accepted=("infinite: too large",))
    mixed = Rows(columns={"a": np.array([np.inf, 1.0, np.inf, 1.0])})
    counted.add("sample", mixed, scores(1, None, None, None), scores(1, 2, 3, None))
    assert verdicts(counted)["errors"].failed == 1
    assert "(no 1)" in verdicts(counted)["errors"].detail
    assert counted.notes() == ["1 rows of kind sample are accepted by the plan: too large"]


def test_a_kind_that_the_plan_names_is_told_by_its_own_reason() -> None:
    counted = tally(SCORE, accepted=("infinite: too large", "missing: gone"))
    counted.add("missing", rows(1), scores(None), scores(1))
    assert counted.notes() == ["1 rows of kind missing are accepted by the plan: gone"]


def test_a_row_of_another_kind_is_told_by_all_reasons_of_the_plan() -> None:
    counted = tally(SCORE, accepted=("infinite: too large", "missing: gone"))
    infinite = Rows(columns={"a": np.array([np.inf])})
    counted.add("sample", infinite, scores(None), scores(1))
    assert counted.notes() == ["1 rows of kind sample are accepted by the plan: too large; gone"]


def test_where_the_source_is_no_reference_nothing_is_compared() -> None:
    counted = tally(SCORE, accepted=("unseen-category differs: a neighbour is taken",))
    counted.add("unseen-category", rows(2), scores(1, None), scores(5, None))
    counted.add("unseen-category", rows(1), scores(1), scores(5))
    counted.add("sample", rows(1), scores(1), scores(1))
    assert counted.failures == {}
    assert verdicts(counted)["prediction"].compared == 1
    assert counted.notes() == ["2 rows of kind unseen-category are accepted by the plan: a neighbour is taken"]


def test_an_entry_of_no_known_form_accepts_nothing_and_is_told() -> None:
    counted = tally(SCORE, accepted=("whatever",))
    counted.add("infinite", rows(1), scores(None), scores(1))
    assert not verdicts(counted)["errors"].passed
    assert counted.notes() == ["the plan accepts nothing by 'whatever': unknown form"]


def test_rows_that_were_refused_together_are_told() -> None:
    counted = tally(SCORE, accepted=("infinite: the source raises",))
    for _ in range(2):
        counted.add("infinite", rows(2), scores(None, None, presumed=2), scores(1, 2))
    assert counted.notes()[-1] == (
        "4 rows of kind infinite were refused by the source in batches, and not each of them alone"
    )


def test_a_row_that_takes_the_runtime_down_is_an_abort_and_no_error() -> None:
    counted = tally(SCORE)
    counted.add("extreme", rows(3), scores(1, 2, 3), scores(1, None, 3, aborted=(1,)))
    found = verdicts(counted)
    assert found["errors"].passed
    assert (found["runtime"].passed, found["runtime"].failed, found["runtime"].compared) == (False, 1, 3)
    assert found["runtime"].detail == "the runtime aborted, first at extreme: no 1"
    assert found["runtime"].allowed == "the runtime never aborts"
    assert counted.failures == {"extreme": 1}


def test_the_aborts_of_every_batch_are_counted_and_the_first_is_told() -> None:
    counted = tally(SCORE)
    counted.add("extreme", rows(2), scores(1, 2), scores(1, None, aborted=(1,)))
    counted.add("zero", rows(1), scores(1), scores(None, aborted=(0,)))
    assert verdicts(counted)["runtime"].failed == 2
    assert verdicts(counted)["runtime"].detail == "the runtime aborted, first at extreme: no 1"


def test_the_first_abort_is_told() -> None:
    verdict = runtime_verdict(["missing: signal 6", "zero: signal 11"], 7)
    assert (verdict.name, verdict.failed, verdict.compared) == ("runtime", 2, 7)
    assert verdict.detail == "the runtime aborted, first at missing: signal 6"
    assert runtime_verdict([], 7).detail == ""
    assert runtime_verdict([], 7).passed


def test_a_classifier_is_asked_for_labels_and_thresholds_and_a_regressor_is_not() -> None:
    assert [verdict.name for verdict in tally(LABEL, TWO).verdicts()] == [
        "outputs",
        "probabilities",
        "label",
        "threshold 0.5",
        "missing",
        "errors",
        "runtime",
    ]
    assert "threshold 0.5" not in verdicts(tally(SCORE))


@pytest.mark.parametrize(("output", "asked"), [(SCORE, True), (WIDE, False)])
def test_a_threshold_of_ones_own_is_asked_of_predictions_of_one_column(output: OutputTensor, asked: bool) -> None:
    found = verdicts(tally(output, thresholds=(0.5, 0.7)))
    assert ("threshold 0.7" in found) == asked
    assert "threshold 0.5" not in found


def test_flips_have_the_allowances_of_their_own() -> None:
    counted = tally(LABEL, TWO, label_flips=3, threshold_flips=2)
    found = verdicts(counted)
    assert found["label"].allowed == "3 flips"
    assert found["threshold 0.5"].allowed == "2 flips"


def test_every_score_has_the_tolerance_of_its_own() -> None:
    found = verdicts(tally(TWO, SCORE, probabilities=LOOSE))
    assert found["probabilities"].allowed == "|onnx - source| <= 0.1 + 0 |source|"
    assert found["prediction"].allowed == "|onnx - source| <= 1e-09 + 1e-05 |source|"


@pytest.mark.parametrize(("allowed", "passed"), [({"prediction": LOOSE}, True), ({"probabilities": LOOSE}, False)])
def test_ties_at_a_threshold_are_those_of_the_outputs_own_tolerance(allowed: Any, passed: bool) -> None:
    counted = tally(SCORE, thresholds=(0.7,), **allowed)
    counted.add("decision", rows(1), scores(0.72), scores(0.68))
    assert verdicts(counted)["threshold 0.7"].passed == passed


def answers(positive: float, label: int) -> Answers:
    outputs = {"label": np.array([label]), "probabilities": np.array([[1 - positive, positive]], dtype=np.float32)}
    return Answers(outputs=outputs, accepted=np.array([True]))


def test_ties_are_those_of_the_probabilities_tolerance_and_are_noted() -> None:
    loose = tally(LABEL, TWO, probabilities=LOOSE, thresholds=())
    loose.add("decision", rows(1), answers(0.52, 1), answers(0.48, 0))
    assert verdicts(loose)["label"].passed
    assert loose.notes() == [
        "1 probes on a decision boundary flip with scores that are equal within tolerance: ties"
    ]
    tight = tally(LABEL, TWO, prediction=LOOSE, thresholds=())
    tight.add("decision", rows(1), answers(0.52, 1), answers(0.48, 0))
    assert not verdicts(tight)["label"].passed


def test_the_worst_difference_is_that_of_all_scores() -> None:
    counted = tally(LABEL, TWO)
    counted.add("sample", rows(1), answers(0.75, 1), answers(0.5, 0))
    assert counted.worst == 0.25
    assert counted.worst_rows.rows()[0].difference == 0.25
    assert tally(LABEL).worst == 0
