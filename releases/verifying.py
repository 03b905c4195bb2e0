"""Is a release, byte for byte, what was published?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onnxport.artifacts import GOLDEN_FILE, PARITY_FILE, Golden, IntegrityError, ParityReport

from . import layout, signing

if TYPE_CHECKING:
    from onnxport.artifacts import FileEntry, Manifest

    from .objects import Objects
    from .policy import Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """A release that was found whole.

    Attributes:
        manifest: Its manifest, with a checksum that holds.
        files: Its files, each of which has the size and the digest that the manifest says.
        signed_by: Whose signature was demanded and found, key or certificate; `None` where none was demanded.
    """

    manifest: Manifest
    files: tuple[FileEntry, ...]
    signed_by: str | None = None


def verify(objects: Objects, manifest: Manifest, trust: Trust | None = None) -> Verification:
    """The release, read in full: sizes, digests, parity report, golden rows, signature where one is demanded.

    The store's policy demands one, and `trust` does.

    Raises:
        IntegrityError: Something is not what it should be; the message names the file.
    """
    for entry in manifest.files:
        objects.check(entry)
    documents = {entry.name: layout.object_key(objects.name, entry.sha256) for entry in manifest.files}
    if PARITY_FILE not in documents:
        raise IntegrityError(f"{objects.name}:{manifest.model.version} has no {PARITY_FILE}")
    report = ParityReport.parse(objects.store.read(documents[PARITY_FILE]).data, name=PARITY_FILE)
    about = (report.graph_sha256, report.source_sha256)
    if not report.passed or about != (manifest.digest, manifest.source.sha256):
        raise IntegrityError(f"{PARITY_FILE} is no proof for this release: it failed, or is about another graph")
    if GOLDEN_FILE in documents:
        Golden.parse(objects.store.read(documents[GOLDEN_FILE]).data, name=GOLDEN_FILE)
    signed_by = signing.enforce(objects, manifest)
    if trust is not None:
        signed_by = signing.check(objects, manifest, trust)
    return Verification(manifest=manifest, files=manifest.files, signed_by=signed_by)
