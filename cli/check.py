"""`onnxport check`: does the graph answer as the source does?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .groups import CheckFlags, SourceFlags
from .invocation import current
from .options import Features, Json, Sample, split_features
from .screen import progress_bars
from .summary import report_check

if TYPE_CHECKING:
    from onnxport.artifacts import ParityReport
    from rich.table import Table


def check(
    context: typer.Context,
    *,
    target: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="What `onnxport convert` wrote, or an ONNX file from anywhere."),
    ],
    against: Annotated[str, typer.Option(metavar="SOURCE", help="The model to compare with, or an ONNX file.")],
    sample: Sample,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for the reports; default: where the graph is."),
    ] = None,
    features: Features = None,
    checking: CheckFlags,
    opening: SourceFlags,
    json: Json = False,
) -> None:
    """Prove that a graph answers as SOURCE does; exit 3 when it does not.

    Compares on your rows, on every split threshold and its neighbours, on missing, infinite and extreme values.
    Writes parity.json for machines and parity.html for people.
    """
    from onnxport.pipelines.check import CheckJob
    from onnxport.pipelines.check import check as run
    from onnxport.pipelines.folder import write_proof
    from onnxport.pipelines.proof import require_passed

    del json
    invocation = current(context)
    job = CheckJob(
        target=target,
        against=against,
        sample=sample,
        features=split_features(features),
        access=invocation.source_access(against, opening),
        options=checking.options(),
    )
    with progress_bars() as progress:
        artifact, proof = run(job, progress)
    folder = out or (target if target.is_dir() else target.parent)
    write_proof(folder, proof)
    report_check(invocation.ci, proof.report, str(folder))
    if not invocation.screen.as_json:
        invocation.screen.show(None, lambda: verdict_table(proof.report))
    require_passed(proof.report, artifact.conversion)
    invocation.screen.show(
        {"report": str(folder / "parity.json"), "page": str(folder / "parity.html"), **summary(proof.report)},
        lambda: f"proven; report: {folder / 'parity.html'}",
    )


def summary(report: ParityReport) -> dict[str, object]:
    """What `--json` says of a report."""
    return {"passed": report.passed, "rows": report.rows, "probes": report.probes, "worst": report.worst}


def verdict_table(report: ParityReport) -> Table:
    """The verdicts as a table for the terminal."""
    from rich.table import Table

    table = Table(title=f"parity: {'passed' if report.passed else 'FAILED'}, seed {report.seed}")
    for heading in ("question", "", "compared", "failed", "worst", "allowed"):
        table.add_column(heading, justify="right" if heading in {"compared", "failed", "worst"} else "left")
    for verdict in report.verdicts:
        table.add_row(
            verdict.name,
            "[green]passed[/green]" if verdict.passed else "[red]failed[/red]",
            f"{verdict.compared:,}",
            f"{verdict.failed:,}",
            "" if verdict.worst is None else f"{verdict.worst:.3g}",
            verdict.allowed,
        )
    return table
