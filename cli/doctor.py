"""`onnxport doctor`: what would break on this machine, and what to do about it."""

from __future__ import annotations

import json as text
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .failures import EXIT_CODES
from .groups import SourceFlags
from .invocation import current
from .options import STORE, Json, Store

if TYPE_CHECKING:
    from onnxport.pipelines.doctor import Finding
    from onnxport.sources import AzureAccess
    from onnxport.storage import StoreAccess
    from rich.table import Table

    from .invocation import Invocation

_STORAGE, _MANAGEMENT = "https://storage.azure.com/.default", "https://management.azure.com/.default"
_COLOURS = {"fine": "green", "warning": "yellow", "broken": "red", "skipped": "dim"}


def doctor(
    context: typer.Context,
    *,
    store: Store = STORE,
    opening: SourceFlags,
    timeout: Annotated[
        float, typer.Option(min=0.1, metavar="SECONDS", help="How long each probe may take.")
    ] = 20.0,
    json: Json = False,
) -> None:
    """Probe versions, runtime, store, sign-in, Redis and MLflow; say what would break and what to do.

    Writes a blob to the store and removes it again. Exits 0 when nothing that is needed is broken, else with the
    code that the commands would end with.
    """
    from onnxport.pipelines.doctor import examine
    from onnxport.pipelines.probes import Machine, probes
    from onnxport.storage import open_store

    del json
    invocation = current(context)
    azure, access = invocation.azure_access(opening), invocation.store_access(opening.auth)
    machine = Machine(
        matrix=text.loads((files("onnxport.cli") / "tested.json").read_text(encoding="utf-8")),
        open_store=lambda: open_store(store, access),
        azure=azure,
        scopes=_scopes(store, access, azure),
        redis_url=_redis_url(invocation),
        tracking_uri=opening.tracking_uri,
        seconds=timeout,
    )
    findings = list(examine(probes(machine), timeout))
    broken = [finding for finding in findings if finding.state == "broken"]
    document = {
        "healthy": not broken,
        "config": None if invocation.config.path is None else str(Path(invocation.config.path).absolute()),
        "findings": [asdict(finding) for finding in findings],
    }
    invocation.screen.show(document, lambda: _table(findings))
    if broken:
        raise typer.Exit(EXIT_CODES.get(broken[0].code, EXIT_CODES["unexpected"])[0])


def _scopes(store: str, access: StoreAccess, azure: AzureAccess) -> tuple[str, ...]:
    """What tokens are needed for: storage without a key, and the workspace."""
    keyed = access.connection_string or access.account_key or access.sas_token or "?" in store
    by_token = store.startswith(("az://", "https://")) and not keyed
    return ((_STORAGE,) if by_token else ()) + ((_MANAGEMENT,) if azure.workspace else ())


def _redis_url(invocation: Invocation) -> str | None:
    redis: Any = invocation.config.cache.get("redis") or {}
    if not isinstance(redis, dict) or not redis.get("enabled"):
        return None
    return str(redis.get("url") or "redis://127.0.0.1:6379/0")


def _table(findings: list[Finding]) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table(show_lines=True)
    for heading in ("", "", "found", "would break", "what to do"):
        table.add_column(heading, overflow="fold")
    for finding in findings:
        colour = _COLOURS[finding.state]
        cells = (escape(cell) for cell in (finding.found, finding.breaks, finding.hint))
        table.add_row(finding.name, f"[{colour}]{finding.state}[/{colour}]", *cells)
    return table
