"""`onnxport export`: the main job in one command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .invocation import SourceFlags, current
from .options import (
    RUNTIME,
    SEED,
    STORE,
    TOLERANCE,
    TRACKING_URI,
    Alias,
    AllowModule,
    AllowPickle,
    Breaking,
    Certificate,
    Chain,
    Clip,
    Features,
    Json,
    MaxBytes,
    MaxLoad,
    MaxP95,
    MaxRss,
    Reason,
    ResourceGroup,
    Runtime,
    Seed,
    SignIn,
    SignWith,
    Source,
    Store,
    Subscription,
    Tolerance,
    TrackingUri,
    Workspace,
    split_features,
)
from .publish import release_document, release_lines
from .screen import progress_bars
from .signing import open_signer


def export(
    context: typer.Context,
    source: Source,
    name: Annotated[str, typer.Option(help="Name of the model in the store.")],
    sample: Annotated[
        Path | None,
        typer.Option(metavar="DATA", help="Real rows, at least 1,000; default: what the source brings along."),
    ] = None,
    store: Store = STORE,
    alias: Alias = None,
    reason: Reason = "",
    breaking: Breaking = False,
    sign_with: SignWith = None,
    certificate: Certificate = None,
    chain: Chain = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep the graph, the plan and the parity report here as well."),
    ] = None,
    features: Features = None,
    clip: Clip = None,
    runtime: Runtime = RUNTIME,
    tolerance: Tolerance = TOLERANCE,
    seed: Seed = SEED,
    tracking_uri: TrackingUri = TRACKING_URI,
    allow_pickle: AllowPickle = False,
    allow_module: AllowModule = None,
    subscription: Subscription = None,
    resource_group: ResourceGroup = None,
    workspace: Workspace = None,
    auth: SignIn = None,
    max_p95_us: MaxP95 = None,
    max_load_ms: MaxLoad = None,
    max_rss_mb: MaxRss = None,
    max_bytes: MaxBytes = None,
    json: Json = False,
) -> None:
    """Fetch, convert, prove and publish SOURCE as a release of NAME: all in one.

    Nothing is published unless the graph is proven to answer as the source does. Running it again with the same
    model is a no-op that answers with the release that is there.
    """
    from onnxport.exporters import ExportOptions
    from onnxport.pipelines.export import ExportJob
    from onnxport.pipelines.export import export as run
    from onnxport.pipelines.limits import Limits
    from onnxport.pipelines.publish import Promotion
    from onnxport.validation import CheckOptions, load_tolerances

    del json
    limits = Limits(p95_us=max_p95_us, load_ms=max_load_ms, rss_mb=max_rss_mb, bytes=max_bytes)
    invocation = current(context)
    signer = open_signer(sign_with, certificate, chain)
    flags = SourceFlags(
        tracking_uri=tracking_uri,
        allow_pickle=allow_pickle,
        allow_modules=allow_module,
        subscription=subscription,
        resource_group=resource_group,
        workspace_name=workspace,
        auth=auth,
    )
    job = ExportJob(
        source=source,
        name=name,
        sample=sample,
        features=split_features(features),
        access=invocation.source_access(source, flags),
        conversion=ExportOptions(clip=clip, runtime=runtime),
        check=CheckOptions(tolerances=load_tolerances(tolerance), seed=seed),
        limits=limits,
        promotion=None if alias is None else Promotion(alias=alias, reason=reason, breaking=breaking),
        out=out,
    )
    with progress_bars() as progress:
        releases = invocation.releases(store, progress, signer)
        done = run(job, releases, progress)
    url = releases.store.url
    invocation.screen.show(
        release_document(done.release, done.alias, url),
        lambda: release_lines(done.release, done.alias, url),
    )
