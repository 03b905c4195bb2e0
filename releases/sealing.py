"""Manifests as bytes that show when they were changed."""

from __future__ import annotations

import json
from typing import Any

from onnxport.artifacts import MODEL_FILE, IntegrityError, Manifest, canonical_json, digest_bytes

from .layout import is_file_name

_SEAL = "checksum"


def seal(manifest: Manifest) -> bytes:
    """The bytes of the manifest's document: canonical, with the SHA-256 of the rest of it as `checksum`.

    Law: `unseal(seal(manifest), …)` is the manifest, unknown fields included, and no change of a byte is missed.
    """
    document = json.loads(manifest.to_bytes())
    document.pop(_SEAL, None)
    return canonical_json({**document, _SEAL: digest_bytes(canonical_json(document))})


def unseal(data: bytes, *, name: str, model: str, version: int) -> Manifest:
    """The manifest in `data`, which the store holds under `name`.

    Raises:
        IntegrityError: It was changed, is about another release, or names files that no release can hold.
    """
    manifest = Manifest.parse(data, name=name)
    document: dict[str, Any] = json.loads(data)
    recorded = document.pop(_SEAL, None)
    if recorded != digest_bytes(canonical_json(document)) or canonical_json(json.loads(data)) != data:
        raise IntegrityError(
            f"{name} was changed: its checksum is not that of its content",
            hint="Publish the model again, or copy the release from a store that holds it whole.",
        )
    found = manifest.model
    if (found.name, found.version) != (model, version):
        raise IntegrityError(f"{name} is the manifest of {found.name}:{found.version}, not of {model}:{version}")
    names = [entry.name for entry in manifest.files]
    for file in names:
        if not is_file_name(file) or names.count(file) > 1:
            raise IntegrityError(f"{name} names a file {file!r}, which no release can hold")
    if MODEL_FILE not in names:
        raise IntegrityError(f"{name} names no {MODEL_FILE}")
    return manifest
