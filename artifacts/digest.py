"""SHA-256, the one digest of onnxport: lower-case hex everywhere."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_BLOCK = 16 << 20
"""Read and digested without the interpreter: a reader beside a busy thread waits for each turn of it."""
_HEX = re.compile(r"[0-9a-f]{64}")


def is_digest(text: str) -> bool:
    """Whether `text` is a SHA-256 in lower-case hex."""
    return _HEX.fullmatch(text) is not None


def digest_bytes(data: bytes) -> str:
    """The SHA-256 of `data`."""
    return hashlib.sha256(data).hexdigest()


def digest_blocks(blocks: Iterable[bytes | memoryview]) -> str:
    """The SHA-256 of the concatenated `blocks`."""
    running = hashlib.sha256()
    for block in blocks:
        running.update(block)
    return running.hexdigest()


def digest_file(path: Path) -> str:
    """The SHA-256 of the file's bytes, read in blocks of 16 MiB."""
    with path.open("rb", buffering=0) as file:
        return digest_blocks(iter(lambda: file.read(_BLOCK), b""))


def digest_folder(folder: Path) -> str:
    """The SHA-256 over the sorted relative paths and digests of all files below `folder`.

    Law: equal for two folders if and only if they hold the same files under the same relative paths.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = [f"{digest_file(path)}  {path.relative_to(folder).as_posix()}\n" for path in files]
    return digest_bytes("".join(lines).encode())
