"""The main job: a registered model becomes a verified release."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onnxport.artifacts import canonical_json, check_name
from onnxport.sources import OnnxRegistration, register_onnx

from .convert import convert
from .folder import write_artifact, write_proof
from .opened import open_source
from .proof import prove, require_passed
from .publish import promote, publish, reference

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from onnxport.artifacts import Alias, OnnxArtifact, Progress, Release
    from onnxport.exporters import ExportOptions
    from onnxport.releases import Releases
    from onnxport.sources import OnnxRegistered, SourceAccess
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
        with_source: Whether the release carries XGBoost's own file of the source, for batch scoring.
        promotion: The alias to move to the release, or `None`.
        out: Folder to keep the graph, the plan and the reports in, or `None`.
        register: Name under which MLflow's registry gets the graph as well, or `None`.
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
    register: str | None = None
    with_source: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What an export did.

    Attributes:
        release: The release, new or there already.
        alias: Where the alias points now, or `None`.
        proof: What the check found.
        registered: The graph in MLflow's registry, or `None`.
    """

    release: Release
    alias: Alias | None
    proof: Proof
    registered: OnnxRegistered | None = None


def export(job: ExportJob, releases: Releases, progress: Progress) -> Exported:
    """The source is a proven release of `job.name`, and the alias points at it.

    Raises:
        OnnxportError: Any of its kinds; nothing is published unless the graph was proven.
    """
    check_name("a model", job.name)
    if job.promotion is not None:
        check_name("an alias", job.promotion.alias)
    with open_source(job.source, job.sample, job.access, job.features, limit=job.check.rows) as opened:
        booster = opened.booster() if job.with_source else None
        artifact = convert(opened, job.conversion)
        proof = prove(opened, artifact, job.check, progress)
    if job.out is not None:
        write_artifact(job.out, artifact, booster)
        write_proof(job.out, proof)
    require_passed(proof.report, artifact.conversion)
    release = publish(job.name, artifact, proof, releases, limits=job.limits, booster=booster)
    alias = None if job.promotion is None else promote(reference(release), job.promotion, releases)
    registered = None if job.register is None else register(job, release, artifact, releases.store.url)
    return Exported(release=release, alias=alias, proof=proof, registered=registered)


def register(job: ExportJob, release: Release, artifact: OnnxArtifact, store: str) -> OnnxRegistered:
    """The released graph is a version of `job.register` in MLflow's registry, with its release and proof as tags.

    Raises:
        UsageError: MLflow does not take the name.
        Unreachable: MLflow does not answer or refuses us.
    """
    manifest = release.manifest
    ref, parity = reference(release), manifest.parity
    rows = f"{parity.rows:,} rows and {sum(parity.probes.values()):,} probes, worst difference {parity.worst:.3g}"
    graph = OnnxRegistration(
        name=job.register or ref.name,
        model=artifact.model,
        signature=manifest.signature,
        tags={
            "onnxport.release": str(ref),
            "onnxport.store": store,
            "onnxport.source": manifest.source.uri,
            "onnxport.source_sha256": manifest.source.sha256,
            "onnxport.parity": canonical_json(parity.model_dump(mode="json", exclude={"tolerances"})).decode(),
        },
        description=f"{ref}: the graph of {manifest.source.uri}, proven on {rows}.",
    )
    return register_onnx(graph, job.access)
