"""How to get at a store: what the caller knows about accounts and credentials."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Auth = Literal["workload-identity", "managed-identity", "environment", "cli"]
"""Which credential of azure-identity signs the requests where there is no key and no SAS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a store over the network is waited for.

    The defaults give up on a host that does not answer after about 15 seconds, and on one that accepts and stays
    silent after about a minute.

    Attributes:
        attempts: How often a request is tried.
        connect_seconds: To connect, and for each 256 KiB that are sent.
        read_seconds: For the answer to begin, and between two parts of it.
        pause_seconds: Before the second try; twice as long before each further one, give or take a half.
    """

    attempts: int = 4
    connect_seconds: float = 3.0
    read_seconds: float = 15.0
    pause_seconds: float = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreAccess:
    """Accounts and credentials for stores over the network; none of them for a local folder.

    A URL's own SAS comes first, then the connection string if it is about that account, then key, then SAS,
    then a token by `auth`.

    Attributes:
        connection_string: Azure Storage's own form: `AccountName=…;AccountKey=…;BlobEndpoint=…`.
        account_name: The storage account, for `az://` locations.
        account_key: Its key, base64.
        sas_token: A shared access signature, with or without `?`.
        auth: The credential where none of these is given.
        identity_client_id: Which user-assigned managed identity (`AZURE_CLIENT_ID`); `None`: the system's own.
        patience: How long to wait.
    """

    connection_string: str | None = field(default=None, repr=False)
    account_name: str | None = None
    account_key: str | None = field(default=None, repr=False)
    sas_token: str | None = field(default=None, repr=False)
    auth: Auth = "cli"
    identity_client_id: str | None = None
    patience: Patience = Patience()


def choose_auth(environ: Mapping[str, str]) -> Auth:
    """The credential that `environ` is made for, found without asking the network.

    Trying one after the other, as `DefaultAzureCredential` does, can hang for minutes on the instance-metadata
    address of machines that are not in Azure.
    """
    if environ.get("AZURE_FEDERATED_TOKEN_FILE"):
        return "workload-identity"
    if environ.get("MSI_ENDPOINT") or environ.get("IDENTITY_ENDPOINT"):
        return "managed-identity"
    if environ.get("AZURE_CLIENT_SECRET"):
        return "environment"
    return "cli"


def identity_client_id(auth: Auth, environ: Mapping[str, str]) -> str | None:
    """Which user-assigned managed identity `environ` names; other credentials read that variable themselves."""
    return environ.get("AZURE_CLIENT_ID") if auth == "managed-identity" else None


def store_access(environ: Mapping[str, str], auth: Auth | None = None) -> StoreAccess:
    """How to get at a Blob store, from Azure's usual variables; `auth` signs in where they hold no secret."""
    auth = choose_auth(environ) if auth is None else auth
    return StoreAccess(
        connection_string=environ.get("AZURE_STORAGE_CONNECTION_STRING"),
        account_name=environ.get("AZURE_STORAGE_ACCOUNT_NAME") or environ.get("AZURE_STORAGE_ACCOUNT"),
        account_key=environ.get("AZURE_STORAGE_ACCOUNT_KEY") or environ.get("AZURE_STORAGE_KEY"),
        sas_token=environ.get("AZURE_STORAGE_SAS_TOKEN"),
        auth=auth,
        identity_client_id=identity_client_id(auth, environ),
    )
