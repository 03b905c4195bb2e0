"""The Azure ML SDK, wrapped once: what onnxport asks a workspace or a registry."""

from __future__ import annotations

import importlib
import logging
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from onnxport.artifacts import UsageError
from onnxport.storage.azure_identity import sign_in
from onnxport.storage.azure_pipeline import bounded

from .azure_access import WORKSPACE_HINT
from .azure_errors import translated

if TYPE_CHECKING:
    from collections.abc import Callable

    from onnxport.storage.azure_identity import SignedIn

    from .azure_access import AzureAccess
    from .azure_names import AzureModelName

_QUIET = logging.NullHandler()
"""Keeps what the SDK logs off the screen where nobody configured logging; it logs each failure in ten lines."""
INSTALL = "Install it: pip install 'onnxport[azureml]'."


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureClient:
    """A workspace or a registry, signed in.

    Attributes:
        ml: The SDK's `MLClient`.
        place: What it is, for messages.
        credential: Signs requests to storage accounts that have no key or SAS for us.
        access: What the caller gave.
    """

    ml: Any
    place: str
    credential: SignedIn
    access: AzureAccess


def connect(name: AzureModelName, access: AzureAccess) -> AzureClient:
    """The registry or workspace that `name` or, failing that, `access` names; for a registry it is looked up.

    Raises:
        UsageError: The SDK is not installed, nobody names a workspace, or there is no such registry.
        Unreachable: Signing in fails, or Azure does not answer.
    """
    place, scope = _scope(name, access)
    make = _sdk(name.text)
    logging.getLogger("azure").addHandler(_QUIET)
    credential = sign_in(access.auth, access.identity_client_id, access.patience)
    options = {"show_progress": False, "enable_telemetry": False, **bounded(access.patience)}
    with translated(f"Azure ML {place}"):
        ml = make(credential, **scope, **options)
    return AzureClient(ml=ml, place=place, credential=credential, access=access)


def _scope(name: AzureModelName, access: AzureAccess) -> tuple[str, dict[str, str]]:
    """What is asked, for messages, and the same as the SDK's arguments."""
    if name.registry is not None:
        return f"registry {name.registry}", {"registry_name": name.registry}
    workspace = name.workspace or access.workspace
    if workspace is None:
        raise UsageError(f"{name.text} does not say in which Azure ML workspace", hint=WORKSPACE_HINT)
    return f"workspace {workspace}", {
        "subscription_id": workspace.subscription_id,
        "resource_group_name": workspace.resource_group,
        "workspace_name": workspace.workspace_name,
    }


def _sdk(text: str) -> Callable[..., Any]:
    """The SDK's `MLClient`.

    Raises:
        UsageError: The extra `azureml` is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its own use of marshmallow
            importlib.import_module("azure.identity")
            make: Callable[..., Any] = importlib.import_module("azure.ai.ml").MLClient
    except ModuleNotFoundError as error:
        raise UsageError(
            f"{text} needs the Azure ML SDK, and {error.name} is not installed", hint=INSTALL
        ) from error
    return make
