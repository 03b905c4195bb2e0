"""The parity report as one page for people: no network, no script needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onnxport.artifacts import Conversion, Distribution, ParityReport

PROBES: Final[Mapping[str, str]] = {
    "sample": "the user's own rows",
    "threshold": "values at and one step around every split threshold of the graph",
    "decision": "pairs of rows one step apart, on both sides of a decision",
    "missing": "one column missing",
    "all-missing": "all columns missing, or every other one",
    "infinite": "infinities, and numbers beyond float32",
    "extreme": "the largest and smallest floats",
    "denormal": "denormal numbers",
    "zero": "zero and negative zero",
    "large-integer": "integers beyond 2^24",
    "category": "every known category",
    "unseen-category": "categories that the model never saw",
    "empty-string": "empty strings",
    "long-string": "very long strings",
    "shuffled": "combinations of values that no row of the sample has",
    "alone": "rows alone and in pairs, against the same rows in a batch",
    "batch-10001": "one batch of 10,001 rows",
    "columns-reversed": "the columns in another order",
    "empty-batch": "no rows at all",
}
PLOTTED: Final = 4
SHOWN_ROWS: Final = 10


def render_html(report: ParityReport, conversion: Conversion) -> str:
    """A self-contained page: verdict first, then the verdicts, plots, worst rows, probes and versions."""
    import jinja2  # ruff: ignore[PLC0415] - loads only when a page is written

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("onnxport.validation", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = _number
    environment.filters["short"] = _short
    template = environment.get_template("report.html.j2")
    return template.render(
        report=report,
        conversion=conversion,
        plots=_plots(report),
        allowed=_allowed(report, conversion),
        probes=[_probe(report, kind, count) for kind, count in _counts(report).items()],
        worst=[_worst(report, index) for index in range(min(SHOWN_ROWS, len(report.worst_rows)))],
    )


def _counts(report: ParityReport) -> dict[str, int]:
    return {"sample": report.rows, **report.probes}


def _probe(report: ParityReport, kind: str, count: int) -> dict[str, Any]:
    return {
        "kind": kind,
        "what": PROBES.get(kind, ""),
        "rows": count,
        "failed": report.failures.get(kind, 0),
    }


def _worst(report: ParityReport, index: int) -> dict[str, Any]:
    row = report.worst_rows[index]
    outputs = [
        {"name": name, "source": row.source[name], "onnx": row.onnx.get(name, "no answer")} for name in row.source
    ]
    return {"probe": row.probe, "difference": row.difference, "record": row.record, "outputs": outputs}


def _allowed(report: ParityReport, conversion: Conversion) -> list[dict[str, Any]]:
    """What was allowed for each score of the graph."""
    names = [output.name for output in conversion.signature.outputs if output.name != "label"]
    return [{"output": name, "tolerance": report.tolerances.for_output(name)} for name in names]


def _shown(report: ParityReport) -> list[Distribution]:
    """What to plot: of two classes the second alone, as the first is its complement."""
    names = {distribution.output for distribution in report.distributions}
    two = "probabilities[1]" in names and "probabilities[2]" not in names
    shown = [item for item in report.distributions if not (two and item.output == "probabilities[0]")]
    return shown[:PLOTTED]


def _plots(report: ParityReport) -> list[dict[str, Any]]:
    import markupsafe  # ruff: ignore[PLC0415] - comes with jinja2

    from .plots import histogram, scatter  # ruff: ignore[PLC0415] - matplotlib loads only when a page is written

    return [
        {
            "output": distribution.output,
            "scatter": markupsafe.Markup(scatter(distribution, identity=f"s{index}")),  # ruff: ignore[S704] - our own SVG
            "histogram": markupsafe.Markup(histogram(distribution, identity=f"h{index}")),  # ruff: ignore[S704] - likewise
        }
        for index, distribution in enumerate(_shown(report))
    ]


def _short(value: float) -> str:
    return f"{value:.3g}"


def _number(value: Any) -> str:  # ruff: ignore[ANN401] - any JSON value
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.9g}"
    if isinstance(value, list):
        return ", ".join(_number(item) for item in value)
    return str(value) or "(empty)"
