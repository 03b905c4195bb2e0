"""The end of a run: what was written, with digests, as a manifest."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from onnxport.artifacts import digest_file

from .part import output_schema
from .record import InputRecord, OutputColumn, OutputFile, ScoringManifest

if TYPE_CHECKING:
    from pathlib import Path

    from .job import Job
    from .record import State
    from .workspace import Workspace

_PACKAGES = ("numpy", "onnxruntime", "pyarrow", "xgboost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Progressed:
    """What a run has done.

    Attributes:
        rows: Rows of each finished part, by number.
        digests: SHA-256 of each input file that was read to its end, by path.
    """

    rows: dict[int, int]
    digests: dict[str, str]

    @property
    def total(self) -> int:
        """Rows that are finished."""
        return sum(self.rows.values())


def make_manifest(
    state: State, job: Job, workspace: Workspace, done: Progressed, *, stamp: tuple[str, str]
) -> ScoringManifest:
    """The manifest of a run that is done.

    Args:
        state: What was asked and how it was cut.
        job: How it was done.
        workspace: Where the output is, and will be.
        done: What it did.
        stamp: When and by whom.
    """
    (at, by), rows = stamp, done.rows
    if job.kind == "file":
        files = [(workspace.joined, workspace.out.name, done.total)]
    else:
        files = [(job.target(number), job.target(number).name, rows[number]) for number in sorted(rows)]
    inputs = dict.fromkeys((file.path for file in state.task.inputs), 0)
    for part in state.parts:
        inputs[part.file.path] += rows[part.number]
    return ScoringManifest(
        task=state.task,
        rows=done.total,
        inputs=tuple(
            InputRecord(path=file.path, size=file.size, sha256=done.digests[file.path], rows=inputs[file.path])
            for file in state.task.inputs
        ),
        engine=state.choice,
        columns=tuple(OutputColumn(name=field.name, type=str(field.type)) for field in output_schema(job)),
        files=tuple(
            OutputFile(name=name, rows=count, size=path.stat().st_size, sha256=digest_file(path))
            for path, name, count in files
        ),
        created_at=at,
        created_by=by,
        tool=f"onnxport {version('onnxport')}",
        packages={name: found for name in _PACKAGES if (found := _version(name))},
    )


def is_same_output(out: Path, manifest: ScoringManifest) -> bool:
    """Whether the files of the output are, byte for byte, what the manifest says."""
    for entry in manifest.files:
        path = out if manifest.task.kind == "file" else out / entry.name
        if not path.is_file() or path.stat().st_size != entry.size or digest_file(path) != entry.sha256:
            return False
    return True


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
