"""`onnxport show`: one release in full."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from .invocation import current
from .options import STORE, Json, Reference, SignIn, Store
from .screen import progress_bars

if TYPE_CHECKING:
    from onnxport.artifacts import Manifest


def show(
    context: typer.Context, reference: Reference, store: Store = STORE, auth: SignIn = None, json: Json = False
) -> None:
    """Show what a release is: inputs, outputs, plan, parity, files, provenance."""
    from onnxport.artifacts import ReleaseRef

    del json
    invocation = current(context)
    with progress_bars() as progress:
        manifest = invocation.releases(store, progress, auth=auth).resolve(ReleaseRef.parse(reference))
    invocation.screen.show(manifest.model_dump(mode="json", exclude_none=True), lambda: _text(manifest))


def _text(manifest: Manifest) -> str:
    model, source, made = manifest.model, manifest.source, manifest.provenance
    lines = [
        f"{model.name}:{model.version}  sha256 {manifest.digest}",
        f"source   {source.uri}  ({source.kind}, sha256 {source.sha256})",
        f"made     {made.created_at} by {made.created_by} with {made.tool}",
        f"runtime  onnxruntime >= {manifest.graph.min_onnxruntime}",
        f"parity   {manifest.parity.rows:,} rows, {sum(manifest.parity.probes.values()):,} probes, "
        f"worst difference {manifest.parity.worst:.3g}, threads {manifest.parity.threads}",
    ]
    if manifest.budget is not None:
        budget = manifest.budget
        lines.append(
            f"budget   one row {budget.p50_us:.0f} us (p95 {budget.p95_us:.0f}), load {budget.load_ms:.0f} ms, "
            f"memory {budget.rss_mb:.0f} MiB",
        )
    lines += [f"file     {entry.name}  {entry.size:,} bytes  {entry.path}" for entry in manifest.files]
    return "\n".join([*lines, manifest.plan.render(manifest.signature)])
