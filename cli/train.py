"""`onnxport train`: a model by recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .groups import WorkspaceFlags
from .invocation import current
from .options import TRACKING_URI, Json, Scheduler, TrackingUri
from .screen import progress_bars
from .settings import Registry, environment, git_commit


def train(
    context: typer.Context,
    *,
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="YAML: data, features, model, metrics.")],
    register: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Register the model under NAME; the same model is registered once."),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(metavar="DATA", help="Train on this file, a path or in Blob storage, not on the recipe's."),
    ] = None,
    registry: Annotated[
        Registry, typer.Option(help="Where --register registers; the run is logged to MLflow in any case.")
    ] = Registry.MLFLOW,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep the model's files here as well: a source for the next step."),
    ] = None,
    scheduler: Scheduler = None,
    tracking_uri: TrackingUri = TRACKING_URI,
    azure: WorkspaceFlags,
    json: Json = False,
) -> None:
    """Train by RECIPE; log run, metrics, signature and model to MLflow, and register it there or in Azure ML.

    With --scheduler XGBoost's estimators train on the workers of a Dask cluster, which read the rows in parts:
    for data that is too large for one machine.
    """
    from onnxport.sources import AzureAccess, TrainAccess, load_recipe
    from onnxport.sources import train as run

    del json
    invocation = current(context)
    loaded = load_recipe(recipe)
    access = TrainAccess(
        tracking_uri=tracking_uri,
        register=register,
        registry=registry.value,
        azure=invocation.azure_access(azure) if registry is Registry.AZUREML else AzureAccess(),
        data=data,
        store=invocation.store_access(azure.auth),
        scheduler=scheduler,
        keep=out,
        git_commit=git_commit(environment()),
    )
    with progress_bars() as progress:
        trained = run(loaded, access, progress)
    document = {
        "uri": trained.uri,
        "run_id": trained.run_id,
        "sha256": trained.sha256,
        "created": trained.created,
        "metrics": dict(trained.metrics),
    }

    def human() -> str:
        metrics = ", ".join(f"{name} {value:.4g}" for name, value in trained.metrics.items())
        verb = "trained" if trained.created else "was there already:"
        return f"{verb} {trained.uri}  sha256 {trained.sha256}\n  {metrics}\nnext: onnxport export {trained.uri} …"

    invocation.screen.show(document, human)
