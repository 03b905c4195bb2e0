"""From a draft to a release: objects first, the manifest as the commit point."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnxport.artifacts import IntegrityError, Release
from onnxport.storage import BlobExists

from . import layout
from .draft import parts
from .reading import find_manifest, versions
from .sealing import seal, unseal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from onnxport.artifacts import Manifest
    from onnxport.storage import BlobStore

    from .draft import Draft
    from .objects import Objects
    from .stamp import Stamp


def publish(objects: Objects, draft: Draft, files: Mapping[str, bytes | Path], stamp: Stamp) -> Release:
    """The draft as a release: a new one, or the one of the same source and graph that was there.

    Laws: what a crash leaves behind is objects that no manifest names, never a part of a release or a gap in the
    numbers; a re-run goes on from there. Of publishers of the same content at once, one creates the release and
    all answer with it: versions are listed before the graph is stored, so another release of this graph either is
    older, and then the graph was there already and those listed are searched, or it stands in the way of the
    commit, where it is compared.

    Raises:
        UsageError: A file cannot be read or has no plain name, or there is no `model.onnx`.
        IntegrityError: `model.onnx` is not the graph that was checked, or the store holds something else under
            a file's digest.
    """
    staged = parts(draft, files)
    older = versions(objects.store, draft.name)
    graph, *others = staged
    if not objects.put(graph):
        published = _search(objects.store, draft, older)
        if published is not None:
            return Release(manifest=published)
    for part in others:
        objects.put(part)
    entries = tuple(part.entry for part in staged)
    manifest = draft.manifest(max(older, default=0) + 1, entries, stamp)
    return _commit(objects.store, draft, manifest)


def _search(store: BlobStore, draft: Draft, candidates: list[int]) -> Manifest | None:
    """The newest whole release among `candidates` that is the draft's own."""
    for version in reversed(candidates):
        try:
            manifest = find_manifest(store, draft.name, version)
        except IntegrityError:  # a damaged release is none, and no reason not to publish a good one
            continue
        if manifest is not None and draft.is_published_as(manifest):
            return manifest
    return None


def _commit(store: BlobStore, draft: Draft, manifest: Manifest) -> Release:
    while True:
        version = manifest.model.version
        key = layout.manifest_key(draft.name, version)
        data = seal(manifest)
        try:
            store.create(key, data)
        except BlobExists:
            published = _search(store, draft, [version])
            if published is not None:
                return Release(manifest=published)
            manifest = manifest.for_version(version + 1)
        else:
            return Release(manifest=unseal(data, name=key, model=draft.name, version=version), created=True)
