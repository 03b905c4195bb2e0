"""From a location to its store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from onnxport.artifacts import UsageError

from .local import LocalStore
from .memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .access import StoreAccess
    from .blobs import BlobStore


def open_store(location: str, access: StoreAccess) -> BlobStore:
    """The store at `location`; nothing is asked of it or written to it yet.

    Args:
        location: A folder, `file://…`, `az://CONTAINER/PREFIX`, the URL of a folder in a container at any Blob
            endpoint (it may carry a SAS), or `memory://` for a new store that ends with the process.
        access: Accounts and credentials.

    Raises:
        UsageError: No store has this form, or what is there is no folder.
    """
    scheme, mark, _ = location.partition("://")
    if not mark:
        return _open_folder(location, access)
    if scheme not in _OPENERS:
        raise UsageError(
            f"{scheme}:// is no store that onnxport knows; known are a folder and "
            + ", ".join(f"{known}://" for known in _OPENERS),
            hint="For example --store ./onnxport-store or --store az://CONTAINER/PREFIX.",
        )
    return _OPENERS[scheme](location, access)


def _open_folder(location: str, access: StoreAccess) -> BlobStore:  # ruff: ignore[ARG001] - one form for all openers
    if not location.strip():
        raise UsageError("the store's location is empty", hint="Give a folder or a URL: --store ./onnxport-store.")
    root = Path(location).expanduser().absolute()
    if root.exists() and not root.is_dir():
        raise UsageError(
            f"the store {root} is a file, not a folder", hint="Give a folder; it is made when missing."
        )
    return LocalStore(root=root)


def _open_file_url(location: str, access: StoreAccess) -> BlobStore:
    parts = urlsplit(location)
    if parts.netloc not in {"", "localhost"}:
        raise UsageError(f"{location} is on another machine", hint="Write file:///absolute/path.")
    return _open_folder(unquote(parts.path), access)


def _open_azure(location: str, access: StoreAccess) -> BlobStore:
    from .azure import open_azure  # ruff: ignore[PLC0415] - a second of imports that folders do not need

    return open_azure(location, access)


def _open_memory(_location: str, _access: StoreAccess) -> BlobStore:
    return MemoryStore()


REMOTE_FILES = ("az", "abfs", "abfss", "https", "http")
"""Schemes of files that `stream_file` reads."""


def stream_file(location: str, access: StoreAccess) -> Iterator[bytes]:
    """The bytes of the file at a Blob URL, `az://CONTAINER/PATH` or `abfs[s]://CONTAINER@HOST/PATH`, in blocks.

    Raises:
        UsageError: It is no location, the account is not known, or a credential is malformed.
        BlobNotFound: There is no such file; raised before the first block.
        BlobChanged: It was written while it was read.
        Unreachable: The service does not answer or refuses us.
    """
    from .azure import stream_azure  # ruff: ignore[PLC0415] - a second of imports that folders do not need

    return stream_azure(location, access)


_OPENERS: dict[str, Callable[[str, StoreAccess], BlobStore]] = {
    "file": _open_file_url,
    "az": _open_azure,
    "https": _open_azure,
    "http": _open_azure,
    "memory": _open_memory,
}
