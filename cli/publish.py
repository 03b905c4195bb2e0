"""`onnxport publish`: a checked folder becomes a release."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .groups import LimitFlags, PromotionFlags, SigningFlags
from .invocation import current
from .options import STORE, Json, SignIn, Store, WithSource
from .screen import progress_bars

if TYPE_CHECKING:
    from onnxport.artifacts import Alias as AliasDocument
    from onnxport.artifacts import Release


def publish(
    context: typer.Context,
    *,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What `onnxport check` proved.")],
    name: Annotated[str, typer.Option(help="Name of the model in the store.")],
    store: Store = STORE,
    auth: SignIn = None,
    promotion: PromotionFlags,
    signing: SigningFlags,
    limits: LimitFlags,
    with_source: WithSource = False,
    json: Json = False,
) -> None:
    """Publish the proven graph in DIR as the next release of NAME.

    The same graph of the same source is published once: a second call answers with the release that is there.
    Signed with a key, it is published once for that key.
    """
    from onnxport.pipelines.folder import read_artifact, read_booster, read_proof
    from onnxport.pipelines.publish import promote, reference
    from onnxport.pipelines.publish import publish as to_release

    del json
    invocation = current(context)
    signer = signing.signer()
    artifact, proof = read_artifact(folder), read_proof(folder)
    booster = read_booster(folder) if with_source else None
    with progress_bars() as progress:
        releases = invocation.releases(store, progress, signer, auth)
        release = to_release(name, artifact, proof, releases, limits=limits.limits(), booster=booster)
        asked = promotion.promotion()
        moved = None if asked is None else promote(reference(release), asked, releases)
    document = release_document(release, moved, releases.store.url)
    invocation.screen.show(document, lambda: release_lines(release, moved, releases.store.url))


def release_document(release: Release, alias: AliasDocument | None, store: str) -> dict[str, Any]:
    """What `--json` says of a published release."""
    manifest = release.manifest
    model = manifest.model
    parity = manifest.parity
    return {
        "model": model.name,
        "version": model.version,
        "digest": manifest.digest,
        "created": release.created,
        "store": store,
        "manifest": f"{model.name}/releases/{model.version}/manifest.json",
        "signed": any(entry.name == "signature.json" for entry in manifest.files),
        "alias": None if alias is None else alias.alias,
        "parity": {
            "passed": parity.passed,
            "rows": parity.rows,
            "probes": parity.probes,
            "worst": parity.worst,
        },
        "plan": manifest.plan.model_dump(mode="json"),
    }


def release_lines(release: Release, alias: AliasDocument | None, store: str) -> str:
    """What a person reads of a published release."""
    manifest = release.manifest
    model = manifest.model
    verb = "published" if release.created else "was there already:"
    lines = [
        f"{verb} {model.name}:{model.version}  sha256 {manifest.digest}",
        f"  store     {store}",
        f"  manifest  {model.name}/releases/{model.version}/manifest.json",
        f"  model     {model.name}/{manifest.file('model.onnx').path}",
        f"  report    {model.name}/{manifest.file('parity.html').path}",
        f"  parity    passed on {manifest.parity.rows:,} rows, {sum(manifest.parity.probes.values()):,} probes, "
        f"worst difference {manifest.parity.worst:.3g}",
    ]
    if alias is not None:
        lines.append(f"  alias     {model.name}@{alias.alias} -> {alias.version}")
    return "\n".join(lines)
