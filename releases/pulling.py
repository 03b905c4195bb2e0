"""A release as files in a folder of this machine."""

from __future__ import annotations

import secrets
import shutil
from typing import TYPE_CHECKING

from onnxport.artifacts import IntegrityError, Manifest, UsageError, digest_file

from . import layout
from .sealing import seal, unseal

if TYPE_CHECKING:
    from pathlib import Path

    from onnxport.artifacts import FileEntry

    from .objects import Objects


def pull(objects: Objects, manifest: Manifest, out: Path, cache: Path | None) -> None:
    """`out` holds the release's files and its `manifest.json`, every one checked; what else is there stays.

    What is there already, or in `cache` by digest, is not fetched again. The manifest goes first and comes last: a
    folder with a manifest is whole.

    Raises:
        IntegrityError: The store holds something else than the manifest says; the message names the file.
        UsageError: `out` or `cache` cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / layout.MANIFEST_FILE).unlink(missing_ok=True)
        for entry in manifest.files:
            if not _is_there(entry, out / entry.name):
                _bring(objects, entry, out / entry.name, cache)
        _land(seal(manifest), out / layout.MANIFEST_FILE)
    except OSError as error:
        raise UsageError(f"{error.filename or out} cannot be written: {error.strerror}") from error


def read_pulled(folder: Path) -> Manifest:
    """The release that `pull` left in `folder`, every file checked again.

    Raises:
        UsageError: There is none.
        IntegrityError: A file is not what the manifest says; the message names it.
    """
    path = folder / layout.MANIFEST_FILE
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror or error}", hint="`onnxport pull` writes such a folder."
        ) from error
    model = Manifest.parse(data, name=str(path)).model
    manifest = unseal(data, name=str(path), model=model.name, version=model.version)
    for entry in manifest.files:
        if not _is_there(entry, folder / entry.name):
            raise IntegrityError(
                f"{folder / entry.name} is not what the manifest says: {entry.size} bytes, sha256 {entry.sha256}",
                hint="Pull the release again.",
            )
    return manifest


def _bring(objects: Objects, entry: FileEntry, target: Path, cache: Path | None) -> None:
    if cache is None:
        objects.fetch(entry, target)
        return
    kept = cache / entry.sha256
    if not _is_there(entry, kept):
        objects.fetch(entry, kept)
    _land(kept, target)


def _is_there(entry: FileEntry, path: Path) -> bool:
    return path.is_file() and path.stat().st_size == entry.size and digest_file(path) == entry.sha256


def _land(content: bytes | Path, target: Path) -> None:
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}.tmp")
    try:
        if isinstance(content, bytes):
            temporary.write_bytes(content)
        else:
            shutil.copyfile(content, temporary)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
