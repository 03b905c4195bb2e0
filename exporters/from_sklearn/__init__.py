"""scikit-learn models → ONNX, step by step, in the precision that each step of the source computes in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnxport.artifacts import OnnxArtifact, Refusal, SourceModel
    from onnxport.exporters.options import ExportOptions
    from pandas import DataFrame

__all__ = ["export"]


def export(source: SourceModel, sample: DataFrame, options: ExportOptions) -> OnnxArtifact | Refusal:
    """`source` as an ONNX graph that answers as it does, or the reason why there is none.

    Raises:
        UsageError: The options do not fit.
    """
    from onnxport.exporters import refused  # ruff: ignore[PLC0415] - onnx, pandas and scikit-learn load when needed

    from .whole import export as export_model  # ruff: ignore[PLC0415] - likewise

    try:
        return export_model(source, sample, options)
    except refused.Refused as no:
        return no.refusal
