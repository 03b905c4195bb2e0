"""Signs in to Azure, with one credential that was chosen beforehand."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import AzureError
from onnxport.artifacts import Unreachable, UsageError

from .azure_pipeline import bounded, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from azure.core.credentials import AccessToken, TokenCredential

    from .access import Auth, Patience

_HINTS: Mapping[Auth, str] = {
    "cli": "Run `az login`, or say --auth with workload-identity, managed-identity or environment.",
    "environment": "Check AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, "
    "or say --auth cli after `az login`.",
    "workload-identity": "Check AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_FEDERATED_TOKEN_FILE and the "
    "federated credential of the identity.",
    "managed-identity": "Check that this compute has an identity (AZURE_CLIENT_ID names a user-assigned one), "
    "or say --auth cli after `az login`.",
}
_EARLY_SECONDS = 300


class SignedIn:
    """A credential that keeps its tokens, and says on failure which credential was tried.

    The SDK makes some fifteen pipelines, each with a cache of its own, and the Azure CLI takes a second for each
    token.
    """

    def __init__(self, auth: Auth, credential: TokenCredential) -> None:
        self._auth: Auth = auth
        self._credential = credential
        self._tokens: dict[tuple[str, ...], AccessToken] = {}

    def get_token(self, *scopes: str, claims: str | None = None, **options: Any) -> AccessToken:  # ruff: ignore[ANN401] - azure-core's form
        """A token for `scopes` that is valid for five minutes at least, where Azure gives such.

        Raises:
            Unreachable: Azure gives none to this identity, or does not answer.
        """
        kept = self._tokens.get(scopes)
        if kept is not None and claims is None and kept.expires_on - time.time() > _EARLY_SECONDS:
            return kept
        try:
            token = self._credential.get_token(*scopes, claims=claims, **options)
        except (AzureError, OSError) as error:  # a federated token is read from a file
            said = one_line(str(getattr(error, "message", error)).strip().partition("\n")[0])
            raise Unreachable(
                f"signing in to Azure with {self._auth} failed: {said}",
                hint=_HINTS[self._auth],
            ) from error
        self._tokens[scopes] = token
        return token


def sign_in(auth: Auth, client_id: str | None, patience: Patience) -> SignedIn:
    """The credential that `auth` names; it asks for a token when the first request is made.

    There is no chain: the probes of `DefaultAzureCredential` can hang for minutes outside Azure, and a chain
    cannot say which of its members was meant to work.

    Args:
        auth: One of Azure's credentials.
        client_id: Which user-assigned managed identity; `None`: the system's own.
        patience: How long Azure is waited for.

    Raises:
        UsageError: What it needs to know is not set, or azure-identity is not installed.
    """
    try:
        from azure import identity  # ruff: ignore[PLC0415] - in the extra `azureml`, and half a second
    except ImportError as error:
        raise UsageError(
            f"signing in with {auth} needs azure-identity", hint="Install it: pip install 'onnxport[azureml]'."
        ) from error
    options = bounded(patience)
    makers: Mapping[Auth, Callable[[], TokenCredential]] = {
        "workload-identity": lambda: identity.WorkloadIdentityCredential(**options),
        "managed-identity": lambda: identity.ManagedIdentityCredential(client_id=client_id, **options),
        "environment": lambda: identity.EnvironmentCredential(**options),
        "cli": lambda: identity.AzureCliCredential(process_timeout=max(1, round(patience.read_seconds))),
    }
    try:
        return SignedIn(auth, makers[auth]())
    except ValueError as error:
        raise UsageError(
            f"signing in to Azure with {auth} is not set up: {one_line(str(error))}", hint=_HINTS[auth]
        ) from error
