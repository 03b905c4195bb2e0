"""Proof that a graph answers as its source: the report, the golden rows, the page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from onnxport.artifacts import Golden, ParityFailed, ParityReport
from onnxport.validation import Candidates, check, choose_golden, render_html

if TYPE_CHECKING:
    from collections.abc import Iterable

    from onnxport.artifacts import Conversion, OnnxArtifact, Predict, Progress, Rows
    from onnxport.validation import CheckOptions

    from .opened import Opened


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a check found.

    Law: there are golden rows if and only if the report passed.

    Attributes:
        report: The verdicts.
        golden: Rows with the source's answers.
        page: The report as one HTML page.
    """

    report: ParityReport
    golden: Golden | None
    page: str


def prove(opened: Opened, artifact: OnnxArtifact, options: CheckOptions, progress: Progress) -> Proof:
    """What comparing the graph with its source found; a failure is a value too.

    Raises:
        SourceGone: There is no model any more.
    """
    conversion = artifact.conversion
    source = opened.scorer(conversion.signature, conversion.plan.post)
    options = replace(options, steps=opened.steps(), rows=opened.length)
    return compare(source, artifact, opened.rows(), options, progress=progress)


def compare(
    source: Predict,
    artifact: OnnxArtifact,
    rows: Iterable[Rows],
    options: CheckOptions,
    *,
    progress: Progress,
) -> Proof:
    """What comparing the graph with any `source` found; a failure is a value too."""
    conversion = artifact.conversion
    candidates = Candidates()
    report = check(source, artifact, rows, replace(options, watch=candidates), progress=progress)
    golden = choose_golden(source, conversion, candidates.rows(), report.tolerances) if report.passed else None
    return Proof(report=report, golden=golden, page=render_html(report, conversion))


def require_passed(report: ParityReport, conversion: Conversion) -> None:
    """The report passed: what stands after this call may publish.

    Raises:
        ParityFailed: It did not; the message says what differs, and the hint what to do.
    """
    if report.passed:
        return
    failed = [verdict for verdict in report.verdicts if not verdict.passed]
    found = "; ".join(f"{verdict.name}: {verdict.detail or verdict.allowed}" for verdict in failed[:3])
    more = f"; and {len(failed) - 3} more" if len(failed) > 3 else ""  # ruff: ignore[PLR2004] - three fit on a screen
    raise ParityFailed(
        f"{conversion.source.uri}: the graph does not answer as the source does: {found}{more}",
        hint=" ".join(report.explanation) or "The report (--out DIR) shows the worst rows.",
    )
