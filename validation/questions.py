"""The questions of a check: each looks at every batch and ends in a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from onnxport.artifacts import Verdict

from .compare import (
    COMPLEMENT,
    allowances,
    differences,
    in_float64,
    kind_of,
    labels_agree,
    missing_agrees,
    row_axes,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnxport.artifacts import Outputs, OutputTensor, Rows, Signature, Tolerance

    Mask = NDArray[np.bool_]
    Numbers = NDArray[np.float64]

LABEL = "label"
PROBABILITIES = "probabilities"
TIES = frozenset({"decision"})
"""Kinds of probes that are placed on a decision boundary on purpose: there, a flip within tolerance is a tie."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Rows that both sides answered, with what they said.

    Attributes:
        kind: Kind of probe.
        rows: The rows, `n` of them.
        source: The source's outputs.
        onnx: The graph's outputs.
    """

    kind: str
    rows: Rows
    source: Outputs
    onnx: Outputs


class Question(Protocol):
    """Something that has to hold for every batch."""

    def add(self, batch: Batch, /) -> Mask:
        """Shape `(n,)`: the rows for which it did not hold."""
        ...

    def verdict(self) -> Verdict:
        """The answer over all batches so far."""
        ...


def none_of(rows: int) -> Mask:
    """No row."""
    return np.zeros(rows, dtype=np.bool_)


def excess(source: NDArray[Any], onnx: NDArray[Any], tolerance: Tolerance, *, complement: bool) -> Numbers:
    """By how many times what is allowed each value is off; at most 1 is in tolerance.

    Args:
        source: The source's values, `(n,)` or `(n, k)`.
        onnx: The graph's, of the same shape.
        tolerance: What is allowed.
        complement: Whether column 0 of two is computed as one minus the other.
    """
    allowed = allowances(source, tolerance.atol, tolerance.rtol)
    if complement and source.ndim == 2 and source.shape[1] == 2:  # ruff: ignore[PLR2004] - two classes
        allowed[:, 0] += COMPLEMENT
    off = differences(source, onnx)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(off == 0, 0.0, off / allowed)


def comparable(output: OutputTensor, batch: Batch) -> bool:
    """Whether both sides gave the output, in one shape."""
    source, onnx = batch.source.get(output.name), batch.onnx.get(output.name)
    return source is not None and onnx is not None and source.shape == onnx.shape


class OutputsQuestion:
    """Are the outputs those of the signature: names, dtypes, shapes, and the source's kind of labels?"""

    def __init__(self, signature: Signature) -> None:
        self._signature = signature
        self._rows = 0
        self._problems: dict[str, int] = {}

    def add(self, batch: Batch, /) -> Mask:
        """All rows of the batch, or none."""
        problem = self._problem(batch)
        self._rows += len(batch.rows)
        if not problem:
            return none_of(len(batch.rows))
        self._problems[problem] = self._problems.get(problem, 0) + len(batch.rows)
        return ~none_of(len(batch.rows))

    def _problem(self, batch: Batch) -> str:
        expected = tuple(output.name for output in self._signature.outputs)
        if set(batch.onnx) != set(expected):
            return f"the graph gives {_names(batch.onnx)}, its signature says {_names(expected)}"
        if set(batch.source) != set(expected):
            return f"the source gives {_names(batch.source)}, the graph {_names(expected)}"
        for output in self._signature.outputs:
            source, onnx = batch.source[output.name], batch.onnx[output.name]
            problem = _dtype_problem(output, onnx) or _shape_problem(output, source, onnx)
            if problem:
                return problem
            if output.name == LABEL and kind_of(source) != kind_of(onnx):
                return f"the source's labels are {kind_of(source)} values, the graph's are {kind_of(onnx)}"
        return ""

    def verdict(self) -> Verdict:
        """Whether names, dtypes and shapes held in every batch."""
        return Verdict(
            name="outputs",
            passed=not self._problems and self._rows > 0,
            compared=self._rows,
            failed=sum(self._problems.values()),
            allowed="names, dtypes and shapes of the signature",
            detail="; ".join(self._problems),
        )


def _dtype_problem(output: OutputTensor, onnx: NDArray[Any]) -> str:
    found = "string" if kind_of(onnx) == "string" else onnx.dtype.name
    return f"{output.name} is {found}, its signature says {output.dtype}" if found != output.dtype else ""


def _shape_problem(output: OutputTensor, source: NDArray[Any], onnx: NDArray[Any]) -> str:
    if source.shape != onnx.shape:
        return f"{output.name} has shape {onnx.shape}, the source's {source.shape}"
    wanted = output.shape
    fits = len(wanted) == onnx.ndim and all(
        size in {None, onnx.shape[axis]} for axis, size in enumerate(wanted[1:], start=1)
    )
    return "" if fits else f"{output.name} has shape {onnx.shape}, its signature says {list(wanted)}"


def _names(names: Any) -> str:  # ruff: ignore[ANN401] - any iterable of names
    return ", ".join(sorted(names)) or "nothing"


