"""The gate as a whole: what passes, what does not, and what it says."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper
from onnxport.artifacts import (
    InputColumn,
    Missing,
    Outputs,
    OutputTensor,
    ParityReport,
    Rows,
    Signature,
    Tolerance,
    UsageError,
)
from onnxport.validation import DEFAULT, CheckOptions, LocalGraph, check
from onnxport.validation.gate import CHUNK, chunked

from tests.validation import models

F32 = np.float32
INFINITE = ("infinite: the source refuses infinite values, the graph gives the limit",)


def verdict(report: ParityReport, name: str) -> Any:
    return next(item for item in report.verdicts if item.name == name)


@pytest.mark.parametrize("name", ["regression", "scaled", "categories", "classes"])
def test_a_right_graph_passes(name: str, request: pytest.FixtureRequest) -> None:
    case = request.getfixturevalue(name)
    report = check(case.source, case.artifact(), case.sample)
    assert report.passed, report.explanation
    assert report.rows == len(case.sample)
    assert report.worst < 3e-7
    assert report.explanation == ()
    assert report.probes["threshold"] > 50
    assert report.failures == {}


KINDS = (models.regression_case, models.scaled_case, models.category_case, models.classes_case)


@pytest.mark.parametrize("seed", range(100, 200))
def test_no_false_alarm_over_a_hundred_seeds(seed: int) -> None:
    case = KINDS[seed % len(KINDS)](seed, rows=300)
    report = check(case.source, case.artifact(), case.sample, CheckOptions(seed=seed))
    assert report.passed, report.explanation


def test_the_same_seed_gives_the_same_report(scaled: Any) -> None:
    first, second = (check(scaled.source, scaled.artifact(), scaled.sample) for _ in range(2))
    assert first.to_bytes() == second.to_bytes()


def test_another_seed_gives_other_probes(regression: Any) -> None:
    first, second = (
        check(regression.source, regression.artifact(), regression.sample, CheckOptions(seed=seed))
        for seed in (0, 1)
    )
    assert first.distributions != second.distributions
    assert second.seed == 1


def test_a_report_survives_its_own_json(scaled: Any) -> None:
    damaged = models.between(scaled.model, "positive", helper.make_node("Log", ["IN"], ["OUT"]))
    report = check(scaled.source, scaled.artifact(damaged), scaled.sample)
    assert not report.passed
    assert ParityReport.parse(report.to_bytes(), name="parity.json") == report


def test_chunks_of_any_size_give_the_same_report(regression: Any) -> None:
    whole = check(regression.source, regression.artifact(), regression.sample)
    parts = (regression.sample.take(slice(start, start + 7)) for start in range(0, 1_200, 7))
    assert check(regression.source, regression.artifact(), parts).to_bytes() == whole.to_bytes()


@pytest.mark.parametrize(
    ("sizes", "limit"), [([3, 0, 5], None), ([20_000], None), ([9_000, 9_000], 10_000), ([5], 0)]
)
def test_chunking_keeps_rows_and_order(sizes: list[int], limit: int | None) -> None:
    numbers = np.arange(sum(sizes))
    bounds = np.cumsum([0, *sizes])
    parts = [Rows(columns={"a": numbers[left:right]}) for left, right in pairwise(bounds)]
    found = list(chunked(iter(parts), limit))
    assert all(0 < len(part) <= CHUNK for part in found)
    joined = [value for part in found for value in part.columns["a"].tolist()]
    assert joined == numbers[:limit].tolist()


def test_the_limit_bounds_the_rows_that_are_compared(regression: Any) -> None:
    report = check(regression.source, regression.artifact(), regression.sample, CheckOptions(rows=50))
    assert report.rows == 50
    assert "only 50 rows" in report.notes[0]


def test_an_empty_sample_is_refused(regression: Any) -> None:
    with pytest.raises(UsageError, match="no rows"):
        check(regression.source, regression.artifact(), regression.sample.take(slice(0, 0)))


def test_a_sample_without_a_column_is_refused(regression: Any) -> None:
    with pytest.raises(UsageError, match="missing column"):
        check(regression.source, regression.artifact(), regression.sample.select(regression.names[1:]))


def test_a_source_that_refuses_the_whole_sample_is_refused(regression: Any) -> None:
    def source(_rows: Rows, /) -> Outputs:
        raise TypeError("not fitted")

    with pytest.raises(UsageError, match=r"source raises for all of the first 1,200 rows.*not fitted"):
        check(source, regression.artifact(), regression.sample)


def test_where_the_source_raises_the_graph_may_not_answer(linear: Any) -> None:
    report = check(linear.source, linear.artifact(), linear.sample)
    assert [item.name for item in report.verdicts if not item.passed] == ["errors"]
    assert "infinite: the source raises, the graph answers" in verdict(report, "errors").detail
    assert set(report.failures) == {"infinite"}


def test_unless_the_plan_accepts_it_with_a_reason(linear: Any) -> None:
    report = check(linear.source, linear.artifact(accepted=INFINITE), linear.sample)
    assert report.passed
    assert any("accepted by the plan" in note and "gives the limit" in note for note in report.notes)


@pytest.mark.parametrize(
    "entry", ["infinite", "infinite:", "sample: why not", "infinity: typo", "infinite sometimes: x"]
)
def test_an_entry_of_another_form_accepts_nothing(linear: Any, entry: str) -> None:
    report = check(linear.source, linear.artifact(accepted=(entry,)), linear.sample)
    assert not report.passed
    assert any("accepts nothing" in note for note in report.notes)


def test_the_users_own_rows_are_never_accepted_away() -> None:
    case = models.category_case(3, raises=True)
    accepted = ("unseen-category: taken for missing", "empty-string: as missing", "long-string: taken for missing")
    assert check(case.source, case.artifact(accepted=accepted), case.sample).passed
    stage = case.sample.columns["stage"].copy()
    stage[7] = "never seen"
    report = check(case.source, case.artifact(accepted=accepted), case.sample.with_columns({"stage": stage}))
    assert "sample" in report.failures


def test_what_differs_by_the_plan_is_not_compared(categories: Any) -> None:
    codes = {"new": 0.0, "won": 1.0, "lost": 2.0, "Été": 3.0, "": np.nan}
    model = models.category_graph(categories.trees, codes, unseen=3.0)
    kinds = ("unseen-category", "empty-string", "long-string")
    accepted = tuple(f"{kind} differs: the source takes a neighbour" for kind in kinds)
    assert not check(categories.source, categories.artifact(model), categories.sample).passed
    report = check(categories.source, categories.artifact(model, accepted=accepted), categories.sample)
    assert report.passed
    assert any("the source takes a neighbour" in note for note in report.notes)


def test_a_row_of_the_sample_that_the_source_refuses_must_be_refused_by_the_graph(linear: Any) -> None:
    column = linear.sample.columns["x1"].copy()
    column[3] = np.inf
    sample = linear.sample.with_columns({"x1": column})
    assert "sample" in check(linear.source, linear.artifact(), sample).failures
    assert check(linear.source, linear.artifact(accepted=INFINITE), sample).passed


def test_a_graph_that_does_not_load_is_a_failed_report(regression: Any) -> None:
    report = check(regression.source, models.artifact_of(b"no graph", regression.signature), regression.sample)
    assert not report.passed
    assert [item.name for item in report.verdicts] == ["runtime"]
    assert "could not be opened" in report.explanation[0]


@pytest.fixture
def joined() -> Any:
    """Two columns joined by FeatureVectorizer, for which ONNX Runtime aborts when there are no rows."""
    names = ["a", "b"]
    signature = Signature(
        layout="columns",
        inputs=tuple(
            InputColumn(
                name=name,
                tensor=name,
                dtype="float32",
                shape=(None, 1),
                missing=Missing(allowed=True, encoding="nan"),
            )
            for name in names
        ),
        outputs=(OutputTensor(name="prediction", dtype="float32", shape=(None, 2)),),
    )
    model = models.model_of(
        [
            helper.make_node(
                "FeatureVectorizer", names, ["prediction"], domain="ai.onnx.ml", inputdimensions=[1, 1]
            )
        ],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 1]) for name in names],
        [helper.make_tensor_value_info("prediction", TensorProto.FLOAT, [None, 2])],
        {},
    )
    return models.artifact_of(model, signature)


def test_a_graph_that_takes_the_runtime_down_is_a_failed_report(joined: Any) -> None:
    sample = Rows(columns={name: np.arange(1_000, dtype=F32) for name in ("a", "b")})

    def source(rows: Rows, /) -> Outputs:
        return {"prediction": np.stack(list(rows.columns.values()), axis=1).astype(F32)}

    report = check(source, joined, sample)
    assert [item.name for item in report.verdicts if not item.passed] == ["empty batch"]
    assert "aborted" in verdict(report, "empty batch").detail
    assert any("server sees empty batches" in sentence for sentence in report.explanation)


def test_thresholds_that_the_user_names_are_judged(regression: Any) -> None:
    """A change far below the tolerance flips rows at a threshold that is a value of the model."""
    exact = float(np.sort(regression.source(regression.sample)["prediction"])[600])
    allowed = DEFAULT.model_copy(update={"prediction": Tolerance(atol=1, rtol=0), "thresholds": (0.5, exact)})
    less = models.between(
        regression.model, "prediction", helper.make_node("Sub", ["IN", "d"], ["OUT"]), d=np.array(1e-6, F32)
    )
    report = check(
        regression.source, regression.artifact(less), regression.sample, CheckOptions(tolerances=allowed)
    )
    assert {item.name for item in report.verdicts if not item.passed} == {f"threshold {exact:g}"}


def test_flips_may_be_allowed_by_number(scaled: Any) -> None:
    damaged = models.with_constant(scaled.model, "zero", np.array(0.05, F32))
    options = CheckOptions(tolerances=DEFAULT.model_copy(update={"label_flips": 100_000}))
    failed = check(scaled.source, scaled.artifact(damaged), scaled.sample)
    assert not verdict(failed, "label").passed
    assert verdict(check(scaled.source, scaled.artifact(damaged), scaled.sample, options), "label").passed


def test_the_absolute_part_for_predictions_follows_their_scale() -> None:
    """Targets of 1e7 that cancel to nearly zero, summed in another precision, are no alarm; of size 1 they are."""
    for size, passes in ((1e7, True), (1.0, False)):
        case = models.regression_case(1)
        scale = lambda rows: {"prediction": (case.source(rows)["prediction"] * F32(size))}  # ruff: ignore[B023, E731] - used at once
        model = models.between(
            case.model,
            "prediction",
            helper.make_node("Mul", ["IN", "size"], ["large"]),
            helper.make_node("Add", ["large", "off"], ["OUT"]),
            size=np.array(size, F32),
            off=np.array(0.5, F32),
        )
        report = check(scale, case.artifact(model), case.sample)
        assert verdict(report, "prediction").passed == passes
        assert not report.tolerances.prediction.scaled


def test_overrides_by_output_are_used(regression: Any) -> None:
    damaged = models.between(
        regression.model, "prediction", helper.make_node("Add", ["IN", "d"], ["OUT"]), d=np.array(0.01, F32)
    )
    allowed = DEFAULT.model_copy(update={"outputs": {"prediction": Tolerance(atol=0.02, rtol=0)}})
    options = CheckOptions(tolerances=allowed)
    assert not check(regression.source, regression.artifact(damaged), regression.sample).passed
    report = check(regression.source, regression.artifact(damaged), regression.sample, options)
    assert report.passed
    assert report.tolerances.outputs["prediction"].atol == 0.02


def test_missing_answers_must_be_missing() -> None:
    """A source that answers a missing value with a missing score."""
    signature = models.matrix_signature(["a"], models.PREDICTION)
    nodes = [helper.make_node("Reshape", ["features", "flat"], ["prediction"])]
    outputs = [helper.make_tensor_value_info("prediction", TensorProto.FLOAT, [None])]
    inputs = [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, 1])]
    good = models.model_of(nodes, inputs, outputs, {"flat": np.array([-1])})
    column = np.arange(1_000, dtype=F32)
    column[::9] = np.nan
    sample = Rows(columns={"a": column})
    source = lambda rows: {"prediction": rows.columns["a"].astype(F32)}  # ruff: ignore[E731] - a model
    assert check(source, models.artifact_of(good, signature), sample).passed
    filled = models.between(
        good,
        "features",
        helper.make_node("IsNaN", ["IN"], ["gaps"]),
        helper.make_node("Where", ["gaps", "zero", "IN"], ["OUT"]),
        zero=np.array(0, F32),
    )
    report = check(source, models.artifact_of(filled, signature), sample)
    assert {item.name for item in report.verdicts if not item.passed} == {"prediction", "missing"}
    assert report.worst == np.inf
    assert ParityReport.parse(report.to_bytes(), name="parity.json") == report


def test_worst_rows_come_worst_first_with_both_answers(regression: Any) -> None:
    damaged = models.between(
        regression.model, "prediction", helper.make_node("Mul", ["IN", "f"], ["OUT"]), f=np.array(1.1, F32)
    )
    report = check(regression.source, regression.artifact(damaged), regression.sample)
    sizes = [row.difference for row in report.worst_rows]
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) == 20
    assert sizes[0] == pytest.approx(report.worst)
    first = report.worst_rows[0]
    again = Rows(
        columns={name: np.array([np.nan if value is None else value]) for name, value in first.record.items()}
    )
    assert regression.source(again)["prediction"][0] == pytest.approx(first.source["prediction"])


def test_progress_is_told(regression: Any) -> None:
    told: list[tuple[str, int, int | None]] = []

    class Listener:
        def step(self, name: str, done: int, total: int | None) -> None:
            told.append((name, done, total))

    report = check(regression.source, regression.artifact(), regression.sample, progress=Listener())
    assert ("sample", 1_200, None) in told
    assert {name for name, _, _ in told} >= {"sample", "threshold", "missing"}
    assert max(done for name, done, _ in told if name == "threshold") == report.probes["threshold"]


def test_two_graphs_can_be_checked_against_each_other(regression: Any) -> None:
    other = LocalGraph(regression.artifact().model, regression.signature)
    assert check(other, regression.artifact(), regression.sample).passed
    levels = regression.trees.threshold + F32(0.1)
    assert not check(
        other, regression.artifact(models.regression_of(regression, threshold=levels)), regression.sample
    ).passed
