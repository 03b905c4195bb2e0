"""What a run does, as values that travel to workers: the job, and its parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from onnxport.artifacts import Document, Manifest, Signature
from onnxport.sources.spans import Span

from .files import DataFile

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

EngineName = Literal["onnx", "xgboost"]
Kind = Literal["file", "folder"]
"""One Parquet file with all rows, or a folder with a file for each part."""

SUFFIXES: dict[Kind, str] = {"file": "arrow", "folder": "parquet"}
"""What a finished part is: Arrow on its way into the one file, Parquet where it stays as it is."""


class Part(Document):
    """Rows that one worker scores in one go.

    Attributes:
        number: 0, 1, 2, …, in the order of the rows.
        file: Where they are.
        span: Which of its rows.
        first: The number that the first of them has in the file; `None` where only reading tells (CSV).
    """

    number: int
    file: DataFile
    span: Span
    first: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """All that it takes to score a part; small enough to go along with each.

    Attributes:
        manifest: The release.
        release: Folder with its files.
        engine: What answers.
        columns: What is read: the features, then the columns that are kept.
        ids: The columns that are kept.
        prefix: What stands before the names of the answers.
        kind: What the output is.
        parts: Folder of finished parts.
        temporary: Folder of unfinished ones, in the same file system.
    """

    manifest: Manifest
    release: Path
    engine: EngineName
    columns: pa.Schema
    ids: tuple[str, ...]
    prefix: str
    kind: Kind
    parts: Path
    temporary: Path

    @property
    def signature(self) -> Signature:
        """Inputs and outputs of the graph."""
        return self.manifest.signature

    def target(self, number: int) -> Path:
        """Where the finished part of this number lies."""
        return self.parts / f"part-{number:08d}.{SUFFIXES[self.kind]}"
