"""The main job: a registered model becomes a verified release."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onnxport.artifacts import check_name

from .convert import convert
from .folder import write_artifact, write_proof
from .opened import open_source
from .proof import prove, require_passed
from .publish import promote, publish, reference

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from onnxport.artifacts import Alias, Progress, Release
    from onnxport.exporters import ExportOptions
    from onnxport.releases import Releases
    from onnxport.sources import SourceAccess
    from onnxport.validation import CheckOptions

    from .limits import Limits
    from .proof import Proof
    from .publish import Promotion


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportJob:
    """What to export and how.

    Attributes:
        source: Where the model is.
        name: Name of the release's model.
        sample: File with real rows; `None` takes what the source brings.
        features: Feature columns, where the source does not name them.
        access: How the source may be opened.
        conversion: How to convert.
        check: How to prove.
        limits: What the release may cost.
        promotion: The alias to move to the release, or `None`.
        out: Folder to keep the graph, the plan and the reports in, or `None`.
    """

    source: str
    name: str
    sample: Path | None
    features: Sequence[str] | None
    access: SourceAccess
    conversion: ExportOptions
    check: CheckOptions
    limits: Limits
    promotion: Promotion | None
    out: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What an export did.

    Attributes:
        release: The release, new or there already.
        alias: Where the alias points now, or `None`.
        proof: What the check found.
    """

    release: Release
    alias: Alias | None
    proof: Proof


def export(job: ExportJob, releases: Releases, progress: Progress) -> Exported:
    """The source is a proven release of `job.name`, and the alias points at it.

    Raises:
        OnnxportError: Any of its kinds; nothing is published unless the graph was proven.
    """
    check_name("a model", job.name)
    if job.promotion is not None:
        check_name("an alias", job.promotion.alias)
    opened = open_source(job.source, job.sample, job.access, job.features)
    artifact = convert(opened, job.conversion)
    proof = prove(opened, artifact, job.check, progress)
    if job.out is not None:
        write_artifact(job.out, artifact)
        write_proof(job.out, proof)
    require_passed(proof.report, artifact.conversion)
    release = publish(job.name, artifact, proof, releases, limits=job.limits)
    alias = None if job.promotion is None else promote(reference(release), job.promotion, releases)
    return Exported(release=release, alias=alias, proof=proof)
