"""The gate: source and graph answer the user's rows and the probes, and a report says whether they agree."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
from onnxport.artifacts import OnnxportError, ParityReport, Rows, Silent, UsageError, Verdict, concatenate

from .answers import FEW_CALLS, MAX_CALLS, Answers, ask
from .explain import explain
from .host import GraphAborted, GraphUnloadable
from .probes import probes
from .questions import LABEL, PROBABILITIES
from .reservoir import Reservoir
from .session import GraphProcess, open_graph
from .structure import structure_verdicts
from .tally import Tally, runtime_verdict
from .tolerances import DEFAULT, resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from onnxport.artifacts import Column, OnnxArtifact, Outputs, Predict, Progress, Tolerances

SILENT: Final = Silent()
CHUNK: Final = 8_192
"""Rows that both sides are asked at once."""
BASE: Final = 4_096
"""The user's rows that special values are placed into, at most."""
ENOUGH: Final = 1_000


class Watch(Protocol):
    """Looks on as a check goes through the user's rows."""

    def add(self, rows: Rows, outputs: Outputs, /) -> None:
        """Both sides answered `rows`, the source with `outputs`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions:
    """How to check.

    Attributes:
        tolerances: What is allowed.
        seed: Seed of the generated probes.
        rows: How many of the user's rows to compare at most; `None` for all of them.
        threshold_rows: How many threshold probes to ask at most; those of distinct thresholds come first.
        steps: Path of a step of the source to a callable that gives its output, `(n, k)`, for rows; the
            explanation of a failure compares them with the graph's tensors, in this order.
        watch: Sees the rows of the sample that both sides answer; `None` where nobody looks on.
    """

    tolerances: Tolerances = DEFAULT
    seed: int = 0
    rows: int | None = None
    threshold_rows: int = 200_000
    steps: Mapping[str, Callable[[Rows], Column]] = field(default_factory=dict)
    watch: Watch | None = None


def check(
    source: Predict,
    artifact: OnnxArtifact,
    sample: Rows | Iterable[Rows],
    options: CheckOptions | None = None,
    *,
    progress: Progress = SILENT,
) -> ParityReport:
    """What was found when source and graph were asked the same: a failed report is a value.

    Args:
        source: The source's own predict.
        artifact: The graph; it runs in a child process.
        sample: The user's rows; chunks of any size are compared one after the other in bounded memory.
        options: Tolerances, seed and limits; the defaults where there are none.
        progress: Told of rows as they are compared.

    Raises:
        UsageError: The sample has no rows, or the source raises for every one of the first of them.
    """
    options = options or CheckOptions()
    try:
        with open_graph(artifact.model, artifact.conversion.signature) as graph, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # extreme probes overflow on purpose; what counts is the answer
            return Check(source, graph, artifact, options=options, progress=progress).run(sample)
    except (GraphUnloadable, GraphAborted) as error:
        return _stillborn(artifact, options, error)


class Check:
    """One run of the gate."""

    def __init__(
        self,
        source: Predict,
        graph: GraphProcess,
        artifact: OnnxArtifact,
        *,
        options: CheckOptions,
        progress: Progress,
    ) -> None:
        self._source = source
        self._graph = graph
        self._artifact = artifact
        self._options = options
        self._progress = progress
        self._signature = artifact.conversion.signature
        self._structure: list[Verdict] = []
        self._structure_rows: dict[str, int] = {}
        self._notes: list[str] = []

    def run(self, sample: Rows | Iterable[Rows]) -> ParityReport:
        """The report."""
        chunks = chunked(sample, self._options.rows)
        first = next(chunks, None)
        if first is None:
            raise UsageError(
                "the sample has no rows", hint="Parity needs the rows that the model is used on, 1,000 or more."
            )
        first = first.select(self._signature.columns)
        answers = ask(self._source, first)
        self._tolerances = self._resolved(answers)
        self._tally = Tally(self._artifact.conversion, self._tolerances, self._options.seed)
        base = self._ask_sample(first, answers, chunks)
        self._ask_probes(base)
        self._ask_structure(base)
        return self._report()

    def _resolved(self, answers: Answers) -> Tolerances:
        if not answers.accepted.any():
            raise UsageError(
                f"the source raises for all of the first {len(answers.accepted):,} rows of the sample: "
                f"{next(iter(answers.reasons.values()), 'no reason')}",
                hint="Give a sample that the model itself can score.",
            )
        return resolve(self._options.tolerances, _scale(answers))

    def _ask_sample(self, first: Rows, answers: Answers, chunks: Iterator[Rows]) -> Rows:
        """All of the user's rows are compared; some that both sides answer come back as base of the probes."""
        base = Reservoir(BASE, self._options.seed)
        self._count_sample(first, answers, ask(self._graph, first), base)
        for chunk in chunks:
            rows = chunk.select(self._signature.columns)
            self._count_sample(rows, *self._asked("sample", rows), base)
        return base.rows() or first.take(np.flatnonzero(answers.accepted)[:BASE])

    def _count_sample(self, rows: Rows, source: Answers, onnx: Answers, base: Reservoir) -> None:
        self._count("sample", rows, source, onnx)
        both = source.accepted & onnx.accepted
        answered = rows.take(np.flatnonzero(both))
        base.add(answered)
        if self._options.watch is not None and len(answered):
            self._options.watch.add(answered, source.at(both))

    def _ask_probes(self, base: Rows) -> None:
        generator = np.random.default_rng(self._options.seed)
        for probe in probes(
            self._artifact,
            self._graph,
            base,
            generator,
            tolerances=self._tolerances,
            threshold_rows=self._options.threshold_rows,
        ):
            self._notes += [probe.note] if probe.note else []
            for start in range(0, len(probe.rows), CHUNK):
                rows = probe.rows.take(slice(start, start + CHUNK))
                self._count(probe.kind, rows, *self._asked(probe.kind, rows))

    def _ask_structure(self, base: Rows) -> None:
        try:
            for kind, rows, verdict in structure_verdicts(self._graph, base, self._signature, self._tolerances):
                self._structure.append(verdict)
                self._structure_rows[kind] = rows
        except OnnxportError as error:
            detail = f"the graph does not answer the sample: {error}"
            self._structure.append(
                Verdict(
                    name="row independence",
                    passed=False,
                    compared=len(base),
                    failed=len(base),
                    allowed="an answer",
                    detail=detail,
                )
            )

    def _asked(self, kind: str, rows: Rows) -> tuple[Answers, Answers]:
        """What source and graph say: the graph's process answers while the source does here."""
        most = FEW_CALLS if self._tally.accepted.foresees(kind) else MAX_CALLS
        with ThreadPoolExecutor(max_workers=1) as other:
            onnx = other.submit(ask, self._graph, rows)
            source = ask(self._source, rows, most)
            return source, onnx.result()

    def _count(self, kind: str, rows: Rows, source: Answers, onnx: Answers) -> None:
        self._tally.add(kind, rows, source, onnx)
        total = self._options.rows if kind == "sample" else None
        self._progress.step(kind, self._tally.rows[kind], total)

    def _report(self) -> ParityReport:
        tally, conversion = self._tally, self._artifact.conversion
        verdicts = (*tally.verdicts(), *self._structure)
        passed = all(verdict.passed for verdict in verdicts)
        probe_rows = {kind: count for kind, count in tally.rows.items() if kind != "sample"}
        return ParityReport(
            graph_sha256=conversion.sha256,
            source_sha256=conversion.source.sha256,
            passed=passed,
            rows=tally.rows["sample"],
            probes={**probe_rows, **self._structure_rows},
            seed=self._options.seed,
            tolerances=self._tolerances,
            verdicts=verdicts,
            worst=tally.worst,
            worst_rows=tally.worst_rows.rows(),
            explanation=()
            if passed
            else explain(self._artifact, self._graph, tally, verdicts, steps=self._options.steps),
            notes=(*_size_note(tally.rows["sample"]), *tally.notes(), *self._notes),
            failures=tally.failures,
            distributions=tally.spreads.distributions(),
            packages=_packages(conversion.packages),
        )


