"""Why a check failed, in sentences for a data scientist."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from onnxport.artifacts import Column, OnnxArtifact, Rows, Verdict

    from .tally import Tally


def explain(
    artifact: OnnxArtifact,
    tally: Tally,
    verdicts: tuple[Verdict, ...],
    steps: Mapping[str, Callable[[Rows], Column]],
) -> tuple[str, ...]:
    """What failed."""
    return tuple(verdict.detail for verdict in verdicts if not verdict.passed)
