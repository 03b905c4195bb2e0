"""`onnxport list`: what is in a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from .invocation import current
from .options import STORE, Json, SignIn, Store
from .screen import progress_bars

if TYPE_CHECKING:
    from onnxport.releases import Releases
    from rich.table import Table


def list_releases(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A model: list its releases.")] = None,
    store: Store = STORE,
    auth: SignIn = None,
    json: Json = False,
) -> None:
    """List the models in a store, or the releases of the model NAME."""
    del json
    invocation = current(context)
    with progress_bars() as progress:
        releases = invocation.releases(store, progress, auth=auth)
        rows = _models(releases) if name is None else _versions(releases, name)
    key = "models" if name is None else "releases"
    invocation.screen.show({"store": releases.store.url, key: rows}, lambda: _table(rows, releases.store.url))


def _models(releases: Releases) -> list[dict[str, Any]]:
    from onnxport.artifacts import ReleaseRef

    return [
        {
            "model": name,
            "newest": releases.resolve(ReleaseRef(name=name)).model.version,
            "aliases": {alias.alias: alias.version for alias in releases.aliases(name)},
        }
        for name in releases.models()
    ]


def _versions(releases: Releases, name: str) -> list[dict[str, Any]]:
    return [
        {"version": found.version, "published": found.published.isoformat(), "aliases": list(found.aliases)}
        for found in releases.releases(name)
    ]


def _table(rows: list[dict[str, Any]], store: str) -> Table | str:
    from rich.table import Table

    if not rows:
        return f"{store}: nothing published yet"
    table = Table(title=store)
    for heading in rows[0]:
        table.add_column(heading)
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    return table


def _cell(value: Any) -> str:  # ruff: ignore[ANN401] - any cell
    if isinstance(value, dict):
        return ", ".join(f"{name} -> {version}" for name, version in value.items())
    return ", ".join(value) if isinstance(value, list) else str(value)
