"""`onnxport export`: the main job in one command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .groups import CheckFlags, ConversionFlags, LimitFlags, PromotionFlags, SigningFlags, SourceFlags
from .invocation import current
from .options import STORE, Features, Json, Source, Store, WithSource, split_features
from .publish import release_document, release_lines
from .screen import progress_bars
from .summary import report_export


def export(
    context: typer.Context,
    *,
    source: Source,
    name: Annotated[str, typer.Option(help="Name of the model in the store.")],
    sample: Annotated[
        Path | None,
        typer.Option(metavar="DATA", help="Real rows, at least 1,000; default: what the source brings along."),
    ] = None,
    features: Features = None,
    store: Store = STORE,
    promotion: PromotionFlags,
    signing: SigningFlags,
    limits: LimitFlags,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep the graph, the plan and the parity report here as well."),
    ] = None,
    register_onnx: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Log the graph back to MLflow's registry under NAME, as flavor onnx."),
    ] = None,
    conversion: ConversionFlags,
    with_source: WithSource = False,
    checking: CheckFlags,
    opening: SourceFlags,
    json: Json = False,
) -> None:
    """Fetch, convert, prove and publish SOURCE as a release of NAME: all in one.

    Nothing is published unless the graph is proven to answer as the source does. Running it again with the same
    model is a no-op that answers with the release that is there.
    """
    from onnxport.pipelines.export import ExportJob
    from onnxport.pipelines.export import export as run

    del json
    invocation = current(context)
    signer = signing.signer()
    job = ExportJob(
        source=source,
        name=name,
        sample=sample,
        features=split_features(features),
        access=invocation.source_access(source, opening),
        conversion=conversion.options(),
        check=checking.options(),
        limits=limits.limits(),
        promotion=promotion.promotion(),
        out=out,
        register=register_onnx,
        with_source=with_source,
    )
    with progress_bars() as progress:
        releases = invocation.releases(store, progress, signer, opening.auth)
        done = run(job, releases, progress)
    url = releases.store.url
    registered = None if done.registered is None else done.registered.uri
    document = {**release_document(done.release, done.alias, url), "registered": registered}
    report_export(invocation.ci, done.release, document)
    invocation.screen.show(
        document,
        lambda: (
            release_lines(done.release, done.alias, url)
            + ("" if registered is None else f"\n  mlflow    {registered}")
        ),
    )
