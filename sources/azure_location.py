"""Where the files of an Azure ML model lie, and how to sign requests for them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from azure.core import PipelineClient
from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential
from azure.core.pipeline.policies import BearerTokenCredentialPolicy
from azure.core.rest import HttpRequest
from onnxport.artifacts import Unreachable, UnsupportedModel, UsageError
from onnxport.storage.azure_pipeline import bounded

from .azure_errors import translated

if TYPE_CHECKING:
    from .azure_client import AzureClient
    from .azure_versions import AzureModelVersion

_ON_DATASTORE = re.compile(
    r"azureml://(subscriptions/[^/]+/resourcegroups/[^/]+/workspaces/(?P<workspace>[^/]+)/)?"
    r"datastores/(?P<datastore>[^/]+)/paths/(?P<path>.+)",
    re.IGNORECASE,
)
_DISCOVERY = "https://eastus.api.azureml.ms/registrymanagement/v1.0/registries/{registry}/discovery"
_DATA_REFERENCE = (
    "{region}/mferp/managementfrontend/subscriptions/{subscription}/resourceGroups/{group}/providers/"
    "Microsoft.MachineLearningServices/registries/{registry}/datarefs/{name}/versions/{version}"
    "?api-version=2021-10-01-dataplanepreview"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobLocation:
    """A file or a folder in a container of Azure Blob storage.

    Attributes:
        account_url: `https://ACCOUNT.blob.core.windows.net`.
        container: Name of the container.
        path: The blob, or the folder; no slash at either end.
        login: SAS, key or token; azure-storage-blob takes any of them.
    """

    account_url: str
    container: str
    path: str
    login: Any


def locate_in_workspace(azure: AzureClient, version: AzureModelVersion) -> BlobLocation:
    """Where the files of `version`, registered in a workspace, lie.

    Raises:
        UsageError: Azure ML says no place that has files.
        UnsupportedModel: It is no Blob storage.
        Unreachable: Azure refuses us or does not answer.
    """
    found = _ON_DATASTORE.fullmatch(version.path)
    here = azure.ml.workspace_name
    if found is None or (found["workspace"] or here).lower() != here.lower():
        raise UsageError(
            f"the files of model {version.name}, version {version.version}, lie at {version.path}, "
            f"which is no datastore of {azure.place}",
            hint="Register the files themselves, or name the workspace that holds them.",
        )
    location = datastore(azure, found["datastore"])
    return BlobLocation(
        account_url=location.account_url,
        container=location.container,
        path=found["path"].strip("/"),
        login=location.login,
    )


def datastore(azure: AzureClient, name: str | None) -> BlobLocation:
    """The root of the datastore `name`, or of the workspace's default one, with the credential that it holds.

    Raises:
        UsageError: There is no such datastore.
        UnsupportedModel: It is no Blob storage.
        Unreachable: Azure refuses us or does not answer.
    """
    what = f"datastore {name}" if name else "the default datastore"
    with translated(f"{what} of {azure.place}"):
        stores = azure.ml.datastores
        found = stores.get(name, include_secrets=True) if name else stores.get_default(include_secrets=True)
    container = getattr(found, "container_name", None) or getattr(found, "filesystem", None)
    if container is None:
        raise UnsupportedModel(
            f"{what} of {azure.place} is of type {found.type}; onnxport reads Blob storage and Data Lake Gen2",
            hint="Download the model (`az ml model download`) and name the file, or register it on Blob storage.",
        )
    return BlobLocation(
        account_url=f"https://{found.account_name}.blob.{found.endpoint}",
        container=str(container),
        path="",
        login=_login(azure, found.account_name, found.credentials),
    )


def _login(azure: AzureClient, account: str, held: Any) -> Any:  # ruff: ignore[ANN401] - the SDK's and azure-core's classes
    """What signs requests for a datastore that holds `held`: its own secret, or the user where it holds none."""
    if hasattr(held, "account_key"):
        return AzureNamedKeyCredential(account, _given(held.account_key, azure))
    if hasattr(held, "sas_token"):
        return AzureSasCredential(_given(held.sas_token, azure).lstrip("?"))
    if hasattr(held, "client_secret"):
        from azure.identity import ClientSecretCredential  # ruff: ignore[PLC0415] - half a second of imports

        secret = _given(held.client_secret, azure)
        return ClientSecretCredential(held.tenant_id, held.client_id, secret, **bounded(azure.access.patience))
    return azure.credential


def _given(secret: str | None, azure: AzureClient) -> str:
    if not secret:
        raise Unreachable(
            f"{azure.place} does not tell the secret of its datastore",
            hint="Ask for the role AzureML Data Scientist; a proxy on the way can swallow answers too.",
        )
    return secret


def locate_in_registry(azure: AzureClient, registry: str, version: AzureModelVersion) -> BlobLocation:
    """Where the files of `version`, registered in `registry`, lie; Azure gives a signature for an hour or so.

    These are the two requests that the SDK's own download makes; it offers them in no other way.

    Raises:
        UsageError: Azure ML knows no files of it.
        Unreachable: Azure refuses us or does not answer.
    """
    options = bounded(azure.access.patience)
    options["per_retry_policies"] = [
        BearerTokenCredentialPolicy(azure.credential, "https://management.azure.com/.default")
    ]
    what = f"the files of model {version.name}, version {version.version}, in {azure.place}"
    with (
        translated(what),
        PipelineClient[HttpRequest, Any]("https://eastus.api.azureml.ms", **options) as client,
    ):
        home = _answer(client, HttpRequest("GET", _DISCOVERY.format(registry=registry)))
        url = _DATA_REFERENCE.format(
            region=str(home["primaryRegionResourceProviderUri"]).rstrip("/"),
            subscription=home["subscriptionId"],
            group=home["resourceGroup"],
            registry=registry,
            name=version.name,
            version=version.version,
        )
        asset = f"azureml://registries/{registry}/models/{version.name}/versions/{version.version}"
        body = {"assetId": asset, "blobUri": version.path}
        found = _answer(client, HttpRequest("POST", url, json=body))["blobReferenceForConsumption"]
    return _signed(found["credential"].get("sasUri") or found["blobUri"], version.path, azure)


def _answer(client: PipelineClient[HttpRequest, Any], request: HttpRequest) -> dict[str, Any]:
    response = client.send_request(request)
    response.raise_for_status()
    document: dict[str, Any] = response.json()
    return document


def _signed(uri: str, blob: str, azure: AzureClient) -> BlobLocation:
    """The location of the blob URL `blob`, in the container that `uri` names and signs."""
    given = urlsplit(uri)
    container = unquote(given.path).strip("/").partition("/")[0]
    path = unquote(urlsplit(blob).path).strip("/").partition("/")[2]
    return BlobLocation(
        account_url=f"https://{given.netloc}",
        container=container,
        path=path,
        login=AzureSasCredential(given.query) if given.query else azure.credential,
    )
