"""A store in a folder of this machine."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from onnxport.artifacts import Unreachable, digest_bytes

from .blobs import Blob, BlobChanged, BlobExists, BlobInfo, BlobNotFound, check_folder, check_key, unwatched
from .content import opened

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

_BLOCK = 1 << 20
_HOUSEKEEPING = ".onnxport"
_ABANDONED_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalStore:
    """Blobs as files below `root`, each under its key; safe among processes and against crashes and power loss.

    A blob is written under a temporary name, synced to disk, then linked to its own: a crash leaves at most a
    temporary file, which a later write sweeps away after a day. Linking is what makes `create` exclusive: the file
    system refuses a name that is taken. `replace`, `touch` and `delete` compare and act under an exclusive `flock`
    of one file, which the kernel gives back when its holder dies, so no lock is ever left behind. Where the file
    system has no hard links, `create` looks and renames under that lock.

    Attributes:
        root: The folder, absolute; made by the first write.
    """

    root: Path

    @property
    def url(self) -> str:
        """The folder's path."""
        return str(self.root)

    def read(self, key: str) -> Blob:
        """The blob under `key`; its etag is the digest of its bytes."""
        with self._reading(key):
            data = self._path(key).read_bytes()
        return Blob(data=data, etag=digest_bytes(data))

    def stream(self, key: str) -> Iterator[bytes]:
        """The bytes under `key`, block by block."""
        with self._reading(key):
            file = self._path(key).open("rb")

        def blocks() -> Iterator[bytes]:
            with file, self._writing(key):
                yield from iter(lambda: file.read(_BLOCK), b"")

        return blocks()

    def create(self, key: str, data: bytes | Path, sent: Callable[[int], None] = unwatched) -> None:
        """The new blob `key` is there, whole and synced."""
        target = self._path(key)
        with self._writing(key), self._temporary(data) as temporary:
            _make_folder(target.parent)
            self._take_name(temporary, target)
            _sync_folder(target.parent)
            sent(target.stat().st_size)

    def replace(self, key: str, data: bytes, etag: str) -> None:
        """The blob `key`, which held what `etag` names, holds `data`."""
        target = self._path(key)
        with self._writing(key), self._temporary(data) as temporary, self._locked():
            if not target.exists() or digest_bytes(target.read_bytes()) != etag:
                raise BlobChanged(f"{key} in {self.url} is not what was read")
            temporary.replace(target)
            _sync_folder(target.parent)

    def touch(self, key: str) -> None:
        """The blob counts as written now."""
        with self._reading(key), self._locked():
            os.utime(self._path(key))

    def delete(self, info: BlobInfo) -> None:
        """The blob is gone, unless it was written since it was listed."""
        target = self._path(info.key)
        with self._writing(info.key), self._locked():
            if not target.exists():
                return
            if _modified(target.stat()) != info.modified:
                raise BlobChanged(f"{info.key} in {self.url} was written since it was listed")
            target.unlink()

    def list(self, folder: str) -> Iterator[BlobInfo]:
        """Every blob below `folder`."""
        with self._writing(folder):
            for path in _files(self.root / check_folder(folder)):
                try:
                    status = path.stat()
                except FileNotFoundError:  # deleted since the folder was read
                    continue
                key = path.relative_to(self.root).as_posix()
                yield BlobInfo(key=key, size=status.st_size, modified=_modified(status))

    def children(self, folder: str) -> Iterator[str]:
        """The names one level below `folder`; a folder that a crash left empty is not there."""
        with self._writing(folder):
            for path in _entries(self.root / check_folder(folder)):
                if next(_files(path), path if path.is_file() else None) is not None:
                    yield path.name

    def _path(self, key: str) -> Path:
        return self.root / check_key(key)

    @contextmanager
    def _temporary(self, data: bytes | Path) -> Generator[Path]:
        """A synced file beside the blobs that holds `data`, for as long as the block runs."""
        folder = self.root / _HOUSEKEEPING
        with opened(data) as source:
            _make_folder(folder)
            _sweep(folder)
            temporary = folder / f"{secrets.token_hex(16)}.tmp"
            try:
                with temporary.open("xb") as file:
                    shutil.copyfileobj(source, file, _BLOCK)
                    file.flush()
                    os.fsync(file.fileno())
                yield temporary
            finally:
                temporary.unlink(missing_ok=True)

    def _take_name(self, temporary: Path, target: Path) -> None:
        try:
            os.link(temporary, target)
        except FileExistsError as error:
            raise BlobExists(f"{target.relative_to(self.root)} is in {self.url} already") from error
        except OSError:  # no hard links here; whatever else is wrong, the rename says it again
            with self._locked():
                if target.exists():
                    raise BlobExists(f"{target.relative_to(self.root)} is in {self.url} already") from None
                temporary.rename(target)

    @contextmanager
    def _locked(self) -> Generator[None]:
        _make_folder(self.root / _HOUSEKEEPING)
        with (self.root / _HOUSEKEEPING / "lock").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @contextmanager
    def _reading(self, key: str) -> Generator[None]:
        """What is said where `key` is not there, or cannot be read."""
        try:
            with self._writing(key):
                yield
        except Unreachable as error:
            if isinstance(error.__cause__, (FileNotFoundError, NotADirectoryError, IsADirectoryError)):
                raise BlobNotFound(f"{key} is not in {self.url}") from error.__cause__
            raise

    @contextmanager
    def _writing(self, key: str) -> Generator[None]:
        """What is said where the disk refuses `key`."""
        try:
            yield
        except OSError as error:
            raise Unreachable(
                f"the store {self.url} refuses {key or 'its folder'}: {error.strerror}",
                hint="Check the folder's permissions and the space that is left on its disk.",
            ) from error


def _modified(status: os.stat_result) -> datetime:
    return datetime.fromtimestamp(status.st_mtime, UTC)


def _entries(folder: Path) -> list[Path]:
    """What lies in `folder` and is not housekeeping; nothing where there is no such folder."""
    try:
        return [path for path in folder.iterdir() if not path.name.startswith(".")]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _files(folder: Path) -> Iterator[Path]:
    for path in _entries(folder):
        if path.is_dir():
            yield from _files(path)
        else:
            yield path


def _make_folder(folder: Path) -> None:
    """`folder` is there and will be after a power loss."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sweep(folder: Path) -> None:
    """Temporary files that a crash left behind are gone after a day."""
    oldest = time.time() - _ABANDONED_SECONDS
    for path in folder.glob("*.tmp"):
        try:
            if path.stat().st_mtime < oldest:
                path.unlink()
        except FileNotFoundError:  # its owner was faster
            continue
