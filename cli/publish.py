"""`onnxport publish`: a checked folder becomes a release."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .invocation import current
from .options import (
    STORE,
    Alias,
    Breaking,
    Certificate,
    Chain,
    Json,
    MaxBytes,
    MaxLoad,
    MaxP95,
    MaxRss,
    Reason,
    SignWith,
    Store,
)
from .screen import progress_bars
from .signing import open_signer

if TYPE_CHECKING:
    from onnxport.artifacts import Alias as AliasDocument
    from onnxport.artifacts import Release


def publish(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What `onnxport check` proved.")],
    name: Annotated[str, typer.Option(help="Name of the model in the store.")],
    store: Store = STORE,
    alias: Alias = None,
    reason: Reason = "",
    breaking: Breaking = False,
    sign_with: SignWith = None,
    certificate: Certificate = None,
    chain: Chain = None,
    max_p95_us: MaxP95 = None,
    max_load_ms: MaxLoad = None,
    max_rss_mb: MaxRss = None,
    max_bytes: MaxBytes = None,
    json: Json = False,
) -> None:
    """Publish the proven graph in DIR as the next release of NAME.

    The same graph of the same source is published once: a second call answers with the release that is there.
    Signed with a key, it is published once for that key.
    """
    from onnxport.pipelines.folder import read_artifact, read_proof
    from onnxport.pipelines.limits import Limits
    from onnxport.pipelines.publish import Promotion, promote, reference
    from onnxport.pipelines.publish import publish as to_release

    del json
    limits = Limits(p95_us=max_p95_us, load_ms=max_load_ms, rss_mb=max_rss_mb, bytes=max_bytes)
    invocation = current(context)
    signer = open_signer(sign_with, certificate, chain)
    artifact, proof = read_artifact(folder), read_proof(folder)
    with progress_bars() as progress:
        releases = invocation.releases(store, progress, signer)
        release = to_release(name, artifact, proof, releases, limits=limits)
        moved = None
        if alias is not None:
            promotion = Promotion(alias=alias, reason=reason, breaking=breaking)
            moved = promote(reference(release), promotion, releases)
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
