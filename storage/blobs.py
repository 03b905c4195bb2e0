"""The seam between releases and the bytes underneath: what every store can do, and how it says no."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from onnxport.artifacts import OnnxportError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

_SEGMENT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}")
_LONGEST_KEY = 900  # Azure takes 1,024, prefix included


class BlobNotFound(OnnxportError):
    """There is no blob under the key."""

    code = "blob-not-found"


class BlobExists(OnnxportError):
    """There is a blob under the key already; it was left alone."""

    code = "blob-exists"


class BlobChanged(OnnxportError):
    """The blob is not the one that was read or listed: somebody replaced, touched or deleted it."""

    code = "blob-changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """A small blob, read as a whole.

    Attributes:
        data: Its bytes.
        etag: Names this state of the blob; opaque, compared by `replace`.
    """

    data: bytes
    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobInfo:
    """What a listing says about a blob.

    Attributes:
        key: Its key.
        size: Bytes.
        modified: When it was written, replaced or touched last, by the store's clock, UTC.
    """

    key: str
    size: int
    modified: datetime


def unwatched(_sent: int) -> None:
    """Nobody watches how many bytes were sent."""


class BlobStore(Protocol):
    """Bytes under keys, with the two conditional writes on which releases rest.

    Keys are segments of letters, digits, `.`, `_` and `-` with `/` between them. Laws, for every store and any
    number of processes:

    * of all `create` for a key exactly one succeeds, and nobody ever reads less than all of its bytes;
    * of all `replace` that start from one etag exactly one succeeds;
    * what returned is durable, and visible to whoever reads after that.

    Every method raises `Unreachable` where the store does not answer after bounded retries or refuses us, and
    `UsageError` for what is no key.

    Attributes:
        url: The store's canonical location, without secrets; `open_store` takes it.
    """

    @property
    def url(self) -> str:
        """The store's canonical location, without secrets."""
        ...

    def read(self, key: str) -> Blob:
        """The blob under `key`.

        Raises:
            BlobNotFound: There is none.
        """
        ...

    def stream(self, key: str) -> Iterator[bytes]:
        """The bytes under `key`, block by block.

        Raises:
            BlobNotFound: There is none; raised before the first block.
        """
        ...

    def create(self, key: str, data: bytes | Path, sent: Callable[[int], None] = unwatched) -> None:
        """The new blob `key` is there and holds `data`, a file's content where it is a path.

        `sent` is told how many bytes of it the store has, the last time all of them.

        Raises:
            BlobExists: There is one already.
            UsageError: The file cannot be read.
        """
        ...

    def replace(self, key: str, data: bytes, etag: str) -> None:
        """The blob `key`, which held what `etag` names, holds `data`.

        Raises:
            BlobChanged: It held something else, or is gone.
        """
        ...

    def touch(self, key: str) -> None:
        """The blob counts as written now.

        Raises:
            BlobNotFound: There is none.
        """
        ...

    def delete(self, info: BlobInfo) -> None:
        """The blob is gone, by this call or an earlier one.

        Raises:
            BlobChanged: It was replaced or touched since `info` was listed; it was left alone.
        """
        ...

    def list(self, folder: str) -> Iterator[BlobInfo]:
        """Every blob below `folder`, in any order; `""` is the whole store."""
        ...

    def children(self, folder: str) -> Iterator[str]:
        """The names one level below `folder`, once each, in any order: of blobs, and of folders that hold some."""
        ...


def check_key(key: str) -> str:
    """`key`, if every store can hold it and none takes it for something else.

    Raises:
        UsageError: A segment is empty, starts with a dot, or holds other characters.
    """
    if len(key) > _LONGEST_KEY or not all(_SEGMENT.fullmatch(segment) for segment in key.split("/")):
        raise UsageError(
            f"{key!r} is no key of a store",
            hint="Keys are letters, digits, '.', '_' and '-' between single slashes; no part starts with a dot.",
        )
    return key


def check_folder(folder: str) -> str:
    """The prefix of every key below `folder`: empty, or ending in one slash.

    Raises:
        UsageError: It is no folder.
    """
    return folder and check_key(folder.removesuffix("/")) + "/"
