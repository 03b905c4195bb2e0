"""`onnxport convert`: source model to ONNX graph."""

from __future__ import annotations

from typing import Annotated

import typer

from .invocation import SourceFlags, current
from .options import (
    RUNTIME,
    TRACKING_URI,
    AllowModule,
    AllowPickle,
    Clip,
    Features,
    Json,
    Out,
    ResourceGroup,
    Runtime,
    Sample,
    SignIn,
    Source,
    Subscription,
    TrackingUri,
    Workspace,
    split_features,
)


def convert(
    context: typer.Context,
    source: Source,
    sample: Sample,
    out: Out,
    features: Features = None,
    clip: Clip = None,
    runtime: Runtime = RUNTIME,
    tracking_uri: TrackingUri = TRACKING_URI,
    allow_pickle: AllowPickle = False,
    allow_module: AllowModule = None,
    subscription: Subscription = None,
    resource_group: ResourceGroup = None,
    workspace: Workspace = None,
    auth: SignIn = None,
    explain: Annotated[bool, typer.Option("--explain", help="Print the whole plan, step by step.")] = False,
    json: Json = False,
) -> None:
    """Convert SOURCE to DIR/model.onnx, exactly or not at all.

    DIR/conversion.json says what was decided on the way: precision, layout, converter of each step. Prove the
    graph with `onnxport check` before you use it.
    """
    from onnxport.exporters import ExportOptions
    from onnxport.pipelines.convert import convert as to_onnx
    from onnxport.pipelines.folder import write_artifact
    from onnxport.pipelines.opened import open_source

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
    opened = open_source(source, sample, access, split_features(features))
    artifact = to_onnx(opened, ExportOptions(clip=clip, runtime=runtime))
    write_artifact(out, artifact)
    conversion = artifact.conversion
    document = {
        "model": str(out / "model.onnx"),
        "digest": conversion.sha256,
        "bytes": len(artifact.model),
        "signature": conversion.signature.model_dump(mode="json"),
        "plan": conversion.plan.model_dump(mode="json"),
    }

    def human() -> str:
        lines = [f"{out / 'model.onnx'}  {len(artifact.model):,} bytes  sha256 {conversion.sha256}"]
        if explain:
            lines.append(conversion.plan.render())
        lines.append(f"next: onnxport check {out} --against {source} --sample {sample}")
        return "\n".join(lines)

    invocation.screen.show(document, human)
