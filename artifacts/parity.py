"""Tolerances and verdicts: what a parity check was asked and what it found."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from .document import Document

PARITY_SCHEMA_VERSION = 1
THREADS = 1
"""Intra-op threads of the runtime in a proof: with more, the sums of large batches run in another order."""


class Tolerance(Document):
    """How far an output may be off: `|onnx - source| <= atol + rtol * |source|`.

    Attributes:
        atol: Absolute part, in the output's unit.
        rtol: Relative part, without unit.
        reason: Why this much and no more.
        scaled: Whether `atol` is in units of the mean absolute answer of the source on the user's rows. A check
            resolves it: the tolerances in a report and in a manifest are never scaled.
    """

    atol: float = Field(ge=0, allow_inf_nan=False)
    rtol: float = Field(ge=0, allow_inf_nan=False)
    reason: str = ""
    scaled: bool = False


class Tolerances(Document):
    """What is allowed, a kind of output each.

    Attributes:
        probabilities: For `probabilities`.
        prediction: For `prediction`.
        label_flips: How many labels may differ.
        threshold_flips: How many rows may fall on another side of a decision threshold.
        thresholds: Decision thresholds on the probability of the last class; those that differ from the default
            0.5 also on a `prediction` of one column.
        outputs: Overrides by output name.
    """

    probabilities: Tolerance
    prediction: Tolerance
    label_flips: int = Field(default=0, ge=0)
    threshold_flips: int = Field(default=0, ge=0)
    thresholds: tuple[float, ...] = (0.5,)
    outputs: dict[str, Tolerance] = Field(default_factory=dict)

    def for_output(self, name: str) -> Tolerance:
        """The tolerance for the output `name`."""
        if name in self.outputs:
            return self.outputs[name]
        return self.probabilities if name == "probabilities" else self.prediction


class Verdict(Document):
    """The answer to one question of the check.

    Attributes:
        name: What was compared: `probabilities`, `label`, `threshold 0.5`, `missing`, `row independence`, …
        passed: Whether it held.
        compared: How many values or rows were compared.
        failed: How many of them did not hold.
        worst: Largest absolute difference, or `None` where no numbers are compared.
        allowed: What was allowed, in words.
        detail: What happened, in a sentence; empty when it passed.
    """

    name: str
    passed: bool
    compared: int
    failed: int
    worst: float | None = None
    allowed: str
    detail: str = ""


class WorstRow(Document):
    """A row at which source and graph part most.

    Attributes:
        probe: What kind of probe it was: `sample`, `threshold`, `missing`, …
        record: The row itself, by column.
        source: Output name to the source's values.
        onnx: Output name to the graph's values.
        difference: Largest absolute difference of the row.
    """

    probe: str
    record: dict[str, Any]
    source: dict[str, Any]
    onnx: dict[str, Any]
    difference: float


class Distribution(Document):
    """How the differences of one output are spread, and enough of its values to plot.

    Attributes:
        output: Name of the output; for several columns with the column: `probabilities[1]`.
        source: Up to 2,000 of the source's values: a uniform sample over all probes, and the worst.
        onnx: The graph's values for the same rows.
        edges: Edges of the histogram: decimal logarithms of the absolute difference.
        counts: How many values fall between two edges; one fewer than there are edges.
        equal: How many values are equal to the last bit, and so in no bin.
    """

    output: str
    source: tuple[float, ...]
    onnx: tuple[float, ...]
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    equal: int = Field(ge=0)


class ParityReport(Document):
    """What `check` found: `parity.json`.

    Law: `passed` is true if and only if there are verdicts and every one of them passed.

    Attributes:
        schema_version: Version of this format.
        graph_sha256: Digest of the graph that was checked.
        source_sha256: Digest of the source that it was checked against.
        passed: Whether every verdict passed.
        rows: How many of the user's rows were compared.
        probes: How many rows of each kind of probe were compared.
        seed: Seed of the generated probes.
        tolerances: What was allowed.
        verdicts: The answers.
        worst: Largest absolute difference of scores over all probes.
        worst_rows: The rows with the largest differences.
        explanation: Where the two part and what to do; empty when the check passed.
        notes: What a reader should know: a small sample, probes that were accepted by the plan.
        failures: How many rows of each kind of probe did not hold; kinds without failures are left out.
        distributions: What there is to plot, an output column each.
        threads: How many intra-op threads the runtime had: what was proven is proven for so many.
        packages: Versions of what answered.
    """

    schema_version: int = PARITY_SCHEMA_VERSION
    graph_sha256: str
    source_sha256: str
    passed: bool
    rows: int = Field(ge=0)
    probes: dict[str, int]
    seed: int
    tolerances: Tolerances
    verdicts: tuple[Verdict, ...]
    worst: float
    worst_rows: tuple[WorstRow, ...] = ()
    explanation: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    failures: dict[str, int] = Field(default_factory=dict)
    distributions: tuple[Distribution, ...] = ()
    threads: int = Field(default=THREADS, ge=1)
    packages: dict[str, str] = Field(default_factory=dict)

    def model_post_init(self, context: Any, /) -> None:  # ruff: ignore[ANN401, ARG002] - pydantic's signature
        """Hold the law.

        Raises:
            ValueError: `passed` contradicts the verdicts.
        """
        if self.passed != (bool(self.verdicts) and all(verdict.passed for verdict in self.verdicts)):
            raise ValueError("`passed` contradicts the verdicts")
