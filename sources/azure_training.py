"""Registers what was trained here in Azure ML."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .azure_access import AzureRegistration
from .azure_registration import newest_registered, register_azureml
from .mlflow_logging import trained

if TYPE_CHECKING:
    from .access import TrainAccess, Trained
    from .mlflow_logging import Training

RUN_PROPERTY = "onnxport.run_id"


def existing_in_azure(name: str, access: TrainAccess, training: Training) -> Trained | None:
    """The newest version of `name` in the workspace, if it is this very model.

    Raises:
        UsageError: Nobody names a workspace, the name cannot name a model, or the SDK is not installed.
        Unreachable: Azure refuses us or does not answer.
    """
    newest = newest_registered(name, access.azure)
    if newest is None or newest.sha256 != training.sha256:
        return None
    return trained(training, newest.uri, newest.properties.get(RUN_PROPERTY, ""), created=False)


def register_in_azure(name: str, access: TrainAccess, training: Training, logged: Trained) -> Trained:
    """The model, which MLflow has as the run `logged`, is a version in the workspace as well.

    Raises:
        UnsupportedModel: The workspace's default datastore is no Blob storage.
        LostRace: Others kept taking the next version.
        Unreachable: Azure refuses us or does not answer.
    """
    commit = {"git_commit": access.git_commit} if access.git_commit else {}
    registration = AzureRegistration(
        name=name,
        files=training.folder,
        kind="mlflow_model",
        sha256=training.sha256,
        description=training.card,
        tags=training.tags,
        properties={RUN_PROPERTY: logged.run_id, **commit},
    )
    return replace(logged, uri=register_azureml(registration, access.azure).uri)
