"""A store in this process's memory: for tests, and for trying things out."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from .blobs import Blob, BlobChanged, BlobExists, BlobInfo, BlobNotFound, check_folder, check_key, unwatched
from .content import opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_BLOCK = 1 << 20


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    data: bytes
    etag: str
    modified: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryStore:
    """A store whose blobs are gone with the object; safe among threads.

    Attributes:
        url: Always `memory://`.
        clock: What says when a blob was written.
    """

    url: str = "memory://"
    clock: Callable[[], datetime] = _now
    _entries: dict[str, _Entry] = field(default_factory=dict[str, _Entry], repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _etags: Iterator[int] = field(default_factory=itertools.count, repr=False)

    def read(self, key: str) -> Blob:
        """The blob under `key`."""
        with self._lock:
            entry = self._find(key)
        return Blob(data=entry.data, etag=entry.etag)

    def stream(self, key: str) -> Iterator[bytes]:
        """The bytes under `key`, block by block."""
        data = self.read(key).data
        return (data[start : start + _BLOCK] for start in range(0, len(data), _BLOCK))

    def create(self, key: str, data: bytes | Path, sent: Callable[[int], None] = unwatched) -> None:
        """The new blob `key` is there."""
        with opened(data) as source:
            content = source.read()
        with self._lock:
            if check_key(key) in self._entries:
                raise BlobExists(f"{key} is in the store already")
            self._put(key, content)
        sent(len(content))

    def replace(self, key: str, data: bytes, etag: str) -> None:
        """The blob `key`, which held what `etag` names, holds `data`."""
        with self._lock:
            entry = self._entries.get(check_key(key))
            if entry is None or entry.etag != etag:
                raise BlobChanged(f"{key} is not what was read")
            self._put(key, data)

    def touch(self, key: str) -> None:
        """The blob counts as written now."""
        with self._lock:
            self._put(key, self._find(key).data)

    def delete(self, info: BlobInfo) -> None:
        """The blob is gone, unless it was written since it was listed."""
        with self._lock:
            entry = self._entries.get(check_key(info.key))
            if entry is not None and entry.modified != info.modified:
                raise BlobChanged(f"{info.key} was written since it was listed")
            self._entries.pop(info.key, None)

    def list(self, folder: str) -> Iterator[BlobInfo]:
        """Every blob below `folder`."""
        prefix = check_folder(folder)
        with self._lock:
            found = [item for item in self._entries.items() if item[0].startswith(prefix)]
        return (BlobInfo(key=key, size=len(entry.data), modified=entry.modified) for key, entry in found)

    def children(self, folder: str) -> Iterator[str]:
        """The names one level below `folder`."""
        prefix = check_folder(folder)
        return iter({info.key[len(prefix) :].split("/")[0] for info in self.list(folder)})

    def _find(self, key: str) -> _Entry:
        entry = self._entries.get(check_key(key))
        if entry is None:
            raise BlobNotFound(f"{key} is not in the store")
        return entry

    def _put(self, key: str, data: bytes) -> None:
        self._entries[key] = _Entry(data=data, etag=str(next(self._etags)), modified=self.clock())
