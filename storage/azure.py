"""A store in Azure Blob storage, or in whatever speaks its protocol."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, TypeVar, cast

from azure.core import MatchConditions
from azure.core.exceptions import AzureError, HttpResponseError, ResourceModifiedError
from azure.storage.blob import BlobBlock, ContainerClient
from onnxport.artifacts import Unreachable, UsageError, digest_bytes

from .address import blob_location
from .azure_errors import Retrying, error_code, unreachable
from .azure_login import locate
from .blobs import Blob, BlobChanged, BlobExists, BlobInfo, BlobNotFound, check_folder, check_key, unwatched
from .content import opened

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    from azure.core.paging import ItemPaged, PageIterator
    from azure.storage.blob import BlobClient

    from .access import Patience, StoreAccess
    from .address import Address
    from .azure_login import Login

Item = TypeVar("Item")

_BLOCK = 1 << 20  # sent within `Patience.connect_seconds`, which so bounds how slow a line may be
_CHUNK = 4 << 20
_NOT_FOUND = 404
_TAKEN = {409, 412}
_CHANGED = {404, 412}
_WRITE_ID = "onnxport_write"


class AzureStore:
    """Blobs below a prefix of a container; conditional headers make `create` and `replace` exclusive.

    A request is tried again when it may help. So that the second try of a write that had arrived the first time is
    not taken for somebody else's, each write leaves an id in the blob's metadata.

    What is larger than 1 MiB is sent as blocks that are named by their digest: a re-run sends only those that the
    service does not hold yet (it keeps them for a week). The container is made by the first write if it is missing
    and the credentials allow that; until then the store is empty.
    """

    def __init__(self, address: Address, login: Login, patience: Patience) -> None:
        self.url = address.url
        self._prefix = address.prefix
        self._try = Retrying(patience)
        self._container = ContainerClient(
            address.endpoint,
            address.container,
            credential=login,
            connection_timeout=patience.connect_seconds,
            read_timeout=patience.read_seconds,
            retry_total=0,
            max_single_put_size=_BLOCK,
            max_single_get_size=_CHUNK,
            max_chunk_get_size=_CHUNK,
        )

    def read(self, key: str) -> Blob:
        """The blob under `key`."""
        blob = self._blob(key)

        def download() -> Blob:
            found = blob.download_blob()
            return Blob(data=found.readall(), etag=found.properties.etag)

        with self._translated(key):
            return self._try(download)

    def stream(self, key: str) -> Iterator[bytes]:
        """The bytes under `key`, block by block."""
        return self.stream_file(check_key(key))

    def stream_file(self, name: str) -> Iterator[bytes]:
        """The bytes of the blob `name`, under whatever name, block by block: all of them of one state of the blob.

        Raises:
            BlobNotFound: There is none; raised before the first block.
            BlobChanged: It was written meanwhile.
        """
        blob = self._container.get_blob_client(self._prefix + name)

        def first() -> tuple[bytes, int, str]:
            found = blob.download_blob()
            return found.read(_CHUNK), found.size, found.properties.etag

        def following(offset: int) -> bytes:
            same = MatchConditions.IfNotModified
            return blob.download_blob(offset=offset, length=_CHUNK, etag=etag, match_condition=same).readall()

        def blocks() -> Iterator[bytes]:
            yield start
            for offset in range(len(start), size, _CHUNK):
                with self._translated(name):
                    data = self._try(partial(following, offset))
                yield data

        with self._translated(name):
            start, size, etag = self._try(first)
        return blocks()

    def create(self, key: str, data: bytes | Path, sent: Callable[[int], None] = unwatched) -> None:
        """The new blob `key` is there."""
        blob, write = self._blob(key), _write_id()
        with opened(data) as source, self._translated(key):
            try:
                try:
                    self._upload(blob, source, write, sent)
                except HttpResponseError as error:
                    if error_code(error) != "ContainerNotFound":
                        raise
                    self._make_container()
                    source.seek(0)
                    self._upload(blob, source, write, sent)
            except HttpResponseError as error:
                if error.status_code not in _TAKEN and error_code(error) != "InvalidBlockList":
                    raise
                found = self._found_write(blob)
                if found is None:
                    raise
                if found != write:
                    raise BlobExists(f"{key} is in {self.url} already") from None

    def replace(self, key: str, data: bytes, etag: str) -> None:
        """The blob `key`, which held what `etag` names, holds `data`."""
        blob, write = self._blob(key), _write_id()
        same = MatchConditions.IfNotModified
        with self._translated(key):
            try:
                self._try(
                    lambda: blob.upload_blob(data, overwrite=True, metadata=write, etag=etag, match_condition=same)
                )
            except HttpResponseError as error:
                if error.status_code not in _CHANGED:
                    raise
                if self._found_write(blob) != write:
                    raise BlobChanged(f"{key} in {self.url} is not what was read") from None

    def touch(self, key: str) -> None:
        """The blob counts as written now."""
        blob = self._blob(key)
        with self._translated(key):
            self._try(lambda: blob.set_blob_metadata(_write_id()))

    def delete(self, info: BlobInfo) -> None:
        """The blob is gone, unless it was written since it was listed."""
        blob = self._blob(info.key)
        with self._translated(info.key):
            try:
                self._try(lambda: blob.delete_blob(if_unmodified_since=info.modified))
            except HttpResponseError as error:
                if error_code(error) == "ConditionNotMet":
                    raise BlobChanged(f"{info.key} in {self.url} was written since it was listed") from None
                if error.status_code != _NOT_FOUND:
                    raise

    def list(self, folder: str) -> Iterator[BlobInfo]:
        """Every blob below `folder`: a request for each 5,000."""
        walk = partial(self._container.list_blobs, name_starts_with=self._prefix + check_folder(folder))
        for blob in self._paged(folder, walk):
            yield BlobInfo(key=blob.name[len(self._prefix) :], size=blob.size, modified=blob.last_modified)

    def children(self, folder: str) -> Iterator[str]:
        """The names one level below `folder`: a request for each 5,000."""
        prefix = self._prefix + check_folder(folder)
        walk = partial(self._container.walk_blobs, name_starts_with=prefix, delimiter="/")
        for blob in self._paged(folder, walk):
            yield blob.name[len(prefix) :].removesuffix("/")

    def _blob(self, key: str) -> BlobClient:
        return self._container.get_blob_client(self._prefix + check_key(key))

    def _upload(
        self, blob: BlobClient, source: BinaryIO, write: dict[str, str], sent: Callable[[int], None]
    ) -> None:
        data = source.read(_BLOCK + 1)
        if len(data) <= _BLOCK:
            self._try(lambda: blob.upload_blob(data, metadata=write))
            sent(len(data))
            return
        source.seek(0)
        staged = self._staged(blob)
        blocks: list[BlobBlock] = []
        for data in iter(partial(source.read, _BLOCK), b""):
            name = digest_bytes(data)
            if name not in staged:
                self._try(partial(blob.stage_block, name, data, len(data)))
            blocks.append(BlobBlock(block_id=name))
            sent(source.tell())
        condition = MatchConditions.IfMissing
        self._try(lambda: blob.commit_block_list(blocks, metadata=write, match_condition=condition))

    def _staged(self, blob: BlobClient) -> set[str]:
        """Names of the blocks that a broken upload left.

        Raises:
            BlobExists: The blob is there: found out before its bytes are sent.
        """
        try:
            committed, staged = self._try(lambda: blob.get_block_list("all"))
        except HttpResponseError as error:
            if error_code(error) == "BlobNotFound":
                return set()
            raise
        if committed:
            raise BlobExists(f"{blob.blob_name} is in {self.url} already")
        return {block.id for block in staged}

    def _found_write(self, blob: BlobClient) -> dict[str, str] | None:
        """The id that the last write left at the blob; `None` where there is no blob."""
        try:
            return self._try(blob.get_blob_properties).metadata
        except HttpResponseError as error:
            if error.status_code == _NOT_FOUND:
                return None
            raise

    def _make_container(self) -> None:
        try:
            self._try(self._container.create_container)
        except HttpResponseError as error:
            if error_code(error) == "ContainerAlreadyExists":
                return
            name = self._container.container_name
            raise Unreachable(
                f"there is no container {name!r} for the store {self.url}, and it cannot be made: "
                f"{error.status_code} {error_code(error)}",
                hint=f"Create it: az storage container create --name {name} --account-name ACCOUNT.",
            ) from None

    def _paged(self, folder: str, walk: Callable[[], ItemPaged[Item]]) -> Iterator[Item]:
        """Everything that `walk` lists; a page that failed is asked for again, not the whole listing."""

        def page(at: str | None) -> tuple[list[Item], str | None]:
            pages = cast("PageIterator[Item]", walk().by_page(at))
            return list(next(pages)), pages.continuation_token

        token: str | None = None
        while True:
            try:
                with self._translated(folder):
                    found, token = self._try(partial(page, token))
            except BlobNotFound:  # the container
                return
            yield from found
            if not token:
                return

    @contextmanager
    def _translated(self, key: str) -> Generator[None]:
        try:
            yield
        except AzureError as error:
            if isinstance(error, HttpResponseError) and error.status_code == _NOT_FOUND:
                raise BlobNotFound(f"{key} is not in {self.url}") from None
            if isinstance(error, ResourceModifiedError):
                raise BlobChanged(f"{key} in {self.url} was written while it was read") from None
            raise unreachable(self.url, error) from None  # the cause may quote a SAS


def _write_id() -> dict[str, str]:
    return {_WRITE_ID: uuid.uuid4().hex}


def open_azure(location: str, access: StoreAccess) -> AzureStore:
    """The store at a Blob URL or an `az://` location.

    Raises:
        UsageError: It is no location, the account is not known, or a credential is malformed.
    """
    address, login = locate(location, access)
    return AzureStore(address, login, access.patience)


def stream_azure(location: str, access: StoreAccess) -> Iterator[bytes]:
    """The bytes of the file at a Blob URL, an `az://` or an `abfs://` location, block by block.

    Raises:
        UsageError: It is no location, the account is not known, or a credential is malformed.
        BlobNotFound: There is no such file; raised before the first block.
        BlobChanged: It was written meanwhile.
        Unreachable: The service does not answer or refuses us.
    """
    address, login = locate(blob_location(location), access, str)
    if not address.prefix:
        raise UsageError(f"{address.url} names no file", hint="Write az://CONTAINER/PATH or the file's whole URL.")
    return AzureStore(replace(address, prefix=""), login, access.patience).stream_file(address.prefix)
