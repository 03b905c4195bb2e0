"""All the generated probes of a check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .special import Probe, special_probes

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from onnxport.artifacts import OnnxArtifact, Rows


def probes(
    artifact: OnnxArtifact, base: Rows, generator: np.random.Generator, threshold_rows: int
) -> Iterator[Probe]:
    """Special values first, then thresholds."""
    yield from special_probes(base, artifact.conversion.signature, generator)