class ScoreQuestion:
    """Is every value of one output within its tolerance?"""

    def __init__(self, output: OutputTensor, tolerance: Tolerance) -> None:
        self._output = output
        self._tolerance = tolerance
        self._compared = self._failed = 0
        self.worst = 0.0

    def add(self, batch: Batch, /) -> Mask:
        """The rows with a value out of tolerance."""
        if not comparable(self._output, batch):
            return none_of(len(batch.rows))
        source, onnx = batch.source[self._output.name], batch.onnx[self._output.name]
        off = excess(source, onnx, self._tolerance, complement=self._output.name == PROBABILITIES)
        wrong = off > 1
        self._compared += wrong.size
        self._failed += int(wrong.sum())
        if wrong.size:
            self.worst = max(self.worst, float(differences(source, onnx).max()))
        return np.asarray(wrong.any(axis=row_axes(wrong)))

    def verdict(self) -> Verdict:
        """How many values were out of tolerance."""
        tolerance = self._tolerance
        return Verdict(
            name=self._output.name,
            passed=self._failed == 0 and self._compared > 0,
            compared=self._compared,
            failed=self._failed,
            worst=self.worst,
            allowed=f"|onnx - source| <= {tolerance.atol:.3g} + {tolerance.rtol:.3g} |source|",
            detail=_score_detail(self._compared, self._failed, self.worst),
        )


def _score_detail(compared: int, failed: int, worst: float) -> str:
    if not compared:
        return "nothing could be compared"
    return f"{failed:,} of {compared:,} values are out of tolerance, the worst by {worst:.3g}" if failed else ""


class FlipQuestion:
    """Do rows fall on the same side: the same label, or the same side of a decision threshold?"""

    def __init__(self, output: OutputTensor, *, allowed: int, threshold: float | None, score: Tolerance) -> None:
        self._output = output
        self._allowed = allowed
        self._threshold = threshold
        self._score = score
        self._compared = self._failed = self._ties = 0

    def add(self, batch: Batch, /) -> Mask:
        """The rows that flipped; on a boundary probe, only those that are not a tie."""
        if not comparable(self._output, batch):
            return none_of(len(batch.rows))
        source, onnx = batch.source[self._output.name], batch.onnx[self._output.name]
        flipped = self._flips(source, onnx)
        if batch.kind in TIES:
            tied = flipped & self._tied(batch)
            self._ties += int(tied.sum())
            flipped &= ~tied
        self._compared += len(flipped)
        self._failed += int(flipped.sum())
        return flipped

    def _flips(self, source: NDArray[Any], onnx: NDArray[Any]) -> Mask:
        if self._threshold is None:
            differ = ~labels_agree(source, onnx)
            return np.asarray(differ.any(axis=row_axes(differ)))
        left, right = _decisive(source), _decisive(onnx)
        return np.asarray((left >= self._threshold) != (right >= self._threshold))

    def _tied(self, batch: Batch) -> Mask:
        """Rows whose score is within tolerance of the boundary on both sides."""
        name = PROBABILITIES if self._threshold is None else self._output.name
        source, onnx = batch.source.get(name), batch.onnx.get(name)
        if source is None or onnx is None:
            return none_of(len(batch.rows))
        return self._near(source) & self._near(onnx)

    def _near(self, score: NDArray[Any]) -> Mask:
        score = in_float64(score)
        if self._threshold is not None:
            gap = np.abs(_decisive(score) - self._threshold)
            level = np.full(len(score), abs(self._threshold))
        elif score.shape[1:] < (2,):  # one number says nothing about the two best
            return none_of(len(score))
        else:
            ordered = np.sort(score)
            gap, level = ordered[:, -1] - ordered[:, -2], ordered[:, -1]
        return np.asarray(gap <= 2 * (self._score.atol + self._score.rtol * level))

    def verdict(self) -> Verdict:
        """How many rows flipped."""
        name = LABEL if self._threshold is None else f"threshold {self._threshold:g}"
        what = "labels differ" if self._threshold is None else f"rows cross {self._threshold:g}"
        passed = self._failed <= self._allowed and self._compared > 0
        detail = f"{self._failed:,} of {self._compared:,} {what}" if self._failed else ""
        return Verdict(
            name=name,
            passed=passed,
            compared=self._compared,
            failed=self._failed,
            allowed=f"{self._allowed} flips",
            detail=detail if self._compared else "nothing could be compared",
        )

    @property
    def ties(self) -> int:
        """How many boundary probes flipped within tolerance."""
        return self._ties


def _decisive(scores: NDArray[Any]) -> Numbers:
    """The score that is compared with a threshold, `(n,)`: in float64, as a client reads it from JSON."""
    return in_float64(scores if scores.ndim == 1 else scores[:, -1])


class MissingQuestion:
    """Is a score missing (NaN) exactly where the source's is?"""

    def __init__(self, outputs: tuple[OutputTensor, ...]) -> None:
        self._outputs = outputs
        self._compared = self._failed = 0

    def add(self, batch: Batch, /) -> Mask:
        """The rows where one side has NaN and the other a number."""
        wrong = none_of(len(batch.rows))
        for output in self._outputs:
            if comparable(output, batch):
                agrees = missing_agrees(batch.source[output.name], batch.onnx[output.name])
                wrong |= ~agrees.all(axis=row_axes(agrees))
        self._compared += len(batch.rows)
        self._failed += int(wrong.sum())
        return wrong

    def verdict(self) -> Verdict:
        """How many rows have NaN on one side only."""
        return Verdict(
            name="missing",
            passed=self._failed == 0,
            compared=self._compared,
            failed=self._failed,
            allowed="NaN exactly where the source answers NaN",
            detail=f"{self._failed:,} rows have NaN on one side only" if self._failed else "",
        )
