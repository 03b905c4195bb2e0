"""scikit-learn models → ONNX, step by step, in the precision that each step of the source computes in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnxport.artifacts import OnnxArtifact, Refusal, SourceModel
    from pandas import DataFrame

    from onnxport.exporters.options import ExportOptions

__all__ = ["export"]


def export(source: SourceModel, sample: DataFrame, options: ExportOptions) -> OnnxArtifact | Refusal:
    """`source` as an ONNX graph that answers as it does, or the reason why there is none.

    Raises:
        UsageError: The options do not fit.
    """
    # ruff: ignore[PLC0415] - onnx, pandas and scikit-learn load only when something is exported
    from onnxport.exporters import refused
    from .whole import export as export_model

    try:
        return export_model(source, sample, options)
    except refused.Refused as no:
        return no.refusal
