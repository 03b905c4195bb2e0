"""Source model → ONNX: the same answers to the last bits, or a refusal with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .options import DEFAULT_RUNTIME, ExportOptions

if TYPE_CHECKING:
    from onnxport.artifacts import OnnxArtifact, Refusal, SourceModel
    from pandas import DataFrame

__all__ = ["DEFAULT_RUNTIME", "ExportOptions", "export"]


def export(source: SourceModel, sample: DataFrame, options: ExportOptions) -> OnnxArtifact | Refusal:
    """`source` as an ONNX graph that answers as it does, or the reason why there is none.

    Args:
        source: The trained model.
        sample: At least one row of exactly the model's feature columns, in the model's order; their dtypes
            say what the model is given.
        options: Post-processing and runtime.

    Raises:
        UsageError: The options or the sample's columns do not fit the model.
    """
    # ruff: ignore[PLC0415] - onnx, xgboost and scikit-learn load only when something is exported
    from .dispatch import export_model

    return export_model(source, sample, options)
