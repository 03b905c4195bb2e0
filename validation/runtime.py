"""A graph in ONNX Runtime, on one thread: the only door to the runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import onnxruntime
from onnxport.artifacts import THREADS

if TYPE_CHECKING:
    from onnxport.artifacts import Outputs

ERRORS_ONLY: Final = 3


def open_session(model: bytes) -> Any:  # ruff: ignore[ANN401] - onnxruntime ships no types
    """An inference session on the CPU with one thread, so that sums run in one order at every batch size.

    Raises:
        Exception: What the runtime raises for a graph that it does not load.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.inter_op_num_threads = 1
    options.log_severity_level = ERRORS_ONLY
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def run_session(session: Any, feeds: Outputs) -> Outputs:  # ruff: ignore[ANN401] - onnxruntime ships no types
    """Every output of the graph for the tensors `feeds`.

    Raises:
        Exception: What the runtime raises for tensors that the graph does not take.
    """
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds), strict=True))
