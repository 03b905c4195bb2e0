"""Brings the files of an Azure ML model here, in blocks, and only those that are the model's.

Not by the SDK's `models.download`: it holds each file in memory as a whole, takes every blob whose name begins
alike (those of a sibling `model_old` too), passes by in silence what lies outside the folder, and retries for
minutes.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceModifiedError
from azure.storage.blob import ContainerClient, LinearRetry
from onnxport.artifacts import IntegrityError, UntrustedModel, UsageError
from onnxport.storage.azure_pipeline import bounded

from .azure_errors import is_absent, translated

if TYPE_CHECKING:
    from collections.abc import Iterable

    from onnxport.storage import Patience

    from .azure_location import BlobLocation

_BLOCK = 2 << 20
_MAX_FILES = 10_000
_FOLDER_MARK = "hdi_isfolder"
_MAX_NAME_BYTES = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """A file of a model.

    Attributes:
        blob: The blob's name.
        path: Where it belongs, relative to the model's folder: plain names between single slashes.
        size: Bytes.
        etag: Names the state of the blob that was listed.
    """

    blob: str
    path: str
    size: int
    etag: str


def download(location: BlobLocation, folder: Path, patience: Patience, what: str) -> None:
    """All files of the model at `location`, and nothing else, lie in `folder`; memory holds a few MiB of them.

    Args:
        location: Where the model lies: a file, or a folder with all below it.
        folder: An empty folder; a model that is one file lies in it under its own name.
        patience: How long Azure is waited for.
        what: What is downloaded, for messages.

    Raises:
        UsageError: There are no files, more than 10,000, or more than the disk takes.
        UntrustedModel: The name of a file would lead out of the folder.
        IntegrityError: A file changed meanwhile, or came in another size than was listed.
        Unreachable: Azure refuses us or does not answer.
    """
    options = bounded(patience)
    retry = LinearRetry(backoff=1, random_jitter_range=1, retry_total=patience.attempts - 1)
    with ContainerClient(
        location.account_url,
        location.container,
        credential=location.login,
        max_single_get_size=_BLOCK,
        max_chunk_get_size=_BLOCK,
        connection_timeout=options["connection_timeout"],
        read_timeout=options["read_timeout"],
        retry_policy=retry,
    ) as container:
        with translated(f"the files of {what}"):
            files = _list(container, location.path, what)
        _check_room(files, folder, what)
        for file in files:
            with translated(f"{file.path} of {what}"):
                _bring(container, file, folder / file.path)


def _list(container: ContainerClient, path: str, what: str) -> list[RemoteFile]:
    listed = container.list_blobs(name_starts_with=path + "/", include=["metadata"])
    files = [_remote(blob, blob.name[len(path) + 1 :], what) for blob in listed if not _is_folder(blob)]
    if not files:
        files = _single(container, path, what)
    if not files:
        raise UsageError(
            f"{what} has no files: nothing is left at {location_text(container, path)}",
            hint="Register the model again, or name another version.",
        )
    if len(files) > _MAX_FILES:
        raise UsageError(f"{what} has more than {_MAX_FILES} files: that is no model that onnxport can open")
    _check_tree(files, what)
    return files


def location_text(container: ContainerClient, path: str) -> str:
    """Where `path` lies, without a signature."""
    return f"{container.primary_hostname}/{container.container_name}/{path}"


def _single(container: ContainerClient, path: str, what: str) -> list[RemoteFile]:
    try:
        blob = container.get_blob_client(path).get_blob_properties()
    except HttpResponseError as error:
        if is_absent(error):
            return []
        raise
    return [] if _is_folder(blob) else [_remote(blob, PurePosixPath(path).name, what)]


def _is_folder(blob: Any) -> bool:  # ruff: ignore[ANN401] - BlobProperties, whose metadata is untyped
    """Whether a blob only marks a folder, as Data Lake and some tools leave them."""
    return bool(blob.metadata and blob.metadata.get(_FOLDER_MARK)) or (blob.name.endswith("/") and not blob.size)


def _remote(blob: Any, relative: str, what: str) -> RemoteFile:  # ruff: ignore[ANN401] - BlobProperties, half typed
    parts = relative.split("/")
    plain = all(
        part not in {"", ".", ".."}
        and part.isprintable()
        and not set(part) & {"\\", ":"}
        and len(part.encode()) <= _MAX_NAME_BYTES
        for part in parts
    )
    if not plain:
        raise UntrustedModel(
            f"{what} has a file named {relative[:100]!r}, which does not belong in a folder",
            hint="Nothing was downloaded. Register the model's own files again, and find out who named this one.",
        )
    return RemoteFile(blob=blob.name, path=relative, size=int(blob.size), etag=str(blob.etag))


def _check_tree(files: Iterable[RemoteFile], what: str) -> None:
    names = {file.path for file in files}
    for name in names:
        folder = next((str(parent) for parent in PurePosixPath(name).parents if str(parent) in names), None)
        if folder is not None:
            raise UntrustedModel(f"{what} has both a file {folder!r} and files below it")


def _check_room(files: list[RemoteFile], folder: Path, what: str) -> None:
    needed, free = sum(file.size for file in files), shutil.disk_usage(folder).free
    if needed > free:
        raise UsageError(
            f"{what} has {needed >> 20} MiB, and {folder.parent} has {free >> 20} MiB left",
            hint="Make room, or set TMPDIR to a larger disk.",
        )


def _bring(container: ContainerClient, file: RemoteFile, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        stream = container.download_blob(
            file.blob, max_concurrency=1, etag=file.etag, match_condition=MatchConditions.IfNotModified
        )
        with target.open("xb") as out:
            size = sum(out.write(block) for block in stream.chunks())
    except ResourceModifiedError as error:
        raise IntegrityError(
            f"{file.path} was changed while it was downloaded", hint="Run the same command again."
        ) from error
    if size != file.size:
        raise IntegrityError(
            f"{file.path} came with {size} bytes, {file.size} were listed", hint="Run the same command again."
        )
