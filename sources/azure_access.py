"""What the caller tells Azure ML: which workspace, how to sign in, what to register; reads no environment."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from onnxport.artifacts import UsageError
from onnxport.storage import Auth, Patience

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

FIELDS = ("subscription_id", "resource_group", "workspace_name")
"""What names a workspace, under the keys that flags, `onnxport.yaml` and Azure's own config files use."""

VARIABLES: Mapping[str, tuple[str, ...]] = {
    "subscription_id": ("AZURE_ML_SUBSCRIPTION_ID", "AZUREML_ARM_SUBSCRIPTION"),
    "resource_group": ("AZURE_ML_RESOURCE_GROUP", "AZUREML_ARM_RESOURCEGROUP"),
    "workspace_name": ("AZURE_ML_WORKSPACE_NAME", "AZURE_ML_WORKSPACE", "AZUREML_ARM_WORKSPACE_NAME"),
}
"""Environment variables by field, the first that is set counts; Azure ML sets `AZUREML_ARM_*` on its computes."""

_CONFIG_FOLDERS = (".azureml", "aml_config", ".")
_CONFIG_FILES = ("config.json", "project.json")
_CONFIG_LEVELS = 20
_SCOPE_PARTS = 9
WORKSPACE_HINT = (
    "Say --subscription, --resource-group and --workspace, or set azure_ml: {subscription_id, resource_group, "
    "workspace_name} in onnxport.yaml, or AZURE_ML_SUBSCRIPTION_ID, AZURE_ML_RESOURCE_GROUP and "
    "AZURE_ML_WORKSPACE_NAME, or download the workspace's config.json."
)


_PATIENCE = Patience(connect_seconds=10.0, read_seconds=30.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureWorkspace:
    """An Azure ML workspace.

    Attributes:
        subscription_id: The subscription's id.
        resource_group: Name of the resource group.
        workspace_name: Name of the workspace.
    """

    subscription_id: str
    resource_group: str
    workspace_name: str

    def __str__(self) -> str:
        return f"{self.workspace_name} (resource group {self.resource_group})"


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureAccess:
    """How Azure ML may be reached.

    Attributes:
        workspace: Where models are looked for whose name says no workspace; `None` where nobody named one.
        auth: The credential that signs requests; `onnxport.storage.choose_auth` finds the one that fits.
        identity_client_id: Which user-assigned managed identity (`AZURE_CLIENT_ID`); `None`: the system's own.
        patience: How long Azure is waited for, each request.
    """

    workspace: AzureWorkspace | None = None
    auth: Auth = "cli"
    identity_client_id: str | None = None
    patience: Patience = _PATIENCE


UNNAMED = AzureAccess()
"""Nobody said anything about Azure ML."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureRegistration:
    """What to register.

    Attributes:
        name: Name of the model in Azure ML.
        files: The model's file, or its folder.
        kind: `mlflow_model` for a folder with `MLmodel`, else `custom_model`.
        sha256: What makes it the same model as another; `None`: the digest of all of its files.
        description: For people; the model card.
        tags: Shown and searched in Azure ML.
        properties: Facts about how it was made; never changed afterwards.
    """

    name: str
    files: Path
    kind: Literal["custom_model", "mlflow_model"]
    sha256: str | None = None
    description: str = ""
    tags: dict[str, str] = field(default_factory=dict[str, str])
    properties: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureRegistered:
    """A version that stands in Azure ML.

    Attributes:
        uri: `azureml:NAME:VERSION`.
        version: The version.
        created: Whether this call made it; false when the newest version has the same files.
    """

    uri: str
    version: str
    created: bool


def resolve_workspace(
    flags: Mapping[str, object], config: Mapping[str, object], environ: Mapping[str, str], start_folder: Path
) -> AzureWorkspace | None:
    """The workspace that is meant, `None` where nobody names one.

    Each field comes from the first that has it: `flags`, `config` (the section `azure_ml` of `onnxport.yaml`),
    `environ`, then the nearest config file of `az ml` in `start_folder` or above, found as `MLClient.from_config`
    does. Keys of `flags` and `config` are those of `FIELDS`; empty values count as absent.

    Raises:
        UsageError: Some fields are known and others are not.
    """
    named = {
        field: next((environ[name] for name in names if environ.get(name)), "")
        for field, names in VARIABLES.items()
    }
    levels: list[Mapping[str, object]] = [flags, config, named]
    found = _merge(levels)
    if len(found) < len(FIELDS):
        found = _merge([*levels, _az_config(start_folder)])
    if not found:
        return None
    missing = [field for field in FIELDS if field not in found]
    if missing:
        known = ", ".join(f"{field} {value!r}" for field, value in found.items())
        raise UsageError(
            f"the Azure ML workspace is not fully named: {known}, no {', '.join(missing)}", hint=WORKSPACE_HINT
        )
    return AzureWorkspace(**found)


def _merge(levels: list[Mapping[str, object]]) -> dict[str, str]:
    found = {field: next((str(level[field]) for level in levels if level.get(field)), "") for field in FIELDS}
    return {field: value for field, value in found.items() if value}


def _az_config(start: Path) -> Mapping[str, object]:
    """The fields of the nearest config file that names a workspace; other files of that name are passed by."""
    return next((fields for path in _az_config_paths(start) if (fields := _read_az_config(path))), {})


def _az_config_paths(start: Path) -> Iterator[Path]:
    start = start.absolute()
    folders = (start, *start.parents)[:_CONFIG_LEVELS]
    for below in _CONFIG_FOLDERS:
        for name in _CONFIG_FILES:
            yield from (folder / below / name for folder in folders)


def _read_az_config(path: Path) -> Mapping[str, object]:
    if not path.is_file():
        return {}
    try:
        document: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(document, dict):
        return {}
    parts = str(document.get("Scope") or "").split("/")
    if len(parts) >= _SCOPE_PARTS:
        return {"subscription_id": parts[2], "resource_group": parts[4], "workspace_name": parts[8]}
    return document if all(document.get(field) for field in FIELDS) else {}
