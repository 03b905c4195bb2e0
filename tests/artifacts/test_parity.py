"""Tolerances are found by output, and a report cannot contradict its verdicts."""

from __future__ import annotations

import pytest
from onnxport.artifacts import ParityReport, Tolerance, Tolerances, Verdict
from pydantic import ValidationError

PROBABILITIES, PREDICTION, OWN = (Tolerance(atol=atol, rtol=0) for atol in (0.1, 0.2, 0.3))
TOLERANCES = Tolerances(probabilities=PROBABILITIES, prediction=PREDICTION, outputs={"margin": OWN})


def verdict(*, passed: bool) -> Verdict:
    return Verdict(name="label", passed=passed, compared=1, failed=int(not passed), allowed="0 flips")


def report(*, passed: bool, verdicts: tuple[Verdict, ...]) -> ParityReport:
    return ParityReport(
        graph_sha256="a" * 64,
        source_sha256="b" * 64,
        passed=passed,
        rows=1,
        probes={},
        seed=0,
        tolerances=TOLERANCES,
        verdicts=verdicts,
        worst=0.0,
    )


@pytest.mark.parametrize(
    ("output", "tolerance"),
    [("probabilities", PROBABILITIES), ("prediction", PREDICTION), ("other", PREDICTION), ("margin", OWN)],
)
def test_an_output_has_its_own_tolerance_or_that_of_its_kind(output: str, tolerance: Tolerance) -> None:
    assert TOLERANCES.for_output(output) == tolerance


def complaints(*, passed: bool, verdicts: tuple[Verdict, ...]) -> list[str]:
    with pytest.raises(ValidationError) as refused:
        report(passed=passed, verdicts=verdicts)
    return [error["msg"] for error in refused.value.errors()]


@pytest.mark.parametrize("verdicts", [(True,), (True, True)])
def test_a_report_passes_when_every_verdict_does(verdicts: tuple[bool, ...]) -> None:
    held = tuple(verdict(passed=passed) for passed in verdicts)
    assert report(passed=True, verdicts=held).passed
    assert complaints(passed=False, verdicts=held) == ["Value error, `passed` contradicts the verdicts"]


@pytest.mark.parametrize("verdicts", [(), (False,), (True, False), (False, True)])
def test_a_report_fails_when_one_verdict_does_or_there_is_none(verdicts: tuple[bool, ...]) -> None:
    held = tuple(verdict(passed=passed) for passed in verdicts)
    assert not report(passed=False, verdicts=held).passed
    assert complaints(passed=True, verdicts=held) == ["Value error, `passed` contradicts the verdicts"]


def test_a_report_says_on_how_many_threads_it_holds() -> None:
    assert report(passed=True, verdicts=(verdict(passed=True),)).threads == 1
