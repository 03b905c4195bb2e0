"""A graph in ONNX Runtime on one thread, as fast as one row can be."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnxruntime
from onnxport.artifacts import MATRIX_TENSOR, IntegrityError

if TYPE_CHECKING:
    from onnxport.artifacts import Column, Outputs, OutputTensor, Signature

MOST_BOUND: Final = 64
"""Rows up to which input and output buffers are kept: 64 bindings cost less than a megabyte."""
_ERRORS_ONLY: Final = 3
_NUMBERS: Final = {"float32": np.float32, "float64": np.float64, "int64": np.int64, "bool": np.bool_}


class GraphFailed(IntegrityError):
    """The runtime does not load the graph, or fails on rows that its signature allows."""


class Engine:
    """A loaded graph; safe among threads.

    A reused binding saves a fifth of the time of one row; where its buffers are taken by another thread, or the
    outputs have no fixed width, the graph runs without one.
    """

    def __init__(self, model: bytes, signature: Signature) -> None:
        """The graph is loaded.

        Raises:
            GraphFailed: The runtime does not load it, or it has other inputs or outputs than its signature.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # sums run in one order at every batch size
        options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        options.enable_cpu_mem_arena = False  # an arena keeps the memory of the largest batch for ever
        options.use_deterministic_compute = True
        try:
            self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # the runtime's errors have no common base
            raise GraphFailed(f"onnxruntime does not load the graph: {error}") from error
        self._outputs: Final = [output.name for output in signature.outputs]
        self._check(signature)
        self._run_bound: Final = self._session.run_with_iobinding
        self._lock = threading.Lock()
        self._bound: Final = _bindable(signature)
        self._bindings: dict[int, _Binding] = {}

    def __call__(self, tensors: dict[str, Column]) -> Outputs:
        """The graph's outputs for `tensors`; the arrays are the caller's.

        Raises:
            GraphFailed: The graph refuses the rows.
        """
        try:
            if self._bound is not None and self._lock.acquire(blocking=False):
                try:
                    matrix = tensors[MATRIX_TENSOR]
                    binding = self._bindings.get(len(matrix)) or self._bind(len(matrix))
                    if binding is not None:
                        binding.matrix[:] = matrix
                        self._run_bound(binding.io)
                        return {name: array.copy() for name, array in binding.outputs}
                finally:
                    self._lock.release()
            found: Any = self._session.run(self._outputs, tensors)
            return dict(zip(self._outputs, found, strict=True))
        except Exception as error:  # the runtime's errors have no common base
            raise GraphFailed(f"the graph refuses the rows: {error}") from error

    def _bind(self, rows: int) -> _Binding | None:
        if self._bound is None or not 0 < rows <= MOST_BOUND:
            return None
        binding = self._bindings[rows] = _Binding(self._session, rows, *self._bound)
        return binding

    def _check(self, signature: Signature) -> None:
        wanted = {column.tensor for column in signature.inputs}
        found = {tensor.name for tensor in self._session.get_inputs()}
        there = {tensor.name for tensor in self._session.get_outputs()}
        if wanted != found or not there.issuperset(self._outputs):
            raise GraphFailed(
                f"the graph takes {sorted(found)} and gives {sorted(there)}, "
                f"its manifest says {sorted(wanted)} and {self._outputs}"
            )


class _Binding:
    """Buffers for a number of rows, bound to a session."""

    def __init__(self, session: Any, rows: int, row: Column, outputs: tuple[OutputTensor, ...]) -> None:  # ruff: ignore[ANN401] - onnxruntime ships no types
        self.matrix: Final = np.empty((rows, *row.shape), dtype=row.dtype)
        self.outputs: Final[list[tuple[str, Column]]] = []
        self.io: Final = session.io_binding()
        self.io.bind_input(MATRIX_TENSOR, "cpu", 0, row.dtype.type, self.matrix.shape, self.matrix.ctypes.data)
        for output in outputs:
            shape = (rows, *(size or 0 for size in output.shape[1:]))
            array: Column = np.empty(shape, dtype=_NUMBERS[output.dtype])
            self.outputs.append((output.name, array))
            self.io.bind_output(output.name, "cpu", 0, array.dtype.type, shape, array.ctypes.data)


def _bindable(signature: Signature) -> tuple[Column, tuple[OutputTensor, ...]] | None:
    """A row of the one matrix and the outputs, where all of them are numbers of fixed width."""
    fixed = all(
        output.dtype in _NUMBERS and None not in output.shape[1:] and output.shape for output in signature.outputs
    )
    if signature.layout != "matrix" or not fixed or signature.inputs[0].dtype not in _NUMBERS:
        return None
    return np.empty(len(signature.inputs), dtype=_NUMBERS[signature.inputs[0].dtype]), signature.outputs
