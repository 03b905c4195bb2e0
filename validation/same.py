"""Whether two predictors gave the same outputs for the same rows, within a report's tolerances."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .compare import differences, kind_of, labels_agree
from .questions import LABEL, PROBABILITIES, excess

if TYPE_CHECKING:
    from onnxport.artifacts import Outputs, Tolerances


def outputs_agree(source: Outputs, onnx: Outputs, tolerances: Tolerances) -> tuple[str, ...]:
    """Where the outputs differ by more than `tolerances` allow, a sentence each; empty is agreement.

    Args:
        source: The outputs of one, by name.
        onnx: Those of the other for the same rows.
        tolerances: What is allowed, with no scaled part: those of a manifest.
    """
    if source.keys() != onnx.keys():
        return (f"one gives {', '.join(source)}, the other {', '.join(onnx)}",)
    return tuple(problem for name in source if (problem := _difference(name, source, onnx, tolerances)))


def _difference(name: str, source: Outputs, onnx: Outputs, tolerances: Tolerances) -> str:
    left, right = source[name], onnx[name]
    if left.shape != right.shape or kind_of(left) != kind_of(right):
        return f"{name} is {left.dtype.name} {left.shape}, the other's {right.dtype.name} {right.shape}"
    if name == LABEL:
        wrong = ~labels_agree(left, right)
    else:
        tolerance = tolerances.for_output(name)
        wrong = (
            excess(left, right, tolerance, complement=name == PROBABILITIES)
            .reshape(len(left), -1)
            .max(axis=1, initial=0)
            > 1
        )
    if not wrong.any():
        return ""
    row = int(np.flatnonzero(wrong)[0])
    off = "" if name == LABEL else f", at most {differences(left, right).max():.3g}"
    found = f"{name} differs in {int(wrong.sum())} of {len(left)} rows{off}"
    return f"{found}, first in row {row}: {left[row]} and {right[row]}"
