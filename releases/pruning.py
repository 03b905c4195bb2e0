"""Objects that nothing needs any more: what crashed or lost publishes leave behind."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from onnxport.artifacts import IntegrityError, UsageError
from onnxport.storage import BlobChanged

from . import layout
from .reading import find_manifest, versions

if TYPE_CHECKING:
    from datetime import datetime

    from onnxport.storage import BlobInfo, BlobStore

SHORTEST_GRACE = timedelta(hours=1)
"""Longer than a publish takes from its first object to its manifest: so long nobody may prune what it wrote."""


def prunable(store: BlobStore, name: str, now: datetime, grace: timedelta) -> list[BlobInfo]:
    """The model's objects that no release names and that are older than `grace`, in order of their keys.

    Law: objects are listed before manifests, so what a publish commits meanwhile is not among them unless it was
    old before; and that one is touched by the publish, and so not deleted.

    Raises:
        UsageError: `grace` is shorter than a publish may take.
        IntegrityError: A manifest was changed: what it named is not known, so nothing can be said.
    """
    if grace < SHORTEST_GRACE:
        raise UsageError(
            f"a grace period of {grace} could take objects from a publish that is under way",
            hint=f"Give {SHORTEST_GRACE} or more.",
        )
    old = [info for info in store.list(layout.objects_folder(name)) if now - info.modified > grace]
    named: set[str] = set()
    for version in versions(store, name):
        manifest = find_manifest(store, name, version)
        if manifest is None:
            raise IntegrityError(f"{layout.releases_folder(name)}/{version} has no {layout.MANIFEST_FILE}")
        named |= {layout.object_key(name, entry.sha256) for entry in manifest.files}
    return sorted((info for info in old if info.key not in named), key=lambda info: info.key)


def delete(store: BlobStore, objects: list[BlobInfo]) -> list[BlobInfo]:
    """Those of the `objects` that are gone now: all but those that somebody used again since they were listed."""
    gone: list[BlobInfo] = []
    for info in objects:
        try:
            store.delete(info)
        except BlobChanged:
            continue
        gone.append(info)
    return gone
