"""`onnxport predict`: batch scoring."""

from __future__ import annotations

from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .invocation import current
from .options import STORE, Json, Reference, Scheduler, SignIn, Store, split_features
from .screen import progress_bars

if TYPE_CHECKING:
    from onnxport.pipelines.predict import Scored


class Engine(StrEnum):
    """What answers rows."""

    AUTO = "auto"
    ONNX = "onnx"
    XGBOOST = "xgboost"


def predict(
    context: typer.Context,
    reference: Reference,
    data: Annotated[
        list[Path],
        typer.Argument(metavar="DATA", help="Rows: Parquet, CSV or Arrow files, or a folder of them."),
    ],
    out: Annotated[
        Path,
        typer.Option(metavar="FILE", help="Output: one file where it ends in .parquet, else a folder of files."),
    ],
    store: Store = STORE,
    id_columns: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,C", help="Columns of DATA to keep beside the answers; default: all that are no feature."
        ),
    ] = None,
    prefix: Annotated[str, typer.Option(help="Put this before the names of the answers.")] = "",
    engine: Annotated[
        Engine,
        typer.Option(
            help="auto: the faster one, after proof that both answer alike, where the release allows it."
        ),
    ] = Engine.AUTO,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Threads of this process; default: as many as processors.")
    ] = None,
    scheduler: Scheduler = None,
    restart: Annotated[
        bool, typer.Option("--restart", help="Discard what an earlier run left, finished or not.")
    ] = False,
    auth: SignIn = None,
    json: Json = False,
) -> None:
    """Score the rows of DATA with a release, in bounded memory, each row exactly once.

    A run that was stopped goes on where it was when the same command runs again. The output appears when it is
    whole, with FILE.manifest.json beside it: what was scored by which release, by which engine and why.
    """
    from onnxport.artifacts import ReleaseRef
    from onnxport.pipelines.predict import Hooks, PredictJob
    from onnxport.pipelines.predict import predict as run
    from onnxport.pipelines.scoring.runners import Runner, Threads, processors

    del json
    invocation = current(context)
    job = PredictJob(
        reference=ReleaseRef.parse(reference),
        data=data,
        out=out,
        ids=None if id_columns is None else split_features(id_columns) or [],
        prefix=prefix,
        engine=engine.value,
        restart=restart,
    )
    with ExitStack() as stack:
        progress = stack.enter_context(progress_bars())
        runner: Runner = Threads(count=workers or processors())
        if scheduler is not None:
            from onnxport.pipelines.scoring.cluster import connected

            runner = stack.enter_context(connected(scheduler))
        scored = run(
            job, Hooks(releases=invocation.releases(store, progress, auth=auth), runner=runner, progress=progress)
        )
    document = {
        "out": str(out),
        "created": scored.created,
        "resumed_rows": scored.resumed_rows,
        **scored.manifest.model_dump(mode="json", exclude_none=True, exclude={"task"}),
        "release": scored.manifest.task.release.model_dump(mode="json"),
    }
    invocation.screen.show(document, lambda: _text(out, scored))


def _text(out: Path, scored: Scored) -> str:
    manifest = scored.manifest
    release = manifest.task.release
    verb = "scored" if scored.created else "was there already:"
    again = f", {scored.resumed_rows:,} of them before" if scored.resumed_rows else ""
    return "\n".join(
        [
            f"{verb} {manifest.rows:,} rows{again}",
            f"  release   {release.name}:{release.version}  sha256 {release.digest}",
            f"  engine    {manifest.engine.name}: {manifest.engine.why}",
            f"  columns   {', '.join(column.name for column in manifest.columns)}",
            f"  out       {out}  {sum(file.size for file in manifest.files):,} bytes",
            f"  manifest  {out}.manifest.json",
        ]
    )
