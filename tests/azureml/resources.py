"""What the emulated Azure ML holds: a workspace with models, datastores and jobs, and a registry."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from azure.storage.blob import ContainerSasPermissions, generate_container_sas

from .endpoints import GROUP, PROVIDER, SUBSCRIPTION, WORKSPACE, WORKSPACE_PATH, Document, Endpoints

__all__ = [
    "GROUP",
    "REGISTRY",
    "REGISTRY_FRONT",
    "REGISTRY_PATH",
    "SUBSCRIPTION",
    "WORKSPACE",
    "WORKSPACE_PATH",
    "AzureMl",
    "Document",
    "Version",
]
REGISTRY = "shared-models"
REGISTRY_PATH = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/{PROVIDER}/registries/{REGISTRY}"
REGISTRY_FRONT = "/mferp/managementfrontend"
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
_FRACTION = re.compile(r"\d+$")


@dataclass(slots=True, kw_only=True)
class Version:
    """A model version; `created` orders versions as Azure ML does."""

    name: str
    version: str
    kind: str
    uri: str
    created: int
    archived: bool = False
    job: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)
    description: str | None = None

    def document(self, owner: str) -> Document:
        when = (_EPOCH + timedelta(minutes=self.created)).isoformat()
        return {
            "id": f"{owner}/models/{self.name}/versions/{self.version}",
            "name": self.version,
            "type": "Microsoft.MachineLearningServices/workspaces/models/versions",
            "properties": {
                "description": self.description,
                "tags": self.tags,
                "properties": self.properties,
                "isArchived": self.archived,
                "isAnonymous": False,
                "flavors": {},
                "modelType": self.kind,
                "modelUri": self.uri,
                "jobName": self.job,
                "stage": None,
            },
            "systemData": {
                "createdAt": when,
                "createdBy": "trainer",
                "createdByType": "User",
                "lastModifiedAt": when,
            },
        }


@dataclass(slots=True, kw_only=True)
class AzureMl:
    """Everything that the emulator knows; tests write into it.

    Attributes:
        account: The storage account: name and key, base64.
        container: The container of the default datastore.
        shared_container: The registry's container.
        models: The workspace's model versions.
        shared: The registry's.
        jobs: The workspace's jobs by name: `properties` of the answer.
        secret: What kind of secret the default datastore holds: `Sas`, `AccountKey` or `None`.
        datastore_type: `AzureBlob`, `AzureDataLakeGen2` or `AzureFile`.
        endpoints: Endpoints, computes and how they scale.
    """

    account: tuple[str, str]
    container: str = ""
    shared_container: str = ""
    models: list[Version] = field(default_factory=list)
    shared: list[Version] = field(default_factory=list)
    jobs: dict[str, Document] = field(default_factory=dict)
    secret: str = "Sas"  # ruff: ignore[S105] - the kind of a secret
    datastore_type: str = "AzureBlob"
    endpoints: Endpoints = field(default_factory=Endpoints)

    def clear(self) -> None:
        """Nothing is registered; the containers are others than before."""
        self.container, self.shared_container = (
            f"{kind}-{uuid.uuid4().hex}" for kind in ("blobstore", "registry")
        )
        self.models, self.shared, self.jobs = [], [], {}
        self.secret, self.datastore_type = "Sas", "AzureBlob"
        self.endpoints = Endpoints()

    def add(self, name: str, path: str, *, version: str = "1", **details: Any) -> Version:
        """A version of a model in the workspace whose files lie below `path` on the default datastore."""
        root = WORKSPACE_PATH.replace(f"/{PROVIDER}", "")
        uri = f"azureml:/{root}/datastores/workspaceblobstore/paths/{path}"
        details = {"kind": "custom_model", "uri": uri, "created": len(self.models), **details}
        made = Version(name=name, version=version, **details)
        self.models.append(made)
        return made

    def share(self, name: str, path: str, *, version: str = "1", **details: Any) -> Version:
        """A version of a model in the registry."""
        uri = f"https://{self.account[0]}.blob.core.windows.net/{self.shared_container}/{path}"
        details = {"kind": "custom_model", "uri": uri, "created": len(self.shared), **details}
        made = Version(name=name, version=version, **details)
        self.shared.append(made)
        return made

    def put(self, name: str, version: str, body: Document) -> Document | str:
        """The version as `body` says; a refusal where it is there with other files."""
        asked = body["properties"]
        found = next((one for one in self.models if (one.name, one.version) == (name, version)), None)
        if found is not None and found.uri != asked["modelUri"]:
            return "Asset paths cannot be updated."
        if found is None:
            found = Version(
                name=name,
                version=version,
                kind=asked["modelType"],
                uri=asked["modelUri"],
                created=len(self.models),
                tags=asked.get("tags") or {},
                properties=asked.get("properties") or {},
                description=asked.get("description"),
            )
            self.models.append(found)
        found.archived = bool(asked.get("isArchived"))
        return found.document(WORKSPACE_PATH)

    def model(self, name: str) -> Document | None:
        """A model as a whole, with the number of its next version."""
        versions = [one.version for one in self.models if one.name == name]
        if not versions:
            return None
        numbers = [int(version) for version in versions if _FRACTION.match(version)]
        return {
            "id": f"{WORKSPACE_PATH}/models/{name}",
            "name": name,
            "properties": {
                "isArchived": False,
                "latestVersion": versions[-1],
                "nextVersion": str(max(numbers, default=0) + 1),
                "tags": {},
                "properties": {},
            },
            "systemData": {},
        }

    def datastore(self) -> Document:
        """The default datastore."""
        root = "filesystem" if self.datastore_type == "AzureDataLakeGen2" else "containerName"
        root = "fileShareName" if self.datastore_type == "AzureFile" else root
        return {
            "id": f"{WORKSPACE_PATH}/datastores/workspaceblobstore",
            "name": "workspaceblobstore",
            "properties": {
                "datastoreType": self.datastore_type,
                "accountName": self.account[0],
                root: self.container,
                "endpoint": "core.windows.net",
                "protocol": "https",
                "isDefault": True,
                "credentials": {"credentialsType": self.secret},
                "tags": {},
                "properties": {},
            },
            "systemData": {},
        }

    def secrets(self) -> Document:
        """What the default datastore holds."""
        if self.secret == "AccountKey":  # ruff: ignore[S105] - the kind of a secret
            return {"secretsType": "AccountKey", "key": self.account[1]}
        return {"secretsType": "Sas", "sasToken": self.signature(self.container)}

    def signature(self, container: str) -> str:
        """A signature that allows everything in `container` for an hour."""
        return generate_container_sas(
            self.account[0],
            container,
            account_key=self.account[1],
            permission=ContainerSasPermissions.from_string("rwlacd"),
            expiry=datetime.now(UTC) + timedelta(hours=1),
        )

    def reference(self, name: str, version: str) -> Document | None:
        """Where the files of a version in the registry lie, signed."""
        found = next((one for one in self.shared if (one.name, one.version) == (name, version)), None)
        if found is None:
            return None
        root = f"https://{self.account[0]}.blob.core.windows.net/{self.shared_container}"
        signed = {"credentialType": "SAS", "sasUri": f"{root}?{self.signature(self.shared_container)}"}
        return {"blobReferenceForConsumption": {"blobUri": found.uri, "credential": signed}}
