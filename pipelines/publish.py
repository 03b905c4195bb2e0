"""A proven graph becomes an immutable release."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

from onnxport.artifacts import GOLDEN_FILE, MODEL_FILE, SOURCE_FILE, ParityFailed, ReleaseRef, UsageError
from onnxport.releases import Draft
from onnxport.validation import golden_rows, measure, replay_golden

from .diff import require_compatible
from .folder import REPORT_FILE
from .limits import require_within
from .proof import require_passed

if TYPE_CHECKING:
    from onnxport.artifacts import Alias, Conversion, Golden, OnnxArtifact, Release
    from onnxport.releases import Releases

    from .limits import Limits
    from .proof import Proof


def publish(
    name: str,
    artifact: OnnxArtifact,
    proof: Proof,
    releases: Releases,
    *,
    limits: Limits,
    booster: bytes | None = None,
) -> Release:
    """The graph is a release of `name`: a new one, or the one that was there already.

    With `booster`, XGBoost's own file of the source, the release carries it, proven on the golden rows as well:
    batch scoring may ask it in the place of the graph. A release without it is another one.

    Raises:
        ParityFailed: The proof is none, or the booster does not answer as the source did.
        UnsupportedModel: XGBoost's own predictor cannot give the release's outputs.
        OverBudget: The graph costs more than `limits` allow.
        UsageError: `name` cannot name a model.
        Unreachable: The store does not answer.
    """
    conversion = artifact.conversion
    require_passed(proof.report, conversion)
    if proof.golden is None:
        raise UsageError("the check left no golden rows", hint="Run `onnxport check` again.")
    budget = measure(artifact.model, conversion, golden_rows(proof.golden))
    require_within(budget, limits, name)
    draft = Draft(
        name=name,
        conversion=conversion,
        report=proof.report,
        budget=budget,
        tool=f"onnxport {version('onnxport')}",
    )
    files = {
        MODEL_FILE: artifact.model,
        REPORT_FILE: proof.page.encode(),
        GOLDEN_FILE: proof.golden.to_bytes(),
    }
    if booster is not None:
        _require_alike(booster, artifact.conversion, proof.golden)
        files[SOURCE_FILE] = booster
    return releases.publish(draft, files)


def _require_alike(booster: bytes, conversion: Conversion, golden: Golden) -> None:
    from .scoring.engines import BoosterEngine  # ruff: ignore[PLC0415] - only for releases that carry one

    engine = BoosterEngine(booster, conversion.signature, conversion.plan.post)
    if differences := replay_golden(golden, engine):
        raise ParityFailed(
            f"{conversion.source.uri}: XGBoost's own predictor does not answer its golden rows: {differences[0]}",
            hint="Leave --with-source out: the graph answers alone.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """Where an alias is to point, and how.

    Attributes:
        alias: The alias.
        reason: Why, for its history.
        breaking: Whether to move it although callers of the release that it points at will fail.
    """

    alias: str
    reason: str = ""
    breaking: bool = False


def promote(ref: ReleaseRef, promotion: Promotion, releases: Releases) -> Alias:
    """The alias points at the release `ref`.

    Raises:
        UsageError: There is no such release, or it breaks the alias's callers.
        IntegrityError: The store's policy demands a signature that the release does not have.
        LostRace: Somebody else moved it at the same time.
        Unreachable: The store does not answer.
    """
    if not promotion.breaking:
        require_compatible(ref, promotion.alias, releases)
    return releases.promote(ref, promotion.alias, reason=promotion.reason)


def reference(release: Release) -> ReleaseRef:
    """The release by its number, whatever its aliases do."""
    model = release.manifest.model
    return ReleaseRef(name=model.name, version=model.version)
