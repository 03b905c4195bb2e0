"""`onnxport slo check|rules|dashboard`: is the objective kept, and who is told when it is not?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .expanding import OptionGroup
from .failures import EXIT_CODES
from .invocation import current
from .options import Json

if TYPE_CHECKING:
    from onnxport.operations import Check, Objective
    from rich.console import Group

RulesOut = Annotated[Path, typer.Option("--out", metavar="FILE", help="The file that is written, as a whole.")]

THRESHOLD_MS, QUANTILE, WINDOW, MIN_REQUESTS = 500.0, 0.95, "7d", 100
"""The defaults of `onnxport.operations.Objective`; a test holds the two together."""
_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveFlags(OptionGroup):
    """What is promised.

    Attributes:
        models: The latency-critical models.
        threshold_ms: How long a request may take, milliseconds.
        quantile: Share of the requests that must be as fast.
        window: Over which time.
        min_requests: How many requests a verdict needs.
    """

    models: Annotated[
        list[str] | None,
        typer.Option("--model", metavar="NAME", help="A latency-critical model; repeat for more."),
    ] = None
    threshold_ms: Annotated[
        float, typer.Option(metavar="MS", help="How long a request may take: an edge of the buckets.")
    ] = THRESHOLD_MS
    quantile: Annotated[
        float, typer.Option(metavar="SHARE", help="Share of the requests that must be as fast: 0.95.")
    ] = QUANTILE
    window: Annotated[str, typer.Option(metavar="DURATION", help="Over which time: 7d, 30d, 12h.")] = WINDOW
    min_requests: Annotated[
        int, typer.Option(metavar="N", help="How many requests in the window a verdict needs.")
    ] = MIN_REQUESTS

    def objective(self) -> Objective:
        """The same for `operations`.

        Raises:
            UsageError: It promises nothing.
        """
        from onnxport.operations import Objective

        return Objective(
            models=tuple(dict.fromkeys(self.models or ())),
            quantile=self.quantile,
            threshold_ms=self.threshold_ms,
            window=self.window,
            min_requests=self.min_requests,
        )


def check(
    context: typer.Context,
    prometheus: Annotated[
        str,
        typer.Option(envvar="ONNXPORT_PROMETHEUS", metavar="URL", help="Prometheus, or what speaks like it."),
    ],
    promised: ObjectiveFlags,
    token_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A bearer token for Prometheus, sent over https only.")
    ] = None,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", help="How long one question may take.")] = _SECONDS,
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the result as a Markdown page too.")
    ] = None,
    json: Json = False,
) -> None:
    """Ask Prometheus whether each model keeps its objective; exit 10 when one breaches it.

    Says how many requests were slow, in which bucket the quantile lies, how fast the budget of slow requests is
    used, and what to do. Without enough requests for a verdict on every model it exits 6, because that is no pass.
    """
    from onnxport.operations import Prometheus
    from onnxport.operations.slo import check as run
    from onnxport.operations.slo import markdown as page
    from onnxport.pipelines.folder import write_file

    del json
    invocation = current(context)
    asked = Prometheus(url=prometheus, token=_token(token_file), timeout_seconds=timeout)
    found = run(promised.objective(), asked)
    if markdown is not None:
        write_file(markdown, page(found).encode())
    invocation.screen.show({**found.document(), "prometheus": prometheus}, lambda: _table(found))
    if code := _exit_code(found):
        raise typer.Exit(code)


def rules(
    context: typer.Context,
    out: RulesOut,
    promised: ObjectiveFlags,
    json: Json = False,
) -> None:
    """Write recording and alert rules for Prometheus, made from the objective.

    Burn rate alerts over two windows each, and alerts on fallback, refused releases and disagreement.
    """
    import yaml
    from onnxport.operations.rules import rules as run
    from onnxport.pipelines.folder import write_file

    del json
    invocation = current(context)
    document = run(promised.objective())
    head = f"# Written by `onnxport slo rules`; check with: promtool check rules {out.name}\n"
    write_file(out, (head + yaml.safe_dump(document, sort_keys=False, width=1_000)).encode())
    made = [rule for group in document["groups"] for rule in group["rules"]]
    alerts = sorted({rule["alert"] for rule in made if "alert" in rule})
    invocation.screen.show(
        {"out": str(out), "rules": len(made), "alerts": alerts},
        lambda: f"{out}: {len(made)} rules; alerts: {', '.join(alerts)}",
    )


def dashboard(
    context: typer.Context,
    out: RulesOut,
    promised: ObjectiveFlags,
    json: Json = False,
) -> None:
    """Write a dashboard for Grafana, made from the objective: import it, and choose your Prometheus."""
    from onnxport.artifacts import canonical_json
    from onnxport.operations.dashboard import dashboard as run
    from onnxport.pipelines.folder import write_file

    del json
    invocation = current(context)
    document = run(promised.objective())
    write_file(out, canonical_json(document))
    panels = [panel["title"] for panel in document["panels"]]
    invocation.screen.show({"out": str(out), "panels": panels}, lambda: f"{out}: {len(panels)} panels")


def _token(path: Path | None) -> str | None:
    from onnxport.artifacts import UsageError

    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the token in {path}: {error}") from error


def _exit_code(found: Check) -> int:
    from onnxport.operations import Verdict

    codes = {Verdict.BREACHED: "slo-breached", Verdict.UNKNOWN: "unreachable", Verdict.WITHIN: "done"}
    return EXIT_CODES[codes[found.verdict]][0]


def _table(found: Check) -> Group:
    from onnxport.operations.slo import rows, title, todos
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    colours = {"within": "green", "breached": "red", "not enough data": "yellow"}
    heading, *lines = rows(found)
    table = Table(title=title(found.objective))
    for name in heading:
        table.add_column(name, justify="left" if name in {"model", "verdict"} else "right")
    for model, verdict, *rest in lines:
        table.add_row(model, f"[{colours[verdict]}]{verdict}[/]", *rest)
    return Group(table, *map(Text, todos(found)))
