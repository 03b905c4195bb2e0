"""Registers trained models in an Azure ML workspace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from onnxport.artifacts import LostRace, UsageError, digest_file, digest_folder
from onnxport.storage import BlobExists, StoreAccess, open_store
from onnxport.storage.azure_pipeline import one_line

from .azure_access import AzureRegistered
from .azure_client import connect
from .azure_errors import is_taken, names_no_workspace, translated
from .azure_location import datastore
from .azure_names import parse_azure_name

if TYPE_CHECKING:
    from pathlib import Path

    from .azure_access import AzureAccess, AzureRegistration
    from .azure_client import AzureClient
    from .azure_location import BlobLocation


DIGEST_PROPERTY = "onnxport.sha256"
_TRIES = 3


def register_azureml(model: AzureRegistration, access: AzureAccess) -> AzureRegistered:
    """The model is a version in the workspace, a new one unless the newest has the same files.

    The files go first, under a path that holds their digest; so a registration that broke off leaves no version,
    and a second one goes on where it stopped.

    Raises:
        UsageError: The name cannot name a model, nobody names a workspace, there are no files, or the SDK is not
            installed.
        UnsupportedModel: The workspace's default datastore is no Blob storage.
        LostRace: Others kept taking the next version.
        Unreachable: Azure refuses us or does not answer.
    """
    azure = connect(parse_azure_name(f"azureml:{model.name}@latest"), access)
    sha256 = model.sha256 or _digest(model.files)
    found = _newest(azure, model.name)
    if found is not None and (found.properties or {}).get(DIGEST_PROPERTY) == sha256 and found.type == model.kind:
        return _registered(model.name, str(found.version), created=False)
    return _create(azure, model, sha256, _upload(azure, model, sha256))


@dataclass(frozen=True, slots=True, kw_only=True)
class NewestVersion:
    """The newest version of a model.

    Attributes:
        uri: `azureml:NAME:VERSION`.
        sha256: The digest that it was registered with, empty where others registered it.
        properties: What else was said about it then.
    """

    uri: str
    sha256: str
    properties: dict[str, str]


def newest_registered(name: str, access: AzureAccess) -> NewestVersion | None:
    """The newest version of `name` in the workspace, `None` where there is none.

    Raises:
        UsageError: The name cannot name a model, nobody names a workspace, or the SDK is not installed.
        Unreachable: Azure refuses us or does not answer.
    """
    found = _newest(connect(parse_azure_name(f"azureml:{name}@latest"), access), name)
    if found is None:
        return None
    properties = {str(key): str(value) for key, value in (found.properties or {}).items()}
    return NewestVersion(
        uri=f"azureml:{name}:{found.version}", sha256=properties.get(DIGEST_PROPERTY, ""), properties=properties
    )


def _digest(files: Path) -> str:
    if files.is_dir() and any(files.iterdir()):
        return digest_folder(files)
    if files.is_file():
        return digest_file(files)
    raise UsageError(f"there are no files at {files} to register")


def _newest(azure: AzureClient, name: str) -> Any | None:  # ruff: ignore[ANN401] - the SDK's Model
    from azure.ai.ml.exceptions import ValidationException  # ruff: ignore[PLC0415] - in the extra `azureml`

    from .azure_versions import is_unknown  # ruff: ignore[PLC0415] - in the extra `azureml`

    with translated(f"model {name} in {azure.place}"):
        try:
            return azure.ml.models.get(name, label="latest")
        except (ResourceNotFoundError, ValidationException) as error:
            if not is_unknown(error) or (isinstance(error, ResourceNotFoundError) and names_no_workspace(error)):
                raise
            return None


def _upload(azure: AzureClient, model: AzureRegistration, sha256: str) -> str:
    """The model's files lie on the default datastore; answers their `azureml://` path."""
    with translated(f"the default datastore of {azure.place}"):
        name = azure.ml.datastores.get_default().name
    location = datastore(azure, name)
    below = f"onnxport/{model.name}/{sha256}"
    store = open_store(
        f"{location.account_url}/{location.container}/{below}", _store_access(location, azure.access)
    )
    files = [path for path in model.files.rglob("*") if path.is_file()] if model.files.is_dir() else [model.files]
    root = model.files if model.files.is_dir() else model.files.parent
    for file in sorted(files):
        try:
            store.create(file.relative_to(root).as_posix(), file)
        except BlobExists:  # by its digest, the same file
            continue
    only = "" if model.files.is_dir() else f"/{model.files.name}"
    return f"azureml://datastores/{name}/paths/{below}{only}"


def _store_access(location: BlobLocation, access: AzureAccess) -> StoreAccess:

    match location.login:
        case AzureSasCredential() as sas:
            return StoreAccess(sas_token=sas.signature, patience=access.patience)
        case AzureNamedKeyCredential() as key:
            return StoreAccess(
                account_name=key.named_key.name, account_key=key.named_key.key, patience=access.patience
            )
        case _:
            return StoreAccess(
                auth=access.auth, identity_client_id=access.identity_client_id, patience=access.patience
            )


def _create(azure: AzureClient, model: AzureRegistration, sha256: str, path: str) -> AzureRegistered:
    from azure.ai.ml.entities import Model  # ruff: ignore[PLC0415] - in the extra `azureml`
    from azure.ai.ml.exceptions import ValidationException  # ruff: ignore[PLC0415] - in the extra `azureml`

    for _ in range(_TRIES):
        wanted = Model(
            name=model.name,
            path=path,
            type=model.kind,
            description=model.description or None,
            tags=model.tags,
            properties={**model.properties, DIGEST_PROPERTY: sha256},
        )
        with translated(f"a new version of model {model.name} in {azure.place}"):
            try:
                made = azure.ml.models.create_or_update(wanted)
            except HttpResponseError as error:
                if is_taken(error):  # somebody took the number since we asked for it
                    continue
                raise
            except ValidationException as error:
                raise UsageError(
                    f"the Azure ML SDK does not take model {model.name}: {one_line(str(error.message))}",
                    hint="Change what it names; nothing was registered.",
                ) from error
        return _registered(model.name, str(made.version), created=True)
    raise LostRace(
        f"others took the next version of model {model.name} in {azure.place}, {_TRIES} times",
        hint="Run the same command again: the files are there, only the version is missing.",
    )


def _registered(name: str, version: str, *, created: bool) -> AzureRegistered:
    return AzureRegistered(uri=f"azureml:{name}:{version}", version=version, created=created)
