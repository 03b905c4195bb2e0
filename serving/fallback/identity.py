"""Entra ID tokens for Azure ML endpoints, from the credential that the environment is made for."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

from onnxport.artifacts import UsageError

if TYPE_CHECKING:
    from onnxport.storage import Auth

_SCOPE: Final = "https://ml.azure.com/.default"
_CREDENTIALS: Final = {
    "workload-identity": "WorkloadIdentityCredential",
    "managed-identity": "ManagedIdentityCredential",
    "environment": "EnvironmentCredential",
    "cli": "AzureCliCredential",
}
_EARLY: Final = 300


class Identity:
    """Fetches tokens in a thread, and keeps one until five minutes before its end."""

    def __init__(self, auth: Auth) -> None:
        """The credential is there; it has asked nobody yet.

        Raises:
            UsageError: azure-identity is not installed.
        """
        try:
            import azure.identity as library  # ruff: ignore[PLC0415] - part of another extra
        except ImportError as error:
            raise UsageError(
                "an endpoint with `auth: entra` needs azure-identity",
                hint="Install it: pip install 'onnxport[serve,azureml]'.",
            ) from error
        self._credential: Any = getattr(library, _CREDENTIALS[auth])()
        self._token = ""
        self._until = 0.0

    async def __call__(self) -> str:
        """A token that is good for at least five minutes.

        Raises:
            OSError: Nobody gives one.
        """
        if time.time() > self._until - _EARLY:
            try:
                found = await asyncio.to_thread(self._credential.get_token, _SCOPE)
            except Exception as error:  # azure-identity's errors have no common base in the standard library
                raise OSError(f"no token: {type(error).__name__}") from error
            self._token, self._until = str(found.token), float(found.expires_on)
        return self._token
