"""Who vouches for a release: what is signed of it, and whether a signature is of this very release.

Two more files make a release a signed one: `statement.json`, which binds model, version and the whole manifest but
for these two files, and `signature.json`, a Sigstore bundle over all other files, the statement among them. So who
has the store alone can check it, the library's own command line too, and no signature can be moved to another
model, version, graph or order of columns.
"""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from onnxport.artifacts import (
    Document,
    FileEntry,
    IntegrityError,
    ModelName,
    canonical_json,
    digest_bytes,
)
from onnxport.storage import BlobNotFound

from . import layout
from .bundles import check_bundle
from .draft import SIGNATURE_FILE, STATEMENT_FILE, Part
from .policy import read_policy

if TYPE_CHECKING:
    from onnxport.artifacts import Manifest

    from .bundles import Signer
    from .objects import Objects
    from .policy import Trust


class Statement(Document):
    """`statement.json`: what a signature is about.

    Attributes:
        schema_version: Version of this format.
        model: Name and version of the release.
        digest: The release's digest.
        manifest: SHA-256 of the manifest's canonical JSON without `checksum` and without the files
            `statement.json` and `signature.json`.
    """

    schema_version: int = 1
    model: ModelName
    digest: str
    manifest: str


def state(manifest: Manifest) -> Statement:
    """The statement about the release; the same before and after it was signed."""
    document = json.loads(manifest.to_bytes())
    document.pop("checksum", None)
    signing = {STATEMENT_FILE, SIGNATURE_FILE}
    document["files"] = [entry for entry in document["files"] if entry["name"] not in signing]
    return Statement(model=manifest.model, digest=manifest.digest, manifest=digest_bytes(canonical_json(document)))


def sign(manifest: Manifest, staged: tuple[Part, ...], signer: Signer) -> tuple[Part, Part]:
    """Statement and signature of the release that `manifest` describes and whose files are `staged`."""
    statement = state(manifest).to_bytes()
    with TemporaryDirectory(prefix="onnxport-sign-") as scratch:
        folder = Path(scratch) / manifest.model.name
        folder.mkdir()
        for part in staged:
            data = part.data if isinstance(part.data, bytes) else part.data.read_bytes()
            (folder / part.entry.name).write_bytes(data)
        (folder / STATEMENT_FILE).write_bytes(statement)
        bundle = signer.sign(folder)
    return _part(STATEMENT_FILE, statement), _part(SIGNATURE_FILE, bundle)


def is_signed_by(objects: Objects, manifest: Manifest, signer: Signer) -> bool:
    """Whether the release says that it was signed with the signer's key."""
    try:
        entry = manifest.file(SIGNATURE_FILE)
        return signer.signed(objects.store.read(layout.object_key(objects.name, entry.sha256)).data)
    except (KeyError, BlobNotFound):
        return False


def check(objects: Objects, manifest: Manifest, trust: Trust) -> str:
    """Who signed this very release: one that `trust` names.

    Raises:
        IntegrityError: Nobody that `trust` names did, or something was changed since.
        UsageError: The extra `sign` is not installed.
    """
    release = f"{manifest.model.name}:{manifest.model.version}"
    names = {entry.name for entry in manifest.files}
    if not {STATEMENT_FILE, SIGNATURE_FILE} <= names:
        raise IntegrityError(f"{release} is not signed", hint="Publish it with --sign-with KEY.pem.")
    with TemporaryDirectory(prefix="onnxport-verify-") as scratch:
        folder = Path(scratch) / "files" / manifest.model.name
        bundle = Path(scratch) / SIGNATURE_FILE
        for entry in manifest.files:
            objects.fetch(entry, bundle if entry.name == SIGNATURE_FILE else folder / entry.name)
        try:
            who = check_bundle(folder, bundle.read_bytes(), trust)
        except IntegrityError as error:
            raise IntegrityError(f"{release}: {SIGNATURE_FILE}: {error.message}", hint=error.hint) from error
        if (folder / STATEMENT_FILE).read_bytes() != state(manifest).to_bytes():
            raise IntegrityError(
                f"{release}: {STATEMENT_FILE}: another release was signed, or another manifest of this one",
                hint="Do not use the release: its manifest is not what its publisher made.",
            )
    return who


def enforce(objects: Objects, manifest: Manifest) -> str | None:
    """Who signed the release, where the store's policy demands a signature; `None` where it demands none.

    Raises:
        IntegrityError: The policy demands one, and there is none that counts.
        UsageError: The policy demands one, and the extra `sign` is not installed.
    """
    trust = read_policy(objects.store).require_signature
    if trust is None:
        return None
    try:
        return check(objects, manifest, trust)
    except IntegrityError as error:
        raise IntegrityError(
            f"{layout.POLICY_FILE} of {objects.store.url} demands a signature: {error.message}", hint=error.hint
        ) from error


def _part(name: str, data: bytes) -> Part:
    digest = digest_bytes(data)
    entry = FileEntry(name=name, path=f"objects/{digest}", size=len(data), sha256=digest)
    return Part(entry=entry, data=data)
