"""`onnxport prune` and `copy`: the upkeep of stores."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from .invocation import current
from .options import STORE, Json, Reference, SignIn, Store
from .screen import progress_bars


def prune(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The model whose folder is pruned.")],
    store: Store = STORE,
    auth: SignIn = None,
    grace_days: Annotated[float, typer.Option(min=0.0, help="Keep what is younger than this.")] = 7.0,
    apply: Annotated[bool, typer.Option("--apply", help="Remove; without it, only say what would go.")] = False,
    json: Json = False,
) -> None:
    """Remove objects that no manifest names and that are older than the grace period."""
    del json
    invocation = current(context)
    with progress_bars() as progress:
        releases = invocation.releases(store, progress, auth=auth)
        grace = timedelta(days=grace_days)
        found = releases.prune(name, grace) if apply else releases.prunable(name, grace)
    document = {
        "model": name,
        "applied": apply,
        "objects": [{"key": blob.key, "size": blob.size} for blob in found],
    }
    size = sum(blob.size for blob in found)
    summary = f"{'removed' if apply else 'would remove'} {len(found)} objects, {size:,} bytes"
    invocation.screen.show(document, lambda: "\n".join([summary, *(f"  {blob.key}" for blob in found)]))


def copy(
    context: typer.Context,
    reference: Reference,
    to: Annotated[str, typer.Option(metavar="STORE", help="The store to copy to.")],
    store: Store = STORE,
    auth: SignIn = None,
    json: Json = False,
) -> None:
    """Copy a release to another store, digests checked: from development to production."""
    from onnxport.artifacts import ReleaseRef

    del json
    invocation = current(context)
    with progress_bars() as progress:
        origin = invocation.releases(store, progress, auth=auth)
        target = invocation.releases(to, progress, auth=auth)
        release = origin.copy(ReleaseRef.parse(reference), target)
    model = release.manifest.model
    document = {
        "model": model.name,
        "version": model.version,
        "digest": release.manifest.digest,
        "created": release.created,
        "store": target.store.url,
    }
    invocation.screen.show(document, lambda: f"copied to {target.store.url} as {model.name}:{model.version}")
