"""`onnxport pull`: a release onto this machine, verified on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .invocation import current
from .options import STORE, Json, Out, Reference, SignIn, Store
from .screen import progress_bars


def pull(
    context: typer.Context,
    reference: Reference,
    out: Out,
    store: Store = STORE,
    auth: SignIn = None,
    cache: Annotated[
        Path | None,
        typer.Option(metavar="DIR", envvar="ONNXPORT_CACHE", help="Keep files by digest here: pulled once only."),
    ] = None,
    json: Json = False,
) -> None:
    """Pull a release's files and its manifest into DIR; a file whose digest is wrong never lands there."""
    from onnxport.artifacts import ReleaseRef

    del json
    invocation = current(context)
    with progress_bars() as progress:
        manifest = invocation.releases(store, progress, auth=auth).pull(ReleaseRef.parse(reference), out, cache)
    model = manifest.model
    document = {
        "model": model.name,
        "version": model.version,
        "digest": manifest.digest,
        "out": str(out),
        "files": [entry.name for entry in manifest.files],
    }
    invocation.screen.show(document, lambda: f"pulled {model.name}:{model.version} into {out}")
