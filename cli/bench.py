"""`onnxport bench`: what a release costs, side by side with its source."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .groups import SourceFlags
from .invocation import current
from .options import STORE, Json, Reference, Store
from .screen import progress_bars

if TYPE_CHECKING:
    from onnxport.pipelines.bench import Cost
    from rich.table import Table


def bench(
    context: typer.Context,
    *,
    reference: Reference,
    against: Annotated[
        str | None, typer.Option(metavar="SOURCE", help="Measure this source's own predictor beside it.")
    ] = None,
    sample: Annotated[
        Path | None,
        typer.Option(metavar="DATA", help="Rows to measure with; default: the release's golden rows."),
    ] = None,
    store: Store = STORE,
    opening: SourceFlags,
    json: Json = False,
) -> None:
    """Measure latency, load time, size and memory of a release, each side in a fresh process.

    The graph runs on one thread; the source as it is, on data frames as its scoring script builds them.
    """
    from onnxport.artifacts import ReleaseRef
    from onnxport.pipelines.bench import BenchJob
    from onnxport.pipelines.bench import bench as run

    del json
    invocation = current(context)
    job = BenchJob(
        reference=ReleaseRef.parse(reference),
        against=against,
        access=invocation.source_access(against or "", opening),
        sample=sample,
    )
    with progress_bars() as progress:
        manifest, costs = run(job, invocation.releases(store, progress, auth=opening.auth), progress)
    model = manifest.model
    document = {
        "model": model.name,
        "version": model.version,
        "digest": manifest.digest,
        "costs": [asdict(cost) for cost in costs],
    }
    invocation.screen.show(document, lambda: _table(costs))


def _table(costs: list[Cost]) -> Table:
    from rich.table import Table

    table = Table()
    table.add_column("")
    for cost in costs:
        table.add_column(cost.name, justify="right")
    if len(costs) > 1:
        table.add_column("ratio", justify="right")
    rows: list[tuple[str, list[float | None]]] = [
        ("load, ms", [cost.load_ms for cost in costs]),
        ("size, kB", [cost.bytes / 1e3 for cost in costs]),
        ("memory of the process, MiB", [cost.resident_mb for cost in costs]),
    ]
    for index, latency in enumerate(costs[0].latencies):
        of = "1 row" if latency.rows == 1 else f"{latency.rows:,} rows"
        for name in ("p50", "p95", "p99"):
            found: list[float | None] = [getattr(cost.latencies[index], f"{name}_us") for cost in costs]
            rows.append((f"{of}, {name}, us", found))
    for name, found in rows:
        table.add_row(name, *("-" if value is None else f"{value:,.1f}" for value in found), *_ratio(found))
    return table


def _ratio(found: list[float | None]) -> list[str]:
    """How many times the source costs what the release does."""
    if len(found) == 1:
        return []
    ours, theirs = found
    return [f"{theirs / ours:,.1f} x" if ours and theirs else "-"]
