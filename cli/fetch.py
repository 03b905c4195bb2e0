"""`onnxport fetch`: a registered model onto this machine."""

from __future__ import annotations

import typer

from .invocation import current
from .options import TRACKING_URI, Json, Out, Source, TrackingUri


def fetch(
    context: typer.Context,
    source: Source,
    out: Out,
    tracking_uri: TrackingUri = TRACKING_URI,
    json: Json = False,
) -> None:
    """Bring the files of SOURCE into DIR, with their digest and lineage in DIR/source.json; nothing is opened."""
    from onnxport.pipelines.fetch import fetch as run

    del json
    invocation = current(context)
    access = invocation.source_access(source, allow_pickle=False, tracking_uri=tracking_uri)
    reference = run(source, out, access)
    invocation.screen.show(
        {"out": str(out), **reference.model_dump(mode="json", exclude_none=True)},
        lambda: f"fetched {reference.uri} into {out}  sha256 {reference.sha256}",
    )
