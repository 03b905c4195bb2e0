"""From a draft to a release: objects first, the manifest as the commit point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onnxport.artifacts import IntegrityError, Release
from onnxport.storage import BlobExists

from . import layout, signing
from .draft import parts
from .reading import find_manifest, versions
from .sealing import seal, unseal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from onnxport.artifacts import Manifest

    from .bundles import Signer
    from .draft import Draft, Part
    from .objects import Objects
    from .stamp import Stamp


def publish(
    objects: Objects,
    draft: Draft,
    files: Mapping[str, bytes | Path],
    stamp: Stamp,
    *,
    signer: Signer | None = None,
) -> Release:
    """The draft as a release: a new one, or the one of the same source and graph that was there.

    A release counts as the same only where it has every file of the draft by name, and, with a signer, where the
    signer's key signed it; a new one is signed.

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
    publication = _Publication(objects=objects, draft=draft, staged=staged, stamp=stamp, signer=signer)
    older = versions(objects.store, draft.name)
    graph, *others = staged
    if not objects.put(graph):
        published = publication.search(older)
        if published is not None:
            return Release(manifest=published)
    for part in others:
        objects.put(part)
    return publication.commit(max(older, default=0) + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Publication:
    """A release under way: all of it but its number."""

    objects: Objects
    draft: Draft
    staged: tuple[Part, ...]
    stamp: Stamp
    signer: Signer | None

    def search(self, candidates: list[int]) -> Manifest | None:
        """The newest whole release among `candidates` that is the draft's own."""
        for version in reversed(candidates):
            try:
                manifest = find_manifest(self.objects.store, self.draft.name, version)
            except IntegrityError:  # a damaged release is none, and no reason not to publish a good one
                continue
            if manifest is not None and self._is_ours(manifest):
                return manifest
        return None

    def commit(self, version: int) -> Release:
        """The release under the first number from `version` on that is free, unless one on the way is the same."""
        while True:
            key = layout.manifest_key(self.draft.name, version)
            data = seal(self._manifest(version))
            try:
                self.objects.store.create(key, data)
            except BlobExists:
                published = self.search([version])
                if published is not None:
                    return Release(manifest=published)
                version += 1
            else:
                manifest = unseal(data, name=key, model=self.draft.name, version=version)
                return Release(manifest=manifest, created=True)

    def _manifest(self, version: int) -> Manifest:
        """The manifest under this number, all of whose files are in the store: a signature is of one number."""
        manifest = self.draft.manifest(version, tuple(part.entry for part in self.staged), self.stamp)
        if self.signer is None:
            return manifest
        proof = signing.sign(manifest, self.staged, self.signer)
        for part in proof:
            self.objects.put(part)
        return manifest.model_copy(update={"files": (*manifest.files, *(part.entry for part in proof))})

    def _is_ours(self, manifest: Manifest) -> bool:
        there = {entry.name for entry in manifest.files}
        if not self.draft.is_published_as(manifest) or not there.issuperset(
            part.entry.name for part in self.staged
        ):
            return False
        return self.signer is None or signing.is_signed_by(self.objects, manifest, self.signer)
