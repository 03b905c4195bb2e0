"""Source against graph where both compute in double precision: scores and labels, as close as sums can be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from exporting import session
from onnx import numpy_helper
from onnxport.sources import rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd
    from onnxport.artifacts import OnnxArtifact

RTOL = 1e-9
"""Far above what the two sums of a score may lose, far below a float32."""
ATOL = 1e-11
"""Of the largest score: where leaves cancel, little is left to compare relatively."""
METHODS = {"label": "predict", "probabilities": "predict_proba", "prediction": "predict"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How far source and graph are apart.

    Attributes:
        off: Largest distance of scores, in units of what is allowed.
        labels: How many labels differ.
    """

    off: float
    labels: int


def run(
    artifact: OnnxArtifact, frame: pd.DataFrame, model: bytes | None = None, threads: int = 1
) -> dict[str, Any]:
    """All outputs of the graph for the rows of `frame`, by name."""
    running = session(model or artifact.model, threads)
    names = [output.name for output in running.get_outputs()]
    return dict(zip(names, running.run(names, artifact.conversion.signature.feeds(rows_of(frame))), strict=True))


def compare_answers(
    answers: Callable[[pd.DataFrame], dict[str, Any]],
    artifact: OnnxArtifact,
    frames: Sequence[pd.DataFrame],
    graph: bytes | None = None,
) -> Comparison:
    """The source's `answers` against the graph's on the rows of all `frames`."""
    off, labels = 0.0, 0
    for frame in frames:
        wanted, found = answers(frame), run(artifact, frame, graph)
        assert {name: value.shape for name, value in found.items()} == {
            name: value.shape for name, value in wanted.items()
        }
        for name, values in wanted.items():
            if name == "label":
                labels += int((found[name] != values).sum())
                continue
            assert np.isfinite(values).all()
            allowed = RTOL * np.abs(values) + ATOL * np.abs(values).max()
            distance = np.abs(found[name] - values)
            off = max(off, float(np.where(distance == 0, 0.0, distance / np.maximum(allowed, 1e-300)).max()))
    return Comparison(off=off, labels=labels)


def with_changed(model: bytes, attribute: str, change: Callable[[Any], Any]) -> bytes:
    """The graph with what `change` makes of the array `attribute` of its trees."""
    proto = onnx.load_model_from_string(model)
    node = next(node for node in proto.graph.node if node.op_type == "TreeEnsembleRegressor")
    tensor = next(entry.t for entry in node.attribute if entry.name == f"{attribute}_as_tensor")
    tensor.CopyFrom(numpy_helper.from_array(change(numpy_helper.to_array(tensor).copy()), tensor.name))
    return proto.SerializeToString()
