"""All the generated probes of a check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .decisions import decision_probes
from .special import Probe, special_probes

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from onnxport.artifacts import OnnxArtifact, Rows, Tolerances

    from .session import GraphProcess


def probes(
    artifact: OnnxArtifact,
    graph: GraphProcess,
    base: Rows,
    generator: np.random.Generator,
    *,
    tolerances: Tolerances,
    threshold_rows: int,
) -> Iterator[Probe]:
    """Special values, decision boundaries, and thresholds of trees.

    Args:
        artifact: The graph's bytes and signature.
        graph: The graph, running.
        base: Real rows that it answers, at least one.
        generator: The only source of randomness.
        tolerances: The decision thresholds that matter.
        threshold_rows: How many rows around split thresholds at most.
    """
    from .thresholds import threshold_probes  # ruff: ignore[PLC0415] - onnx loads only when a graph is read

    yield from special_probes(base, artifact.conversion.signature, generator)
    yield from decision_probes(graph, base, tolerances, generator)
    yield from threshold_probes(artifact, graph, base, generator, limit=threshold_rows)
