"""Writes a training down in MLflow: run, metrics, model, and a registered version where there is none yet."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onnxport.artifacts import UsageError

from .access import Trained
from .mlflow_registry import newest_version

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .access import TrainAccess
    from .recipe import Recipe
    from .tables import TableFile

DIGEST_TAG = "onnxport.sha256"
MODEL_PATH = "model"
CARD_FILE = "model-card.md"
_SQLITE = "sqlite:///"
_MAX_PARAM = 6000


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """A finished training.

    Attributes:
        recipe: What was trained.
        params: Parameters that were found by search and early stopping.
        metrics: On the held-out rows.
        card: The model card, Markdown.
        sha256: Digest of the model file.
        folder: Where the MLflow model lies.
        data: The file that it was trained on.
    """

    recipe: Recipe
    data: TableFile
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    card: str
    sha256: str
    folder: Path

    @property
    def tags(self) -> dict[str, str]:
        """What a registered version says about itself, and a release's manifest after it."""
        return {
            DIGEST_TAG: self.sha256,
            "onnxport.data": self.data.location,
            "onnxport.data_sha256": self.data.sha256,
        }


def existing(client: Any, access: TrainAccess, training: Training) -> Trained | None:  # ruff: ignore[ANN401] - an MlflowClient
    """The newest registered version, if it is this very model."""
    name = access.register
    if name is None:
        return None
    newest = newest_version(client, name)
    if newest is None or newest.tags.get(DIGEST_TAG) != training.sha256:
        return None
    return trained(training, f"models:/{name}/{newest.version}", str(newest.run_id), created=False)


def log(client: Any, access: TrainAccess, training: Training, *, failed: bool) -> Trained:  # ruff: ignore[ANN401] - as above
    """The training stands in MLflow as a run, and as a new version where it is registered there and did not fail.

    Raises:
        UsageError: The experiment was deleted.
    """
    recipe = training.recipe
    place = experiment(client, recipe.experiment or recipe.name, access.tracking_uri)
    run = client.create_run(place, run_name=recipe.name, tags=_tags(access, training))
    run_id = str(run.info.run_id)
    finished = False
    try:
        for name, value in _params(training).items():
            client.log_param(run_id, name, value)
        for name, metric in training.metrics.items():
            client.log_metric(run_id, name, metric)
        client.log_artifacts(run_id, str(training.folder), MODEL_PATH)
        client.log_text(run_id, training.card, CARD_FILE)
        finished = not failed
    finally:
        client.set_terminated(run_id, "FINISHED" if finished else "FAILED")
    uri = f"runs:/{run_id}/{MODEL_PATH}"
    if access.register is not None and access.registry == "mlflow" and not failed:
        uri = register_version(client, access.register, run, tags=training.tags, description=training.card)
    return trained(training, uri, run_id, created=True)


def trained(training: Training, uri: str, run_id: str, *, created: bool) -> Trained:
    """What the caller learns of a finished training."""
    return Trained(
        uri=uri,
        sha256=training.sha256,
        created=created,
        run_id=run_id,
        metrics=dict(training.metrics),
        card=training.card,
    )


def experiment(client: Any, name: str, tracking_uri: str) -> str:  # ruff: ignore[ANN401] - an MlflowClient
    """The id of the experiment `name`, which is there now.

    Raises:
        UsageError: It was deleted.
    """
    found = client.get_experiment_by_name(name)
    if found is None:
        return str(client.create_experiment(name, artifact_location=_beside(tracking_uri)))
    if found.lifecycle_stage != "active":
        raise UsageError(
            f"the MLflow experiment {name!r} was deleted", hint="Restore it, or name another in the recipe."
        )
    return str(found.experiment_id)


def _beside(tracking_uri: str) -> str | None:
    """Artifacts of an embedded database lie beside it, wherever the command runs; a server knows its own place."""
    if not tracking_uri.startswith(_SQLITE):
        return None
    return (Path(tracking_uri.removeprefix(_SQLITE)).resolve().parent / "mlartifacts").as_uri()


def _tags(access: TrainAccess, training: Training) -> dict[str, str]:
    tags = dict(training.tags)
    if access.git_commit:
        tags["mlflow.source.git.commit"] = access.git_commit
    if training.recipe.clip:
        tags["onnxport.clip"] = json.dumps(training.recipe.clip)
    return tags


def _params(training: Training) -> dict[str, str]:
    recipe = training.recipe
    settings = {**recipe.model.params, **training.params}
    params = {name: json.dumps(value) for name, value in settings.items()}
    params |= {"estimator": recipe.model.estimator, "seed": str(recipe.seed)}
    return {**params, "recipe": recipe.model_dump_json(exclude_none=True)[:_MAX_PARAM]}


def register_version(
    client: Any,  # ruff: ignore[ANN401] - MLflow's client
    name: str,
    run: Any,  # ruff: ignore[ANN401] - MLflow's run
    *,
    tags: Mapping[str, str],
    description: str,
) -> str:
    """The model that `run` logged is a new version of `name`; answers `models:/NAME/VERSION`."""
    from mlflow.exceptions import MlflowException  # ruff: ignore[PLC0415] - loads only when MLflow is asked

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    version = client.create_model_version(
        name,
        source=f"{run.info.artifact_uri}/{MODEL_PATH}",
        run_id=run.info.run_id,
        tags=dict(tags),
        description=description,
    )
    return f"models:/{name}/{version.version}"
