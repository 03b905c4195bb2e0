"""The running count of a check: every batch goes in, verdicts come out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from onnxport.artifacts import Verdict

from .accepted import parse_accepted
from .compare import differences, row_axes
from .evidence import Keeper, Spreads, WorstRows
from .questions import (
    LABEL,
    PROBABILITIES,
    Batch,
    FlipQuestion,
    MissingQuestion,
    OutputsQuestion,
    Question,
    ScoreQuestion,
    comparable,
    none_of,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnxport.artifacts import Conversion, OutputTensor, Rows, Tolerances

    from .answers import Answers

    Mask = NDArray[np.bool_]
    Numbers = NDArray[np.float64]

PLAIN_THRESHOLD = 0.5
_SAMPLE = "sample"


class Tally:
    """Verdicts, counts and evidence over all batches so far."""

    def __init__(self, conversion: Conversion, tolerances: Tolerances, seed: int) -> None:
        """Nothing is counted yet; `tolerances` have no scaled part."""
        signature = conversion.signature
        self.accepted = parse_accepted(conversion.plan.accepted)
        self._scores = tuple(output for output in signature.outputs if output.name != LABEL)
        self._score_questions = [
            ScoreQuestion(output, tolerances.for_output(output.name)) for output in self._scores
        ]
        self._flips = _flip_questions(signature.outputs, tolerances)
        self._questions: list[Question] = [
            OutputsQuestion(signature),
            *self._score_questions,
            *self._flips,
            MissingQuestion(self._scores),
        ]
        self._errors = ErrorCount()
        self._aborts: list[str] = []
        self._exempt: dict[str, int] = {}
        self._presumed: dict[str, int] = {}
        self.rows: dict[str, int] = {}
        self.failures: dict[str, int] = {}
        self.failing, self.holding = Keeper(), Keeper()
        self.worst_rows = WorstRows()
        self.spreads = Spreads(self._scores, seed)

    def add(self, kind: str, rows: Rows, source: Answers, onnx: Answers) -> None:
        """What both sides said to `rows` is counted."""
        self.rows[kind] = self.rows.get(kind, 0) + len(rows)
        failed = self._add_refusals(kind, rows, source, onnx)
        both = source.accepted & onnx.accepted
        if both.any() and kind in self.accepted.differs:
            self._exempt[kind] = self._exempt.get(kind, 0) + int(both.sum())
        elif both.any():
            batch = Batch(
                kind=kind, rows=rows.take(np.flatnonzero(both)), source=source.at(both), onnx=onnx.at(both)
            )
            failed += self._compare(batch)
        if failed:
            self.failures[kind] = self.failures.get(kind, 0) + failed

    def _add_refusals(self, kind: str, rows: Rows, source: Answers, onnx: Answers) -> int:
        self._aborts += [f"{kind}: {onnx.reasons[row]}" for row in onnx.aborted]
        silent = ~source.accepted & onnx.accepted
        tolerated = silent.copy()
        tolerated[silent] = self.accepted.covers(kind, rows.take(np.flatnonzero(silent)))
        if tolerated.any():
            self._exempt[kind] = self._exempt.get(kind, 0) + int(tolerated.sum())
        aborted = none_of(len(rows))
        aborted[list(onnx.aborted)] = True
        refused = source.accepted & ~onnx.accepted & ~aborted
        silent &= ~tolerated
        if source.presumed:
            self._presumed[kind] = self._presumed.get(kind, 0) + source.presumed
        self._errors.add(len(rows), silent, refused)
        self._errors.remember(kind, source.reasons, silent, "the source raises, the graph answers")
        self._errors.remember(kind, onnx.reasons, refused, "the source answers, the graph raises")
        return int(silent.sum() + refused.sum()) + len(onnx.aborted)

    def _compare(self, batch: Batch) -> int:
        failed = none_of(len(batch.rows))
        for question in self._questions:
            failed |= question.add(batch)
        self.spreads.add(batch)
        self.worst_rows.add(batch, failed, self._off(batch))
        self.failing.add(batch, failed)
        self.holding.add(batch, ~failed)
        return int(failed.sum())

    def _off(self, batch: Batch) -> Numbers:
        """Largest absolute difference of each row, `(n,)`."""
        off = np.zeros(len(batch.rows))
        for output in self._scores:
            if comparable(output, batch):
                values = differences(batch.source[output.name], batch.onnx[output.name])
                off = np.maximum(off, values.max(axis=row_axes(values), initial=0.0))
        return off

    @property
    def worst(self) -> float:
        """Largest absolute difference of all scores."""
        return max((question.worst for question in self._score_questions), default=0.0)

    def verdicts(self) -> tuple[Verdict, ...]:
        """The answers over all batches."""
        return (
            *(question.verdict() for question in self._questions),
            self._errors.verdict(),
            runtime_verdict(self._aborts, sum(self.rows.values())),
        )

    def notes(self) -> list[str]:
        """What a reader should know about what was counted."""
        reasons = {**self.accepted.answers, **self.accepted.differs}
        every = "; ".join(reasons.values())
        notes = [
            f"{count:,} rows of kind {kind} are accepted by the plan: {reasons.get(kind, every)}"
            for kind, count in self._exempt.items()
        ]
        notes += [f"the plan accepts nothing by {entry!r}: unknown form" for entry in self.accepted.unknown]
        notes += [
            f"{count:,} rows of kind {kind} were refused by the source in batches, and not each of them alone"
            for kind, count in self._presumed.items()
        ]
        ties = sum(question.ties for question in self._flips)
        if ties:
            notes.append(
                f"{ties:,} probes on a decision boundary flip with scores that are equal within tolerance: ties"
            )
        return notes


def _flip_questions(outputs: tuple[OutputTensor, ...], tolerances: Tolerances) -> list[FlipQuestion]:
    questions: list[FlipQuestion] = []
    for output in outputs:
        score = tolerances.for_output(output.name if output.name != LABEL else PROBABILITIES)
        if output.name == LABEL:
            questions.append(FlipQuestion(output, allowed=tolerances.label_flips, threshold=None, score=score))
        else:
            questions += [
                FlipQuestion(output, allowed=tolerances.threshold_flips, threshold=threshold, score=score)
                for threshold in tolerances.thresholds
                if _decides(output, threshold)
            ]
    return questions


def _decides(output: OutputTensor, threshold: float) -> bool:
    """Whether the threshold is about this output: the default one is about probabilities alone."""
    return output.name == PROBABILITIES or (threshold != PLAIN_THRESHOLD and len(output.shape) == 1)


class ErrorCount:
    """Does the graph raise exactly where the source does?"""

    def __init__(self) -> None:
        self._compared = self._failed = 0
        self._examples: dict[str, str] = {}

    def add(self, rows: int, silent: Mask, refused: Mask) -> None:
        """Rows that only one side answered are counted."""
        self._compared += rows
        self._failed += int(silent.sum() + refused.sum())

    def remember(self, kind: str, reasons: dict[int, str], rows: Mask, what: str) -> None:
        """One example of each kind is kept for the sentence."""
        if rows.any():
            self._examples.setdefault(f"{kind}: {what}", reasons[int(rows.argmax())])

    def verdict(self) -> Verdict:
        """How many rows only one side answered."""
        examples = "; ".join(f"{what} ({reason})" for what, reason in list(self._examples.items())[:4])
        return Verdict(
            name="errors",
            passed=self._failed == 0,
            compared=self._compared,
            failed=self._failed,
            allowed="the graph raises exactly where the source does, or the plan says why not",
            detail=f"{self._failed:,} rows. {examples}" if self._failed else "",
        )


def runtime_verdict(aborts: list[str], compared: int) -> Verdict:
    """Whether the runtime survived everything that it was asked."""
    return Verdict(
        name="runtime",
        passed=not aborts,
        compared=compared,
        failed=len(aborts),
        allowed="the runtime never aborts",
        detail=f"the runtime aborted, first at {aborts[0]}" if aborts else "",
    )
