"""The documents of a run: what it was asked, which its state and its manifest share, and what it did."""

from __future__ import annotations

from onnxport.artifacts import Document

from .choice import Choice, Wanted
from .files import DataFile
from .job import Kind, Part

SCORING_SCHEMA_VERSION = 1


class ScoredRelease(Document):
    """The release that answers.

    Attributes:
        name: Name of the model.
        version: Number of the release.
        digest: SHA-256 of its graph.
    """

    name: str
    version: int
    digest: str


class Task(Document):
    """What a run was asked: two runs of equal tasks give the same output.

    Attributes:
        release: What answers.
        inputs: The input files, in order.
        ids: The columns that are kept, in order.
        prefix: What stands before the names of the answers.
        engine: The engine that was asked for: `auto`, `onnx` or `xgboost`.
        kind: One file, or a folder of files.
    """

    release: ScoredRelease
    inputs: tuple[DataFile, ...]
    ids: tuple[str, ...]
    prefix: str
    engine: Wanted
    kind: Kind

    def differences(self, other: Task) -> list[str]:
        """How `other` differs from this one, a phrase each."""
        mine, theirs = self.release, other.release
        found: list[str] = []
        if mine != theirs:
            found.append(f"the release was {mine.name}:{mine.version}, it is {theirs.name}:{theirs.version}")
        before = {file.path: file for file in self.inputs}
        after = {file.path: file for file in other.inputs}
        found += [f"{path} is new" for path in after.keys() - before.keys()]
        found += [f"{path} is gone" for path in before.keys() - after.keys()]
        found += [f"{path} was changed" for path in before.keys() & after.keys() if before[path] != after[path]]
        if not found and self.inputs != other.inputs:
            found.append("the input files have another order")
        for name in ("ids", "prefix", "engine", "kind"):
            was, now = getattr(self, name), getattr(other, name)
            if was != now:
                found.append(f"{_OPTIONS[name]} was {was!r}, it is {now!r}")
        return found


_OPTIONS = {"ids": "--id-columns", "prefix": "--prefix", "engine": "--engine", "kind": "the form of --out"}


class State(Document):
    """`state.json` in the work folder: what the finished parts there are parts of.

    Attributes:
        schema_version: Version of this format.
        task: What was asked.
        choice: The engine, decided once for all parts.
        parts: How the rows are cut.
        replacing: Whether the user agreed that an output that is there is replaced.
    """

    schema_version: int = SCORING_SCHEMA_VERSION
    task: Task
    choice: Choice
    parts: tuple[Part, ...]
    replacing: bool = False


class InputRecord(Document):
    """An input file, as it was read.

    Attributes:
        path: Absolute path.
        size: Bytes.
        sha256: Digest of all of it.
        rows: Rows scored.
    """

    path: str
    size: int
    sha256: str
    rows: int


class OutputColumn(Document):
    """A column of the output: its name and its Arrow type."""

    name: str
    type: str


class OutputFile(Document):
    """A file of the output.

    Attributes:
        name: Its name, relative to the folder of the output, or of its one file.
        rows: Rows in it.
        size: Bytes.
        sha256: Digest of all of it.
    """

    name: str
    rows: int
    size: int
    sha256: str


class ScoringManifest(Document):
    """`OUT.manifest.json`: what was scored by which release, and how.

    Attributes:
        schema_version: Version of this format.
        task: What was asked.
        rows: Rows in and out.
        inputs: The input files, with their digests.
        engine: What answered, and why.
        columns: The columns of the output.
        files: The files of the output.
        created_at: RFC 3339, UTC.
        created_by: User or CI identity.
        tool: `onnxport 0.1.0`.
        packages: Versions of what computed it.
    """

    schema_version: int = SCORING_SCHEMA_VERSION
    task: Task
    rows: int
    inputs: tuple[InputRecord, ...]
    engine: Choice
    columns: tuple[OutputColumn, ...]
    files: tuple[OutputFile, ...]
    created_at: str
    created_by: str
    tool: str
    packages: dict[str, str]
