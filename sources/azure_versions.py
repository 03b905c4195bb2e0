"""Which version of an Azure ML model is meant, and what Azure knows about where it came from."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from azure.ai.ml.constants import ListViewType
from azure.ai.ml.exceptions import MlException, ValidationErrorType, ValidationException
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from onnxport.artifacts import UsageError

from .azure_errors import describe, is_absent, names_no_workspace, translated

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from .azure_client import AzureClient
    from .azure_names import AzureModelName

_COMMIT_KEYS = ("azureml.git.commit", "mlflow.source.git.commit", "git_commit", "git.commit")
_SHOWN_VERSIONS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureModelVersion:
    """A registered model version.

    Attributes:
        name: The model's name.
        version: Its version.
        kind: Azure ML's type: `custom_model`, `mlflow_model`, `triton_model`.
        path: Where its files lie, as Azure ML says it.
        job: The job that made it, or `None`.
        git_commit: The commit of the training code, where the version or its job says so.
        lineage: What else is known: tags, job, data and code, by name.
        description: What is said about it in words, or `None`.
    """

    name: str
    version: str
    kind: str
    path: str
    job: str | None = None
    git_commit: str | None = None
    lineage: dict[str, str] = field(default_factory=dict[str, str])
    description: str | None = None


def find_version(azure: AzureClient, name: AzureModelName) -> AzureModelVersion:
    """The version that `name` means.

    Raises:
        UsageError: There is none, or it is archived; the message lists those that there are.
        Unreachable: Azure refuses us or does not answer.
    """
    what = f"model {name.name}, {f'version {name.version}' if name.version else name.label}, in {azure.place}"
    with translated(what), _absence_explained(azure, name):
        found = azure.ml.models.get(name.name, version=name.version, label=name.label)
    if name.registry is None:
        _check_active(azure, name, str(found.version))
    job = found.job_name or None
    made = _job(azure, job) if job and name.registry is None else {}
    properties = {**made, **_texts(found.properties)}
    lineage = {
        **_texts(found.tags),
        **{key: value for key, value in made.items() if key.startswith("azureml.")},
        "azureml.type": str(found.type),
        **({"azureml.job": job} if job else {}),
    }
    return AzureModelVersion(
        name=name.name,
        version=str(found.version),
        kind=str(found.type),
        path=str(found.path),
        job=job,
        git_commit=next((properties[key] for key in _COMMIT_KEYS if properties.get(key)), None),
        lineage=lineage,
        description=found.description or None,
    )


@contextmanager
def _absence_explained(azure: AzureClient, name: AzureModelName) -> Generator[None]:
    try:
        yield
    except (ResourceNotFoundError, ValidationException) as error:
        if not is_unknown(error):
            raise
        if isinstance(error, ResourceNotFoundError) and names_no_workspace(error):
            raise UsageError(
                f"there is no Azure ML {azure.place}: {describe(error)}",
                hint="Check subscription, resource group and workspace; `az ml workspace list` shows yours.",
            ) from error
        versions = _versions(azure, name.name)
        if versions:
            raise UsageError(
                f"model {name.name} in {azure.place} has no version {name.version or name.label}; "
                f"it has {', '.join(versions)}",
                hint=f"Name one of them, or azureml:{name.name}@latest.",
            ) from error
        raise UsageError(
            f"there is no model {name.name} in {azure.place}, or every version of it is archived",
            hint="`az ml model list` shows what is there; names are case-sensitive.",
        ) from error


def is_unknown(error: ResourceNotFoundError | ValidationException) -> bool:
    """Whether `error` says that there is no such model: Azure's 404, or the SDK's word for an empty list."""
    return isinstance(error, ResourceNotFoundError) or error.error_type == ValidationErrorType.RESOURCE_NOT_FOUND


def _versions(azure: AzureClient, name: str) -> list[str]:
    try:
        versions = [str(model.version) for model in azure.ml.models.list(name=name)]
    except HttpResponseError as error:
        if is_absent(error):
            return []
        raise
    return [*versions[:_SHOWN_VERSIONS], "…"] if len(versions) > _SHOWN_VERSIONS else versions


def _check_active(azure: AzureClient, name: AzureModelName, version: str) -> None:
    """The version is not archived; the SDK does not say so of a single one, only lists those that are.

    Raises:
        UsageError: It is.
    """
    with translated(f"archived versions of model {name.name} in {azure.place}"):
        archived = any(
            str(model.version) == version
            for model in azure.ml.models.list(name=name.name, list_view_type=ListViewType.ARCHIVED_ONLY)
        )
    if archived:
        raise UsageError(
            f"model {name.name}, version {version}, in {azure.place} is archived",
            hint=f"Name another, or restore it: az ml model restore --name {name.name} --version {version}.",
        )


def _job(azure: AzureClient, job: str) -> dict[str, str]:
    """What the job that made the model used; little where it is gone, not ours to see, or not known to the SDK.

    Raises:
        Unreachable: Azure does not answer.
    """
    with translated(f"job {job} in {azure.place}"):
        try:
            return _lineage(azure.ml.jobs.get(job))
        except HttpResponseError as error:
            if error.status_code in {403, 404}:
                return {"azureml.job.unknown": describe(error)}
            raise
        except MlException as error:
            return {"azureml.job.unknown": type(error).__name__}


def _lineage(job: Any) -> dict[str, str]:  # ruff: ignore[ANN401] - the SDK has a class for each kind of job
    properties = _texts(job.properties)
    lineage = {key: properties[key] for key in _COMMIT_KEYS if key in properties}
    for key, attribute in (("experiment", "experiment_name"), ("code", "code"), ("environment", "environment")):
        value = getattr(job, attribute, None)
        if isinstance(value, str) and value:
            lineage[f"azureml.{key}"] = value
    for name, value in (getattr(job, "inputs", None) or {}).items():
        if path := _path(value):
            lineage[f"azureml.data.{name}"] = path
    return lineage


def _path(job_input: Any) -> str | None:  # ruff: ignore[ANN401] - the SDK has a class for each kind of input
    try:
        path = getattr(job_input, "path", None)
    except MlException:  # what is no data has the attribute, and raises
        return None
    return str(path) if path else None


def _texts(mapping: Mapping[str, Any] | None) -> dict[str, str]:
    return {str(key): str(value) for key, value in (mapping or {}).items() if value is not None}
