"""CatBoost models → ONNX, by the JSON that CatBoost itself saves: the same leaves, added in double precision."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnxport.artifacts import OnnxArtifact, SourceModel
    from onnxport.exporters.options import ExportOptions
    from pandas import DataFrame

__all__ = ["export"]


def export(source: SourceModel, sample: DataFrame, options: ExportOptions) -> OnnxArtifact:
    """`source`, a CatBoost model of any of its classes, as an ONNX graph.

    Raises:
        Refused: The model cannot be converted exactly.
        UsageError: The sample's columns or the options do not fit.
        IntegrityError: CatBoost saved what we cannot read.
    """
    # ruff: ignore[PLC0415] - onnx and pandas load only when something is exported
    from .whole import export_model

    return export_model(source, sample, options)
