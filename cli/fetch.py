"""`onnxport fetch`: a registered model onto this machine."""

from __future__ import annotations

import typer

from .invocation import SourceFlags, current
from .options import (
    TRACKING_URI,
    AllowModule,
    AllowPickle,
    Json,
    Out,
    ResourceGroup,
    SignIn,
    Source,
    Subscription,
    TrackingUri,
    Workspace,
)


def fetch(
    context: typer.Context,
    source: Source,
    out: Out,
    tracking_uri: TrackingUri = TRACKING_URI,
    allow_pickle: AllowPickle = False,
    allow_module: AllowModule = None,
    subscription: Subscription = None,
    resource_group: ResourceGroup = None,
    workspace: Workspace = None,
    auth: SignIn = None,
    json: Json = False,
) -> None:
    """Bring the files of SOURCE into DIR, with their digest and lineage in DIR/source.json.

    The model is opened once, so that what lies there is known to be one: a pickle needs --allow-pickle.
    """
    from onnxport.pipelines.fetch import fetch as run

    del json
    invocation = current(context)
    flags = SourceFlags(
        tracking_uri=tracking_uri,
        allow_pickle=allow_pickle,
        allow_modules=allow_module,
        subscription=subscription,
        resource_group=resource_group,
        workspace_name=workspace,
        auth=auth,
    )
    access = invocation.source_access(source, flags)
    reference = run(source, out, access)
    invocation.screen.show(
        {"out": str(out), **reference.model_dump(mode="json", exclude_none=True)},
        lambda: f"fetched {reference.uri} into {out}  sha256 {reference.sha256}",
    )
