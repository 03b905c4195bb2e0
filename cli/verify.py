"""`onnxport verify`: is a release what its manifest says?"""

from __future__ import annotations

from typing import Annotated

import typer

from .invocation import current
from .options import STORE, Json, Reference, Store
from .screen import progress_bars


def verify(
    context: typer.Context,
    reference: Reference,
    store: Store = STORE,
    golden: Annotated[
        bool,
        typer.Option("--golden", help="Also run the golden rows through the graph on this machine."),
    ] = False,
    json: Json = False,
) -> None:
    """Check every file of a release against its manifest; exit 7 when one is not what it should be."""
    from onnxport.artifacts import ReleaseRef
    from onnxport.pipelines.verify import verify as run

    del json
    invocation = current(context)
    with progress_bars() as progress:
        releases = invocation.releases(store, progress)
        verified = run(ReleaseRef.parse(reference), releases, golden=golden)
    model = verified.manifest.model
    document = {
        "model": model.name,
        "version": model.version,
        "digest": verified.manifest.digest,
        "verified": [entry.name for entry in verified.manifest.files],
        "golden_rows": verified.golden_rows,
    }

    def human() -> str:
        rows = (
            "" if verified.golden_rows is None else f", {verified.golden_rows} golden rows proven on this machine"
        )
        return f"verified {model.name}:{model.version}: {len(verified.manifest.files)} files{rows}"

    invocation.screen.show(document, human)
