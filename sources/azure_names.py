"""What an `azureml:` text says: a model in a workspace or in a registry."""

from __future__ import annotations

import re
from dataclasses import dataclass

from onnxport.artifacts import UsageError

from .azure_access import AzureWorkspace

FORMS = (
    "azureml:NAME:VERSION, azureml:NAME@latest, azureml://registries/REGISTRY/models/NAME/versions/VERSION or "
    "azureml://subscriptions/SUBSCRIPTION/resourceGroups/GROUP/workspaces/WORKSPACE/models/NAME/versions/VERSION"
)
_NAME = r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]{0,254})"
_VERSION = r"[A-Za-z0-9][A-Za-z0-9._-]{0,29}"
_WHICH = rf"(versions/(?P<version>{_VERSION})|labels/(?P<label>{_VERSION}))"
_PART = r"[A-Za-z0-9][A-Za-z0-9._()-]{0,89}"
_SHORT = re.compile(rf"azureml:{_NAME}(:(?P<version>{_VERSION})|@(?P<label>{_VERSION}))")
_REGISTRY = re.compile(rf"azureml://registries/(?P<registry>{_PART})/models/{_NAME}/{_WHICH}")
_LONG = re.compile(
    rf"azureml:/{{1,2}}subscriptions/(?P<subscription>{_PART})/resourcegroups/(?P<group>{_PART})/"
    rf"(providers/Microsoft\.MachineLearningServices/)?workspaces/(?P<workspace>{_PART})/models/{_NAME}/{_WHICH}",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureModelName:
    """A model version as the user named it; exactly one of `version` and `label` is set.

    Attributes:
        text: What the user wrote.
        name: The model's name.
        version: Its version, or `None`.
        label: The label that stands for a version, or `None`.
        registry: The registry that holds it; `None`: it is in a workspace.
        workspace: The workspace that the text itself names, or `None`.
    """

    text: str
    name: str
    version: str | None = None
    label: str | None = None
    registry: str | None = None
    workspace: AzureWorkspace | None = None


def parse_azure_name(text: str) -> AzureModelName:
    """The model that `text` names.

    Raises:
        UsageError: It names none, or by a label that Azure ML has not.
    """
    found = _REGISTRY.fullmatch(text) or _LONG.fullmatch(text) or _SHORT.fullmatch(text)
    if found is None:
        raise UsageError(f"{text!r} names no Azure ML model", hint=f"Write {FORMS}.")
    parts = found.groupdict()
    if parts["label"] not in {None, "latest"}:
        raise UsageError(
            f"{text!r}: Azure ML models have no label {parts['label']!r}, only 'latest' (the newest version)",
            hint=f"Write azureml:{parts['name']}@latest, or name a version.",
        )
    workspace = None
    if parts.get("workspace"):
        workspace = AzureWorkspace(
            subscription_id=parts["subscription"],
            resource_group=parts["group"],
            workspace_name=parts["workspace"],
        )
    return AzureModelName(
        text=text,
        name=parts["name"],
        version=parts["version"],
        label=parts["label"],
        registry=parts.get("registry"),
        workspace=workspace,
    )