def chunked(sample: Rows | Iterable[Rows], limit: int | None) -> Iterator[Rows]:
    """The rows of `sample` in chunks of at most 8,192, `limit` rows in all; small chunks are put together."""
    parts = (sample,) if isinstance(sample, Rows) else sample
    waiting: list[Rows] = []
    left = limit
    for part in parts:
        for start in range(0, len(part), CHUNK):
            if left is not None and left <= 0:
                break
            rows = part.take(slice(start, start + (CHUNK if left is None else min(CHUNK, left))))
            left = None if left is None else left - len(rows)
            waiting.append(rows)
            if sum(map(len, waiting)) >= CHUNK:
                joined = concatenate(waiting)
                yield joined.take(slice(0, CHUNK))
                waiting = [joined.take(slice(CHUNK, None))]
    rest = [rows for rows in waiting if len(rows)]
    if rest:
        yield concatenate(rest)


def _scale(answers: Answers) -> float:
    """Mean absolute answer over all scores but probabilities; 1 where there is none."""
    values = [
        np.abs(value.astype(np.float64)).ravel()
        for name, value in answers.outputs.items()
        if name not in {LABEL, PROBABILITIES} and value.dtype.kind in "fiu"
    ]
    finite = np.concatenate(values) if values else np.empty(0)
    finite = finite[np.isfinite(finite)]
    return float(finite.mean()) if len(finite) and finite.any() else 1.0


def _size_note(rows: int) -> list[str]:
    if rows >= ENOUGH:
        return []
    return [f"only {rows:,} rows of the sample were compared; {ENOUGH:,} or more find rare differences"]


def _packages(made_with: Mapping[str, str]) -> dict[str, str]:
    return {**made_with, "onnxruntime": version("onnxruntime"), "numpy": version("numpy")}


def _stillborn(artifact: OnnxArtifact, options: CheckOptions, error: OnnxportError) -> ParityReport:
    conversion = artifact.conversion
    return ParityReport(
        graph_sha256=conversion.sha256,
        source_sha256=conversion.source.sha256,
        passed=False,
        rows=0,
        probes={},
        seed=options.seed,
        tolerances=resolve(options.tolerances, 1.0),
        verdicts=(runtime_verdict([error.message], 0),),
        worst=0.0,
        explanation=(f"The graph could not be opened: {error.message}",),
        packages=_packages(conversion.packages),
    )
