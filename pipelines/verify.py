"""A release is what its manifest says, and its graph still answers here as its source did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onnxport.artifacts import MODEL_FILE, Golden, IntegrityError
from onnxport.validation import open_graph, replay_golden

from .folder import GOLDEN_FILE

if TYPE_CHECKING:
    from onnxport.artifacts import Manifest, ReleaseRef
    from onnxport.releases import Releases


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A release that was verified.

    Attributes:
        manifest: The release.
        golden_rows: How many golden rows were proven here, or `None` where that was not asked for.
    """

    manifest: Manifest
    golden_rows: int | None


def verify(reference: ReleaseRef, releases: Releases, *, golden: bool) -> Verified:
    """Every file of the release is what the manifest says; with `golden`, its graph answers as its source did.

    Raises:
        IntegrityError: It is not, or it does not; the message names the file or the row.
        UsageError: There is no such release.
        Unreachable: The store does not answer.
    """
    manifest = releases.verify(reference)
    if not golden:
        return Verified(manifest=manifest, golden_rows=None)
    name = f"{manifest.model.name}:{manifest.model.version}"
    rows = Golden.parse(releases.read_file(manifest, GOLDEN_FILE), name=f"{name} {GOLDEN_FILE}")
    with open_graph(releases.read_file(manifest, MODEL_FILE), manifest.signature) as graph:
        differences = replay_golden(rows, manifest.signature, graph)
    if differences:
        raise IntegrityError(
            f"{name}: on this machine the graph does not answer its golden rows: {differences[0]}",
            hint="Compare this machine's onnxruntime with `graph.min_onnxruntime` in the manifest.",
        )
    return Verified(manifest=manifest, golden_rows=len(rows.rows))
