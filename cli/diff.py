"""`onnxport diff`: what changed from one release to another."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .invocation import current
from .options import STORE, Json, SignIn, Store
from .screen import progress_bars

if TYPE_CHECKING:
    from onnxport.pipelines.diff import Difference
    from rich.console import Group
    from rich.table import Table

Row = tuple[str, str, str]


class Form(StrEnum):
    """How a difference is written."""

    TABLE = "table"
    MARKDOWN = "markdown"


def diff(
    context: typer.Context,
    before: Annotated[str, typer.Argument(metavar="REF", help="The older release: NAME:VERSION or NAME@ALIAS.")],
    after: Annotated[str, typer.Argument(metavar="REF", help="The newer release.")],
    store: Store = STORE,
    auth: SignIn = None,
    form: Annotated[
        Form, typer.Option(help="A table for the terminal, or Markdown for a pull request.")
    ] = Form.TABLE,
    json: Json = False,
) -> None:
    """Compare two releases: columns, trees, how predictions move on golden rows, parity, costs, packages."""
    from onnxport.artifacts import ReleaseRef
    from onnxport.pipelines.diff import diff as run

    del json
    invocation = current(context)
    with progress_bars() as progress:
        found = run(
            ReleaseRef.parse(before), ReleaseRef.parse(after), invocation.releases(store, progress, auth=auth)
        )
    invocation.screen.show(_document(found), lambda: _markdown(found) if form is Form.MARKDOWN else _tables(found))


def _document(found: Difference) -> dict[str, Any]:
    return {
        "before": {"version": found.before.model.version, "digest": found.before.digest},
        "after": {"version": found.after.model.version, "digest": found.after.digest},
        "breaking": [str(change) for change in found.breaking],
        "changes": [str(change) for change in found.changes],
        "trees": found.trees,
        "predictions": found.predictions,
        "figures": found.figures,
        "packages": found.packages,
    }


def _sections(found: Difference) -> dict[str, list[Row]]:
    """Title to rows of three cells: what, before, after."""
    changes = [
        (f"{change.what}{' - BREAKS CALLERS' if change.breaking else ''}", change.before or "", change.after or "")
        for change in found.changes
    ]
    predictions = [
        (f"{output}: {figure}", "", f"{value:.4g}")
        for output, figures in found.predictions.items()
        for figure, value in figures.items()
    ]
    return {
        "inputs and outputs": changes or [("no change", "", "")],
        "trees": [(name, f"{was:,}", f"{now:,}") for name, (was, now) in found.trees.items()],
        "predictions on golden rows": predictions or [("not comparable: other columns", "", "")],
        "parity and budget": [(name, _figure(was), _figure(now)) for name, (was, now) in found.figures.items()],
        "packages": [(name, was or "", now or "") for name, (was, now) in found.packages.items()]
        or [("no change", "", "")],
    }


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:,.4g}"


def _title(found: Difference) -> str:
    name = found.before.model.name
    same = "the same graph" if found.before.digest == found.after.digest else "another graph"
    return f"{name}:{found.before.model.version} -> {found.after.model.name}:{found.after.model.version}, {same}"


def _tables(found: Difference) -> Group:
    from rich.console import Group
    from rich.table import Table

    def table(title: str, rows: list[Row]) -> Table:
        made = Table(title=title, title_justify="left", min_width=80)
        for heading in ("", str(found.before.model.version), str(found.after.model.version)):
            made.add_column(heading)
        for row in rows:
            made.add_row(*row)
        return made

    return Group(_title(found), *(table(title, rows) for title, rows in _sections(found).items()))


def _markdown(found: Difference) -> str:
    lines = [f"### {_title(found)}"]
    for title, rows in _sections(found).items():
        lines += [
            "",
            f"**{title}**",
            "",
            f"| | {found.before.model.version} | {found.after.model.version} |",
            "|---|---|---|",
        ]
        lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines)
