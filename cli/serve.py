"""`onnxport serve`: the scoring service."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .invocation import current
from .options import Json


class CacheMode(StrEnum):
    """Which caches are used."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


def serve(
    context: typer.Context,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model", metavar="REF", help="NAME@ALIAS, followed as it moves, or NAME:VERSION; repeatable."
        ),
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(envvar="ONNXPORT_STORE", metavar="STORE", help="Where the releases live."),
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on; default 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; default 8080; 0 is any free one.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes; default 1.")] = None,
    cache: Annotated[CacheMode | None, typer.Option(help="Which caches are used; default auto.")] = None,
    state: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Copies of releases, for starts without the store."),
    ] = None,
    poll: Annotated[float | None, typer.Option(metavar="SECONDS", help="How often aliases are looked at.")] = None,
    json: Json = False,
) -> None:
    """Serve releases over HTTP until SIGTERM or SIGINT; what is under way then is answered.

    Answers the product's own JSON, and is a drop-in for Azure ML endpoints (/score), MLflow (/invocations) and the
    Open Inference Protocol (/v2). A release is verified and proven on its golden rows before the first request; an
    alias is followed without a failed one.
    """
    from onnxport.serving import load_settings
    from onnxport.serving import serve as run

    del json
    invocation = current(context)
    settings = load_settings(
        invocation.config.path,
        store=store,
        models=model,
        host=host,
        port=port,
        workers=workers,
        cache=None if cache is None else cache.value,
        state=state,
        poll=poll,
    )
    run(settings)
    invocation.screen.show({"stopped": True, "models": list(settings.onnx.models)}, lambda: "stopped")
