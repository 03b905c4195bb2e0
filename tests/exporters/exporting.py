"""One model to its graph or its refusal, and the graph in this process: what all tests of exporters start with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import onnxruntime
from onnxport.artifacts import OnnxArtifact, Refusal, SourceModel, SourceReference
from onnxport.exporters import ExportOptions, export

if TYPE_CHECKING:
    import pandas as pd

REFERENCE = SourceReference(uri="model.joblib", kind="joblib", sha256="0" * 64)


def exported(model: Any, sample: pd.DataFrame, options: ExportOptions | None = None) -> OnnxArtifact:
    """The model's graph; a refusal fails the test."""
    result = export(SourceModel(reference=REFERENCE, model=model), sample, options or ExportOptions())
    assert isinstance(result, OnnxArtifact), result
    return result


def refusal(model: Any, sample: pd.DataFrame) -> Refusal:
    """Why the model is refused; a graph fails the test."""
    result = export(SourceModel(reference=REFERENCE, model=model), sample, ExportOptions())
    assert isinstance(result, Refusal)
    return result


def session(graph: bytes, threads: int = 1) -> onnxruntime.InferenceSession:
    """The graph in this process."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
