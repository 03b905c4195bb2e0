"""A verdict follows from the buckets alone, and there is none where they cannot tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnxport.artifacts import Unreachable, UsageError
from onnxport.artifacts.metric_names import BUCKETS
from onnxport.operations import Between, Finding, Objective, Verdict
from onnxport.operations.latency import Histogram, histograms, judge
from onnxport.operations.objective import duration, seconds
from onnxport.operations.prometheus import Sample
from onnxport.operations.slo import advice

if TYPE_CHECKING:
    from collections.abc import Mapping

EDGES = (0.1, 0.25, 0.5, 1.0, float("inf"))
OBJECTIVE = Objective(models=("m",))


def histogram(*counts: float) -> Histogram:
    """Requests up to 100, 250, 500, 1,000 ms, and all."""
    return Histogram(edges=EDGES, counts=counts)


def judged(
    whole: Mapping[str, Histogram], objective: Objective = OBJECTIVE, recent: Mapping[str, Histogram] | None = None
) -> Finding:
    return judge(objective, "m", window=whole, recent=recent or {}, observed_seconds=3_600.0)


def samples(counts: Mapping[str, float], **labels: str) -> list[Sample]:
    return [Sample(labels={"model": "m", "le": edge, **labels}, value=value) for edge, value in counts.items()]


def test_at_an_edge_the_share_of_slow_requests_is_exact_and_decides() -> None:
    within = judged({"onnx": histogram(900, 940, 950, 990, 1_000)})
    breached = judged({"onnx": histogram(900, 940, 949, 990, 1_000)})
    assert (within.verdict, breached.verdict) == (Verdict.WITHIN, Verdict.BREACHED)
    assert within.slow == Between(low=0.05, high=0.05)
    assert within.slow is not None
    assert within.slow.exact
    assert within.burn is not None
    assert within.burn.low == pytest.approx(1.0)
    assert within.quantile == Between(low=0.25, high=0.5)
    assert breached.quantile == Between(low=0.5, high=1.0)


def test_inside_a_bucket_there_is_a_verdict_only_where_both_its_edges_agree() -> None:
    inside = Objective(models=("m",), threshold_ms=300)
    assert judged({"": histogram(960, 970, 980, 990, 1_000)}, inside).verdict is Verdict.WITHIN
    assert judged({"": histogram(100, 200, 300, 990, 1_000)}, inside).verdict is Verdict.BREACHED
    torn = judged({"": histogram(100, 900, 960, 990, 1_000)}, inside)
    assert torn.verdict is Verdict.UNKNOWN
    assert torn.slow == Between(low=0.04, high=pytest.approx(0.1))
    assert "the buckets cannot tell" in advice(torn)


def test_a_threshold_beyond_the_last_edge_is_never_known_to_be_kept_or_breached_by_the_slowest() -> None:
    beyond = Objective(models=("m",), threshold_ms=5_000)
    assert judged({"": histogram(0, 0, 0, 900, 1_000)}, beyond).verdict is Verdict.UNKNOWN
    assert judged({"": histogram(0, 0, 0, 999, 1_000)}, beyond).verdict is Verdict.WITHIN


def test_few_requests_or_none_are_no_pass() -> None:
    few = judged({"onnx": histogram(99, 99, 99, 99, 99)})
    assert few.verdict is Verdict.UNKNOWN
    assert "99 requests, a verdict needs 100" in advice(few)
    assert judged({"onnx": histogram(100, 100, 100, 100, 100)}).verdict is Verdict.WITHIN
    assert judged({}).verdict is Verdict.UNKNOWN
    assert judged({"onnx": histogram(0, 0, 0, 0, 0)}).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("answerer", "todo"),
    [
        ("azureml", "onnxport export azureml:m"),
        ("onnx", "onnx.workers"),
        ("cache", "workers"),
        ("", "serve it from"),
    ],
)
def test_what_to_do_about_a_breach_depends_on_who_answered_slowly(answerer: str, todo: str) -> None:
    found = judged({answerer: histogram(0, 0, 0, 500, 1_000), "other": histogram(999, 999, 999, 999, 1_000)})
    assert found.slow_by[answerer] > 0.99
    assert todo in advice(found)


def test_a_breach_that_is_over_says_so() -> None:
    slow, fast = histogram(0, 0, 0, 500, 1_000), histogram(100, 100, 100, 100, 100)
    assert "the last hour kept the objective" in advice(judged({"onnx": slow}, recent={"onnx": fast}))
    assert "the last hour" not in advice(judged({"onnx": slow}, recent={"onnx": slow}))


def test_instances_with_other_buckets_are_added_on_the_edges_that_they_share() -> None:
    one = samples({"0.1": 1, "0.25": 2, "0.5": 3, "+Inf": 4}, served_by="onnx", instance="a")
    other = samples({"0.2": 10, "0.5": 30, "+Inf": 40}, served_by="onnx", instance="b")
    third = samples({"0.5": 100, "+Inf": 100}, served_by="cache", instance="a")
    found = histograms([*one, *other, *third], "served_by")
    assert found["onnx"] == Histogram(edges=(0.5, float("inf")), counts=(33, 44))
    assert found["cache"].total == 100


def test_edges_are_numbers_however_they_are_written() -> None:
    found = histograms([*samples({"1.0": 1, "+Inf": 1}, i="a"), *samples({"1": 1, "Inf": 2}, i="b")], "served_by")
    assert found[""] == Histogram(edges=(1.0, float("inf")), counts=(2, 3))


def test_counts_that_extrapolation_lets_fall_a_little_are_mended() -> None:
    found = histograms(samples({"0.1": 5.0001, "0.5": 5.0, "+Inf": 6}), "served_by")
    assert found[""].counts == (5.0001, 5.0001, 6)


@pytest.mark.parametrize("counts", [{"0.5": 1.0}, {"fast": 1.0, "+Inf": 1.0}, {"": 1.0}])
def test_a_histogram_that_is_not_whole_is_refused(counts: dict[str, float]) -> None:
    with pytest.raises(Unreachable):
        histograms(samples(counts), "served_by")


@given(
    durations=st.lists(st.floats(0, 20), min_size=1, max_size=200),
    share=st.floats(0.01, 0.99),
    threshold=st.floats(0.0001, 20),
)
def test_the_intervals_hold_what_the_requests_really_were(
    durations: list[float], share: float, threshold: float
) -> None:
    edges = (*BUCKETS, float("inf"))
    counts = tuple(float(sum(one <= edge for one in durations)) for edge in edges)
    found = Histogram(edges=edges, counts=counts)
    ranked = sorted(durations)
    rank = next(number for number in range(1, len(ranked) + 1) if number >= share * len(ranked) * (1 - 1e-9))
    between, above = found.quantile(share), found.above(threshold)
    assert between.low <= ranked[rank - 1] <= between.high
    slow = sum(one > threshold * (1 + 1e-9) for one in durations)
    assert above.low <= slow <= above.high


@pytest.mark.parametrize(
    ("text", "length"), [("7d", 604_800), ("1h30m", 5_400), ("500ms", 0.5), ("1w", 604_800), ("2y", 63_072_000)]
)
def test_windows_are_written_as_prometheus_writes_them(text: str, length: float) -> None:
    assert seconds(text) == length


@pytest.mark.parametrize("text", ["", "7", "d", "7 d", "-1h", "1h]", "0s", "1.5h"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no duration"):
        Objective(models=("m",), window=text)


@pytest.mark.parametrize(
    "wrong",
    [
        {"models": ()},
        {"models": ("",)},
        {"quantile": 1.0},
        {"quantile": 0.0},
        {"quantile": float("nan")},
        {"threshold_ms": 0.0},
        {"threshold_ms": float("inf")},
        {"threshold_ms": float("nan")},
        {"min_requests": 0},
    ],
    ids=str,
)
def test_an_objective_that_promises_nothing_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Objective(**{"models": ("m",), **wrong})  # type: ignore[arg-type]


def test_durations_are_shown_in_the_unit_that_they_fill() -> None:
    assert [duration(length) for length in (0, 59, 3_600, 11_160, 604_800)] == [
        "0 s",
        "59 s",
        "1 h",
        "3.1 h",
        "7 d",
    ]
