"""`onnxport policy`: what a store demands of the releases that its aliases may point at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .invocation import current
from .options import STORE, Identities, Json, Keys, Roots, SignIn, Store
from .screen import progress_bars

if TYPE_CHECKING:
    from onnxport.releases import Policy


def policy(
    context: typer.Context,
    store: Store = STORE,
    auth: SignIn = None,
    key: Keys = None,
    certificate_chain: Roots = None,
    identity: Identities = None,
    allow_unsigned: Annotated[
        bool, typer.Option("--allow-unsigned", help="Demand no signature any more.")
    ] = False,
    json: Json = False,
) -> None:
    """Show what STORE demands of its releases, or set it: signatures of these keys or certificates.

    Where a signature is demanded, `promote`, `rollback` and `verify` exit 7 for a release without a valid one.
    What is set replaces what was demanded before.
    """
    from onnxport.artifacts import UsageError
    from onnxport.releases import Policy, read_trust

    del json
    invocation = current(context)
    demanded = bool(key or certificate_chain or identity)
    if demanded and allow_unsigned:
        raise UsageError("--allow-unsigned demands no signature, the others demand one", hint="Give either.")
    trust = read_trust(key or (), certificate_chain or (), identity or ()) if demanded else None
    with progress_bars() as progress:
        releases = invocation.releases(store, progress, auth=auth)
        if demanded or allow_unsigned:
            releases.set_policy(Policy(require_signature=trust))
        stands = releases.policy()
    document = {"store": releases.store.url, "policy": stands.model_dump(mode="json")}
    invocation.screen.show(document, lambda: _lines(stands, releases.store.url))


def _lines(stands: Policy, store: str) -> str:
    trust = stands.require_signature
    if trust is None:
        return f"{store} demands no signatures"
    names = f", in the name of {' or '.join(trust.identities)}" if trust.identities else ""
    return "\n".join(
        [
            f"{store} demands a signature of",
            *(f"  the key\n{pem.strip()}" for pem in trust.public_keys),
            *(f"  a certificate{names} that leads to\n{pem.strip()}" for pem in trust.roots),
        ]
    )
