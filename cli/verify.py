"""`onnxport verify`: is a release what its manifest says?"""

from __future__ import annotations

from typing import Annotated

import typer

from .invocation import current
from .options import STORE, Identities, Json, Keys, Reference, Roots, SignIn, Store
from .screen import progress_bars


def verify(
    context: typer.Context,
    reference: Reference,
    store: Store = STORE,
    auth: SignIn = None,
    golden: Annotated[
        bool,
        typer.Option("--golden", help="Also run the golden rows through the graph on this machine."),
    ] = False,
    key: Keys = None,
    certificate_chain: Roots = None,
    identity: Identities = None,
    json: Json = False,
) -> None:
    """Check every file of a release against its manifest; exit 7 when one is not what it should be.

    With --key or --certificate-chain, and where the store's policy says so, it must be signed as well.
    """
    from onnxport.artifacts import ReleaseRef
    from onnxport.pipelines.verify import verify as run
    from onnxport.releases import read_trust

    del json
    invocation = current(context)
    demanded = bool(key or certificate_chain or identity)
    trust = read_trust(key or (), certificate_chain or (), identity or ()) if demanded else None
    with progress_bars() as progress:
        releases = invocation.releases(store, progress, auth=auth)
        verified = run(ReleaseRef.parse(reference), releases, golden=golden, trust=trust)
    model = verified.manifest.model
    document = {
        "model": model.name,
        "version": model.version,
        "digest": verified.manifest.digest,
        "verified": [entry.name for entry in verified.manifest.files],
        "golden_rows": verified.golden_rows,
        "signed_by": verified.signed_by,
    }

    def human() -> str:
        rows = (
            "" if verified.golden_rows is None else f", {verified.golden_rows} golden rows proven on this machine"
        )
        signed = "" if verified.signed_by is None else f", signed by {verified.signed_by}"
        return f"verified {model.name}:{model.version}: {len(verified.manifest.files)} files{rows}{signed}"

    invocation.screen.show(document, human)
