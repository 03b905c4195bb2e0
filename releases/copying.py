"""A release in another store, under the same name and version."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from onnxport.artifacts import LostRace, Release
from onnxport.storage import BlobExists

from . import layout
from .draft import Part
from .sealing import seal

if TYPE_CHECKING:
    from onnxport.artifacts import Manifest

    from .objects import Objects


def copy(source: Objects, manifest: Manifest, target: Objects) -> Release:
    """The release in the other store, byte for byte, its number included: one release has one name everywhere.

    Files are checked when they are read and again when they are written; the manifest comes last. Numbers between
    those that were copied stay free there, and a later publish goes on after the highest.

    Raises:
        IntegrityError: A file is not what the manifest says, here or there.
        LostRace: The other store holds another release under this number; it was left alone.
    """
    version = manifest.model.version
    with TemporaryDirectory(prefix="onnxport-copy-") as folder:
        for entry in manifest.files:
            local = Path(folder) / entry.sha256
            source.fetch(entry, local)
            target.put(Part(entry=entry, data=local))
            local.unlink()
    key, data = layout.manifest_key(manifest.model.name, version), seal(manifest)
    try:
        target.store.create(key, data)
    except BlobExists:
        if target.store.read(key).data == data:
            return Release(manifest=manifest)
        raise LostRace(
            f"{target.store.url} holds another {manifest.model.name}:{version}; it was left alone",
            hint="Publish to that store instead: the release gets the next free number there.",
        ) from None
    return Release(manifest=manifest, created=True)
