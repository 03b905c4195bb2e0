"""`onnxport fetch`: a registered model onto this machine."""

from __future__ import annotations

import typer

from .groups import SourceFlags
from .invocation import current
from .options import Json, Out, Source


def fetch(
    context: typer.Context,
    source: Source,
    out: Out,
    opening: SourceFlags,
    json: Json = False,
) -> None:
    """Bring the files of SOURCE into DIR, with their digest and lineage in DIR/source.json.

    The model is opened once, so that what lies there is known to be one: a pickle needs --allow-pickle.
    """
    from onnxport.pipelines.fetch import fetch as run

    del json
    invocation = current(context)
    access = invocation.source_access(source, opening)
    reference = run(source, out, access)
    invocation.screen.show(
        {"out": str(out), **reference.model_dump(mode="json", exclude_none=True)},
        lambda: f"fetched {reference.uri} into {out}  sha256 {reference.sha256}",
    )
