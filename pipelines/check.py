"""A graph, ours or not, against its source, a model or another graph."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from onnxport.artifacts import UsageError
from onnxport.sources import open_sample
from onnxport.validation import open_graph

from .folder import read_artifact
from .foreign import graph_columns, graph_reference, read_foreign
from .opened import open_source
from .proof import compare, prove

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onnxport.artifacts import OnnxArtifact, Progress
    from onnxport.sources import SourceAccess
    from onnxport.validation import CheckOptions

    from .proof import Proof


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckJob:
    """What to compare with what.

    Attributes:
        target: A folder that `convert` wrote, or an ONNX file from anywhere.
        against: The source: a model, or an ONNX file.
        sample: File with real rows.
        features: Feature columns, where neither side names them.
        access: How the source may be opened.
        options: How to check.
    """

    target: Path
    against: str
    sample: Path
    features: Sequence[str] | None
    access: SourceAccess
    options: CheckOptions


def check(job: CheckJob, progress: Progress) -> tuple[OnnxArtifact, Proof]:
    """The graph that was checked, and what was found.

    Raises:
        UsageError: A file is not what it should be, or the columns of the two sides cannot be matched.
        IntegrityError: A graph is damaged.
        OnnxportError: The source cannot be opened; the class says why.
    """
    if job.against.endswith(".onnx"):
        return _against_graph(job, Path(job.against), progress)
    ours = read_artifact(job.target) if job.target.is_dir() else None
    features = job.features if ours is None else ours.conversion.signature.columns
    with open_source(job.against, job.sample, job.access, features, limit=job.options.rows) as opened:
        artifact = ours or read_foreign(job.target, opened.names, opened.reference)
        return artifact, prove(opened, artifact, job.options, progress)


def _against_graph(job: CheckJob, other: Path, progress: Progress) -> tuple[OnnxArtifact, Proof]:
    sample = open_sample(job.sample, job.options.rows)
    found = tuple(map(str, sample.frame.columns))
    columns = tuple(job.features or graph_columns(other, found))
    if absent := [name for name in columns if name not in found]:
        raise UsageError(
            f"{job.sample} lacks {', '.join(map(repr, absent))}; it has {', '.join(map(repr, found))}",
            hint="Give a sample with every input of the graphs, or name its columns with --features.",
        )
    source = read_foreign(other, columns, graph_reference(other))
    ours = read_artifact(job.target) if job.target.is_dir() else None
    artifact = ours or read_foreign(job.target, columns, source.conversion.source)
    with open_graph(source.model, source.conversion.signature) as predict:
        options = replace(job.options, rows=sample.length)
        return artifact, compare(predict, artifact, sample.rows(columns), options, progress=progress)
