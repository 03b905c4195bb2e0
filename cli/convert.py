"""`onnxport convert`: source model to ONNX graph."""

from __future__ import annotations

from typing import Annotated

import typer

from .groups import ConversionFlags, SourceFlags
from .invocation import current
from .options import Features, Json, Out, Sample, Source, WithSource, split_features


def convert(
    context: typer.Context,
    *,
    source: Source,
    sample: Sample,
    out: Out,
    features: Features = None,
    conversion: ConversionFlags,
    with_source: WithSource = False,
    opening: SourceFlags,
    explain: Annotated[bool, typer.Option("--explain", help="Print the whole plan, step by step.")] = False,
    json: Json = False,
) -> None:
    """Convert SOURCE to DIR/model.onnx, exactly or not at all.

    DIR/conversion.json says what was decided on the way: precision, layout, converter of each step. Prove the
    graph with `onnxport check` before you use it.
    """
    from onnxport.pipelines.convert import convert as to_onnx
    from onnxport.pipelines.folder import write_artifact
    from onnxport.pipelines.opened import open_source

    del json
    invocation = current(context)
    access = invocation.source_access(source, opening)
    with open_source(source, sample, access, split_features(features)) as opened:
        artifact = to_onnx(opened, conversion.options())
        booster = opened.booster() if with_source else None
    write_artifact(out, artifact, booster)
    made = artifact.conversion
    document = {
        "model": str(out / "model.onnx"),
        "digest": made.sha256,
        "bytes": len(artifact.model),
        "signature": made.signature.model_dump(mode="json"),
        "plan": made.plan.model_dump(mode="json"),
    }

    def human() -> str:
        lines = [f"{out / 'model.onnx'}  {len(artifact.model):,} bytes  sha256 {made.sha256}"]
        if explain:
            lines += [
                made.plan.render(made.signature),
                "valid by onnx.checker in full mode; not yet proven",
            ]
        lines.append(f"next: onnxport check {out} --against {source} --sample {sample}")
        return "\n".join(lines)

    invocation.screen.show(document, human)
