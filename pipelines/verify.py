"""A release is what its manifest says, and its graph still answers here as its source did."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from onnxport.artifacts import GOLDEN_FILE, MODEL_FILE, Golden, IntegrityError, ReleaseRef
from onnxport.validation import open_graph, replay_golden

if TYPE_CHECKING:
    from onnxport.artifacts import Manifest
    from onnxport.releases import Releases, Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A release that was verified.

    Attributes:
        manifest: The release.
        golden_rows: How many golden rows were proven here, or `None` where that was not asked for.
        signed_by: Whose signature was demanded and found, or `None` where none was demanded.
    """

    manifest: Manifest
    golden_rows: int | None
    signed_by: str | None


def verify(reference: ReleaseRef, releases: Releases, *, golden: bool, trust: Trust | None = None) -> Verified:
    """Every file of the release is what the manifest says; with `golden`, its graph answers as its source did.

    A signature is checked where `trust` or the store's policy demands one.

    Raises:
        IntegrityError: It is not, or it does not, or is not signed as demanded; the message names file or row.
        UsageError: There is no such release.
        Unreachable: The store does not answer.
    """
    verification = releases.verify(reference, trust)
    manifest = verification.manifest
    if not golden:
        return Verified(manifest=manifest, golden_rows=None, signed_by=verification.signed_by)
    model = manifest.model
    name = f"{model.name}:{model.version}"
    with tempfile.TemporaryDirectory(prefix="onnxport-") as folder:
        releases.pull(ReleaseRef(name=model.name, version=model.version), Path(folder))
        rows = Golden.parse((Path(folder) / GOLDEN_FILE).read_bytes(), name=f"{name} {GOLDEN_FILE}")
        graph = (Path(folder) / MODEL_FILE).read_bytes()
    with open_graph(graph, manifest.signature) as predict:
        differences = replay_golden(rows, predict)
    if differences:
        raise IntegrityError(
            f"{name}: on this machine the graph does not answer its golden rows: {differences[0]}",
            hint="Compare this machine's onnxruntime with `graph.min_onnxruntime` in the manifest.",
        )
    return Verified(manifest=manifest, golden_rows=len(rows.rows), signed_by=verification.signed_by)
