"""Copies of releases on this machine, from which the service starts when the store is down.

::

    STATE/<store>/<model>/7-0123456789abcdef/   the release's files, manifest last
    STATE/<store>/<model>/<reference>.json      which of them answered last, and which before
"""

from __future__ import annotations

import json
import secrets
import shutil
import time
from typing import TYPE_CHECKING

from onnxport.artifacts import digest_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from onnxport.artifacts import Manifest, ReleaseRef

_KEPT = 2
_SETTLED_SECONDS = 600


class Copies:
    """The copies for one store."""

    def __init__(self, state: Path, store_url: str) -> None:
        self._root = state / digest_bytes(store_url.encode())[:16]

    def folder(self, manifest: Manifest) -> Path:
        """Where the files of a release lie, or will."""
        model = manifest.model
        return self._root / model.name / f"{model.version}-{manifest.digest[:16]}"

    def last(self, ref: ReleaseRef) -> Path | None:
        """The files of the release that `ref` meant last, if it answered here."""
        names = self._names(ref)
        return self._root / ref.name / names[0] if names else None

    def remember(self, ref: ReleaseRef, manifest: Manifest) -> None:
        """`ref` means this release, which answers; copies of older ones are gone but for the one before.

        Raises:
            OSError: The folder cannot be written.
        """
        folder = self.folder(manifest)
        names = list(dict.fromkeys([folder.name, *self._names(ref)]))[:_KEPT]
        pointer = self._pointer(ref)
        temporary = pointer.with_name(f".{pointer.name}.{secrets.token_hex(8)}")
        temporary.write_text(json.dumps(names), encoding="utf-8")
        temporary.replace(pointer)
        self._sweep(folder.parent)

    def _sweep(self, models: Path) -> None:
        used: set[str] = set()
        for pointer in models.glob("*.json"):
            used.update(_read(pointer))
        for folder in models.iterdir():
            old = time.time() - folder.stat().st_mtime > _SETTLED_SECONDS  # a newer one may be on its way
            if folder.is_dir() and folder.name not in used and old:
                shutil.rmtree(folder, ignore_errors=True)

    def _names(self, ref: ReleaseRef) -> list[str]:
        return _read(self._pointer(ref))

    def _pointer(self, ref: ReleaseRef) -> Path:
        mark = f"alias-{ref.alias}" if ref.alias is not None else f"version-{ref.version or 'newest'}"
        return self._root / ref.name / f"{mark}.json"


def _read(pointer: Path) -> list[str]:
    try:
        found = json.loads(pointer.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [name for name in found if isinstance(name, str) and "/" not in name] if isinstance(found, list) else []
