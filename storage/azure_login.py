"""How requests to Azure Blob storage are signed: key, shared access signature, or token."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential
from azure.storage.blob import BlobServiceClient
from onnxport.artifacts import UsageError

from .address import Address, parse_short, parse_url
from .azure_identity import sign_in
from .blobs import check_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure.core.credentials import TokenCredential

    from .access import StoreAccess

    Login = AzureNamedKeyCredential | AzureSasCredential | TokenCredential

_ACCOUNT_HINT = "Set AZURE_STORAGE_CONNECTION_STRING or AZURE_STORAGE_ACCOUNT_NAME, or give the whole URL."


def locate(
    location: str, access: StoreAccess, checked: Callable[[str], str] = check_folder
) -> tuple[Address, Login]:
    """Where `location` lies, and the login for it; `checked` makes the prefix of what follows the container.

    Raises:
        UsageError: It is no location, the account is not known, or a credential is malformed.
    """
    account = _account(access.connection_string) if access.connection_string else None
    if not location.startswith("az://"):
        address = parse_url(location, access.account_name or (account.name if account else None), checked)
        known = account if account and account.endpoint == address.endpoint else None
    elif account:
        address, known = parse_short(location, account.endpoint, account.name, checked), account
    elif access.account_name:
        endpoint = f"https://{access.account_name}.blob.core.windows.net"
        address, known = parse_short(location, endpoint, access.account_name, checked), None
    else:
        raise UsageError(f"{location} does not say in which storage account", hint=_ACCOUNT_HINT)
    return address, _login(address, known, access)


class _Account:
    """What a connection string says.

    Attributes:
        name: The account's name.
        endpoint: Its Blob endpoint, without a slash at its end.
        login: Key or SAS, or `None`.
    """

    def __init__(self, service: BlobServiceClient) -> None:
        endpoint, _, sas = service.url.partition("?")
        self.name = service.account_name or ""
        self.endpoint = endpoint.rstrip("/")
        key = getattr(service.credential, "account_key", None)
        self.login: Login | None = None
        if isinstance(key, str):
            self.login = _key_login(self.name, key)
        elif sas:
            self.login = AzureSasCredential(sas)


def _account(connection_string: str) -> _Account:
    try:
        with BlobServiceClient.from_connection_string(connection_string.strip()) as service:
            return _Account(service)
    except ValueError:
        raise UsageError(
            "the Azure Storage connection string is malformed",
            hint="It looks like DefaultEndpointsProtocol=https;AccountName=…;AccountKey=…;EndpointSuffix=….",
        ) from None  # the cause would quote the secret


def _login(address: Address, account: _Account | None, access: StoreAccess) -> Login:
    if address.sas:
        return AzureSasCredential(address.sas)
    if account and account.login:
        return account.login
    if access.account_key:
        return _key_login(address.account or access.account_name or "", access.account_key)
    if access.sas_token:
        return AzureSasCredential(access.sas_token.lstrip("?"))
    if not address.endpoint.startswith("https://"):
        raise UsageError(
            f"{address.url} is not https, and tokens are sent over https only",
            hint="Give an account key, a SAS or a connection string, or use https.",
        )
    return sign_in(access.auth, access.identity_client_id, access.patience)


def _key_login(account: str, key: str) -> AzureNamedKeyCredential:
    try:
        base64.b64decode(key, validate=True)
        return AzureNamedKeyCredential(account, key)
    except (binascii.Error, ValueError, TypeError):
        raise UsageError(
            f"the key of storage account {account!r} is not base64",
            hint="Copy it again from the account's access keys.",
        ) from None  # the cause would quote the secret
