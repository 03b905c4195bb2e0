"""Where in Azure Blob storage a store lies."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from onnxport.artifacts import UsageError

from .blobs import check_folder

if TYPE_CHECKING:
    from collections.abc import Callable

_CONTAINER = re.compile(r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*|\$root|\$web")
_EXAMPLE = "For example https://ACCOUNT.blob.core.windows.net/CONTAINER/PREFIX or az://CONTAINER/PREFIX."


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A folder in a container.

    Attributes:
        endpoint: The account's Blob endpoint, without a slash at its end: `https://acme.blob.core.windows.net`,
            `http://127.0.0.1:10000/devstoreaccount1`.
        account: The account's name; empty where the endpoint is a domain that does not tell.
        container: The container.
        prefix: The folder, empty or ending in a slash; of a file, its path.
        sas: The shared access signature that the URL carried, or empty.
    """

    endpoint: str
    account: str
    container: str
    prefix: str
    sas: str = field(default="", repr=False)

    @property
    def url(self) -> str:
        """Where the store lies, without secrets."""
        return f"{self.endpoint}/{self.container}/{self.prefix}".rstrip("/")


def parse_url(url: str, account: str | None = None, checked: Callable[[str], str] = check_folder) -> Address:
    """The address in a Blob URL; `account` helps to tell whether its path starts with the account's name.

    It does for emulators and gateways: hosts that are an IP address or a name without a domain. `checked` makes
    the prefix of what follows the container.

    Raises:
        UsageError: The URL names no container.
    """
    parts = urlsplit(url)
    try:
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise UsageError(f"{_shown(parts)} is no URL: {error}", hint=_EXAMPLE) from None
    segments = [unquote(segment) for segment in parts.path.strip("/").split("/") if segment]
    if parts.username or parts.password:
        raise UsageError(
            "a store's URL takes no user and password", hint="Give a SAS, a key or a connection string."
        )
    endpoint = f"{parts.scheme}://{parts.netloc}"
    if _is_path_style(host, segments, account):
        account, *segments = segments or [""]
        endpoint = f"{endpoint}/{account}"
    else:
        account = host.split(".")[0] if ".blob." in host else account or ""
    container, prefix = _inside(segments, parts, checked)
    return Address(endpoint=endpoint, account=account, container=container, prefix=prefix, sas=parts.query)


def parse_short(
    location: str, endpoint: str, account: str, checked: Callable[[str], str] = check_folder
) -> Address:
    """The address that `az://CONTAINER/PREFIX` has at an account's `endpoint`.

    Raises:
        UsageError: The location names no container.
    """
    parts = urlsplit(location)
    segments = [segment for segment in [parts.netloc, *parts.path.strip("/").split("/")] if segment]
    container, prefix = _inside(segments, parts, checked)
    endpoint = endpoint.rstrip("/")
    return Address(endpoint=endpoint, account=account, container=container, prefix=prefix, sas=parts.query)


def blob_location(location: str) -> str:
    """`location` as `az://…` or a Blob URL, where it is one of Data Lake's: `abfs[s]://CONTAINER@HOST/PATH`."""
    parts = urlsplit(location)
    if parts.scheme not in {"abfs", "abfss"}:
        return location
    container, mark, host = parts.netloc.partition("@")
    if not mark:
        return f"az://{parts.netloc}{parts.path}"
    return f"https://{host.replace('.dfs.', '.blob.', 1)}/{container}{parts.path}"


def _is_path_style(host: str, segments: list[str], account: str | None) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or bool(account and ".blob." not in host and segments[:1] == [account])
    return True


def _inside(segments: list[str], parts: SplitResult, checked: Callable[[str], str]) -> tuple[str, str]:
    """Container and prefix."""
    container, *folders = segments or [""]
    if not _CONTAINER.fullmatch(container):
        raise UsageError(
            f"{_shown(parts)} names no container: {container!r} is not "
            "3 to 63 lower-case letters, digits and single '-'",
            hint=_EXAMPLE,
        )
    return container, checked("/".join(folders))


def _shown(parts: SplitResult) -> str:
    """The location without what may be secret."""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
