"""What a CI job's page says of a command, in Markdown, and what later steps can read of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .failures import EXIT_CODES, exit_code

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onnxport.artifacts import OnnxportError, ParityReport, Release

    from .ci import Ci

_LINE_END = ord("\n")
_PLAIN = {ord(sign): f"&#{ord(sign)};" for sign in "&<>\"'\\`*_[]|~@!#"}

REPORTED = ("export", "check")
"""The commands whose end, good or bad, is told to the CI system."""


def report_export(ci: Ci, release: Release, document: Mapping[str, Any]) -> None:
    """The CI system knows the release: `document` is what `--json` says of it.

    Raises:
        UsageError: The CI system's files cannot be written.
    """
    parity = document["parity"]
    values = {
        key: document[key] for key in ("model", "version", "digest", "created", "store", "manifest", "alias")
    }
    ci.outputs(_texts({**values, "parity-passed": parity["passed"]}))
    name = f"{document['model']}:{document['version']}"
    rows = [
        ("Release", code(name) + ("" if document["created"] else ", was there already")),
        ("Alias", code(f"{document['model']}@{document['alias']}") if document["alias"] else "not moved"),
        ("Digest", code(document["digest"])),
        ("Parity", f"passed: {parity['rows']:,} rows, {sum(parity['probes'].values()):,} probes"),
        ("Worst difference", f"{parity['worst']:.3g}"),
        ("Source", code(release.manifest.source.uri)),
        ("Manifest", code(f"{document['store']}/{document['manifest']}")),
    ]
    if (budget := release.manifest.budget) is not None:
        rows.append(("One row", f"{budget.p50_us:.0f} us, p95 {budget.p95_us:.0f} us"))
        rows.append(("Graph", f"{budget.bytes:,} bytes, loads in {budget.load_ms:.0f} ms"))
    steps = block(release.manifest.plan.render(release.manifest.signature))
    plan = f"<details><summary>Plan</summary>{steps}</details>"
    ci.summary("onnxport export: published", f"{_table(('', ''), rows)}\n\n{plan}")


def report_check(ci: Ci, report: ParityReport, folder: str) -> None:
    """The CI system knows the verdicts; a failed report's exit code follows by `report_failure`.

    Raises:
        UsageError: The CI system's files cannot be written.
    """
    ci.outputs(_texts({"parity-passed": report.passed, "report": folder}, done=report.passed))
    heading = ("Question", "", "Compared", "Failed", "Worst", "Allowed")
    rows = [
        (
            cell(verdict.name),
            "passed" if verdict.passed else "**failed**",
            f"{verdict.compared:,}",
            f"{verdict.failed:,}",
            "" if verdict.worst is None else f"{verdict.worst:.3g}",
            cell(verdict.allowed),
        )
        for verdict in report.verdicts
    ]
    ci.summary(f"onnxport check: parity {'passed' if report.passed else 'failed'}", _table(heading, rows))


def report_failure(ci: Ci, command: str, error: OnnxportError) -> None:
    """The CI system knows why `command` failed.

    Raises:
        UsageError: The CI system's files cannot be written.
    """
    number = exit_code(error)
    meaning = dict(EXIT_CODES.values())[number]
    outputs = {"exit-code": str(number), "error": error.code}
    if error.code == "parity-failed":
        outputs["parity-passed"] = "false"
    ci.outputs(outputs)
    rows = [("Exit code", f"{number}: {meaning}"), ("Reason", cell(error.message)), ("Next", cell(error.hint))]
    ci.summary(f"onnxport {command}: failed", _table(("", ""), rows))


def cell(text: str) -> str:
    """`text` in a cell of a table: nothing in it is Markdown or markup."""
    return text.replace("\r", "").translate({**_PLAIN, _LINE_END: "<br>"})


def block(text: str) -> str:
    """`text` as lines of code, on one line of Markdown: a blank line would end it."""
    return f"<pre>{text.translate({**_PLAIN, _LINE_END: '&#10;'})}</pre>"


def code(text: str) -> str:
    """`text` as code in a cell of a table."""
    return f"<code>{cell(text)}</code>"


def _table(heading: tuple[str, ...], rows: list[Any]) -> str:
    lines = [heading, ("---",) * len(heading), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _texts(values: Mapping[str, object], *, done: bool = True) -> dict[str, str]:
    """`values` as CI systems write them: `true`, `false`, nothing for what is not there; and the exit code."""
    texts = {name: _text(value) for name, value in values.items()}
    return {**texts, "exit-code": "0"} if done else texts


def _text(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
