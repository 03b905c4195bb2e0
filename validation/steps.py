"""At which step of the source the graph first parts from it: intermediate values against the graph's tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from onnxport.artifacts import OnnxportError

from .compare import agree, differences
from .prefix import PREFIX, cut

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import onnx
    from numpy.typing import NDArray
    from onnxport.artifacts import Column, Outputs, Rows

    from .session import GraphProcess

    Mask = NDArray[np.bool_]

SINGLE: Final = 2.5e-7
"""What a float32 tensor may be off, relatively: two steps."""
DOUBLE: Final = 1e-9
"""What a float64 tensor may be off: sums in another order, and no float32 in between."""


def first_divergence(
    model: onnx.ModelProto, graph: GraphProcess, steps: Mapping[str, Callable[[Rows], Column]], rows: Rows
) -> str:
    """A sentence about the first step whose output no tensor of the graph holds; empty when all are there.

    Args:
        model: The graph.
        graph: The graph, running.
        steps: Path of a step to the source's output of it, in order of computation.
        rows: Rows at which source and graph part.
    """
    if not steps:
        return ""
    tensors = tensors_of(model, graph, rows)
    last = ""
    for path, step in steps.items():
        try:
            expected = np.asarray(step(rows))
        except Exception as error:  # ruff: ignore[BLE001] - the source's step may raise anything
            return f"Step {path} of the source raises for the failing rows: {error}."
        sentence = _compare(path, expected, tensors, rows)
        if sentence:
            return sentence + (f" The step before it, {last}, agrees." if last else "")
        last = path
    return ""


def tensors_of(model: onnx.ModelProto, graph: GraphProcess, rows: Rows) -> Outputs:
    """Every number tensor that the graph computes for `rows`, by name, in order, as far as it can be shown."""
    names = [name for node in model.graph.node for name in node.output if name]
    while names:
        try:
            with graph.beside(cut(model, names)) as shown:
                outputs = shown(rows)
        except OnnxportError:
            names = names[: len(names) // 2]
            continue
        found = {name: outputs[f"{PREFIX}{index}"] for index, name in enumerate(names)}
        return {name: values for name, values in found.items() if values.dtype.kind in "fiub"}
    return {}


def _compare(path: str, expected: Column, tensors: Outputs, rows: Rows) -> str:
    wide = expected.reshape(len(rows), -1).astype(np.float64)
    best: tuple[tuple[float, int], str, Mask] | None = None
    for name, values in tensors.items():
        if values.ndim == 0 or values.size != wide.size or len(values) != len(rows):
            continue
        same = _same(wide, values.reshape(len(rows), -1))
        if same.all():
            return ""
        far = _farness(wide, values)
        if best is None or far < best[0]:
            best = (far, name, same)
    if best is None:
        return ""
    row, column = np.argwhere(~best[2])[0].tolist()
    found = tensors[best[1]].reshape(len(rows), -1)
    return (
        f"Source and graph first part at step {path}: the graph's nearest tensor {best[1]!r} ({found.dtype.name}) "
        f"has {found[row, column].item()!r} in column {column} where the source has {wide[row, column].item()!r} "
        f"({int((~best[2]).sum())} of {wide.size} values differ)."
    )


def _farness(expected: NDArray[np.float64], found: Column) -> tuple[float, int]:
    """How far a tensor is from what is expected, by its power of ten; of two, the wider dtype is nearer."""
    middle = float(np.median(differences(expected, found.reshape(expected.shape))))
    return round(float(np.log10(middle + 1e-300))), -found.dtype.itemsize


def _same(expected: NDArray[np.float64], found: Column) -> Mask:
    rtol = SINGLE if found.dtype == np.float32 else DOUBLE
    return agree(expected, found, 1e-300, rtol)
