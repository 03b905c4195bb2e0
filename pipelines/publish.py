"""A proven graph becomes an immutable release."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

from onnxport.artifacts import GOLDEN_FILE, MODEL_FILE, ReleaseRef, UsageError
from onnxport.releases import Draft
from onnxport.validation import golden_rows, measure

from .diff import require_compatible
from .folder import REPORT_FILE
from .limits import require_within
from .proof import require_passed

if TYPE_CHECKING:
    from onnxport.artifacts import Alias, OnnxArtifact, Release
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
) -> Release:
    """The graph is a release of `name`: a new one, or the one that was there already.

    Raises:
        ParityFailed: The proof is none.
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
    return releases.publish(draft, files)


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
