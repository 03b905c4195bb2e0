"""Files by content: into a store, out of it, and whether they are what their names say."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from onnxport.artifacts import IntegrityError, Progress, Silent, UsageError, digest_blocks
from onnxport.storage import BlobChanged, BlobExists, BlobNotFound

from . import layout

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from onnxport.artifacts import FileEntry
    from onnxport.storage import BlobStore

    from .draft import Part


@dataclass(frozen=True, slots=True, kw_only=True)
class Objects:
    """The files of a model's releases in a store.

    Attributes:
        store: The store.
        name: The model.
        progress: Told of bytes as they move.
    """

    store: BlobStore
    name: str
    progress: Progress = field(default_factory=Silent)

    def put(self, part: Part) -> bool:
        """The store holds the file, read back and found whole; answers whether it is new there.

        One that was there counts as written now, so that a prune at the same time leaves it alone.

        Raises:
            IntegrityError: What the store holds under the digest is something else.
        """
        key = layout.object_key(self.name, part.entry.sha256)
        created = self._create_or_touch(key, part)
        try:
            self.check(part.entry)
        except IntegrityError:
            if created:  # the file changed while it was sent: nobody else may take it for what it is not
                self._discard(key)
            raise
        return created

    def check(self, entry: FileEntry) -> None:
        """The store holds the file that `entry` names, byte for byte.

        Raises:
            IntegrityError: It does not.
        """
        digest = digest_blocks(self._blocks(entry, f"verify {entry.name}"))
        self._compare(entry, digest)

    def fetch(self, entry: FileEntry, target: Path) -> None:
        """`target` is the file that `entry` names; it appears whole and checked, or not at all.

        Raises:
            IntegrityError: The store holds something else.
            UsageError: `target` cannot be written.
        """
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}.tmp")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("xb") as file:
                digest = digest_blocks(_written(self._blocks(entry, f"pull {entry.name}"), file))
            self._compare(entry, digest)
            temporary.replace(target)
        except OSError as error:
            raise UsageError(f"{target} cannot be written: {error.strerror}") from error
        finally:
            temporary.unlink(missing_ok=True)

    def _create_or_touch(self, key: str, part: Part) -> bool:
        def sent(done: int) -> None:
            self.progress.step(f"upload {part.entry.name}", done, part.entry.size)

        while True:
            try:
                self.store.create(key, part.data, sent)
            except BlobExists:
                pass
            else:
                return True
            try:
                self.store.touch(key)
            except BlobNotFound:  # pruned in between
                continue
            return False

    def _discard(self, key: str) -> None:
        for info in self.store.list(layout.objects_folder(self.name)):
            if info.key == key:
                try:
                    self.store.delete(info)
                except BlobChanged:  # somebody relies on it and will find out for themselves
                    return

    def _blocks(self, entry: FileEntry, step: str) -> Iterator[bytes]:
        """The file's bytes, at most one block more than there should be."""
        done = 0
        try:
            blocks = self.store.stream(layout.object_key(self.name, entry.sha256))
        except BlobNotFound:
            raise IntegrityError(
                f"{entry.name} ({entry.path} of {self.name}) is not in {self.store.url}",
                hint="Copy the release from a store that holds it whole, or publish it again.",
            ) from None
        for block in blocks:
            done += len(block)
            yield block
            self.progress.step(step, done, entry.size)
            if done > entry.size:
                break
        if done != entry.size:
            found = f"more than {entry.size}" if done > entry.size else f"{done}"
            raise IntegrityError(
                f"{entry.name} in {self.store.url} has {found} bytes, its manifest says {entry.size}"
            )

    def _compare(self, entry: FileEntry, digest: str) -> None:
        if digest != entry.sha256:
            raise IntegrityError(
                f"{entry.name} in {self.store.url} is {digest}, its manifest says {entry.sha256}",
                hint="Do not use it. Copy the release from a store that holds it whole, or publish it again.",
            )


def _written(blocks: Iterator[bytes], file: BinaryIO) -> Iterator[bytes]:
    for block in blocks:
        file.write(block)
        yield block
