"""SHA-256 of files, block by block."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from onnxport.artifacts import digest, digest_file

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 16, 20])
def test_a_file_of_any_size_has_the_digest_of_its_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(digest, "_BLOCK", 8)
    data = bytes(range(size))
    (tmp_path / "file").write_bytes(data)
    assert digest_file(tmp_path / "file") == hashlib.sha256(data).hexdigest()
