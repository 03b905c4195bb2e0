"""Why a check failed and what to do, in sentences for a data scientist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from onnxport.artifacts import OnnxportError

from .patterns import pattern_sentences, rounded, rounding_sentence, tree_count_sentences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from onnxport.artifacts import Column, OnnxArtifact, Rows, Verdict

    from .evidence import Kept
    from .session import GraphProcess
    from .tally import Tally

    Steps = Mapping[str, Callable[[Rows], Column]]

ADVICE: Final[Mapping[str, str]] = {
    "outputs": "Names, dtypes and shapes are what clients rely on: convert again, or correct the signature.",
    "errors": (
        "Where the source refuses a row, the graph must not answer: convert again with checks in the graph, or "
        "let the plan accept it with a reason."
    ),
    "runtime": "The graph takes the server down with it: never release it. Report the graph to ONNX Runtime.",
    "row independence": (
        "A row's answer depends on the other rows of its batch: look for a reduction over axis 0, a reversed or "
        "sorted batch, or a reshape that mixes rows and columns."
    ),
    "large batch": "A row's answer depends on the size of its batch: look for shapes with a fixed number of rows.",
    "column order": "Columns must be found by name: look at the order of the signature's columns.",
    "empty batch": "A server sees empty batches: make the number of rows symbolic in every shape of the graph.",
    "missing": "Missing values take another way through the graph: look at imputers and missing-value branches.",
}
LAST: Final = (
    "Do not raise the tolerance to make this pass: the numbers above are wrong predictions. If the graph is "
    "onnxport's own, report it with the model; if it is from another converter, export the model with onnxport."
)
_KINDS: Final = 4


def explain(
    artifact: OnnxArtifact, graph: GraphProcess, tally: Tally, verdicts: tuple[Verdict, ...], *, steps: Steps
) -> tuple[str, ...]:
    """Where source and graph part, what the failing rows have in common, what to do; the most telling first."""
    failing, holding = tally.failing.kept(), tally.holding.kept()
    sentences: list[str] = []
    if failing is not None:
        try:
            sentences += _all_causes(artifact, graph, failing, holding, steps=steps)
        except OnnxportError as error:
            sentences.append(f"The cause could not be searched further: {error.message}.")
        sentences += _spread_over(tally)
    sentences += [
        f"{verdict.name}: {verdict.detail}. {ADVICE[verdict.name]}"
        for verdict in verdicts
        if not verdict.passed and verdict.name in ADVICE
    ]
    return tuple(sentences) if failing is not None and rounded(failing).all() else (*sentences, LAST)


def _all_causes(
    artifact: OnnxArtifact, graph: GraphProcess, failing: Kept, holding: Kept | None, *, steps: Steps
) -> list[str]:
    """The causes; rows that are off by rounding alone are told apart from the others."""
    rounding = rounded(failing)
    if rounding.all():
        return [rounding_sentence(len(failing), len(failing))]
    others = failing.take(~rounding)
    found = list(_causes(artifact, graph, others, holding, steps=steps))
    found += [] if found else tree_count_sentences(others)
    return found + ([rounding_sentence(int(rounding.sum()), len(failing))] if rounding.any() else [])


def _causes(
    artifact: OnnxArtifact, graph: GraphProcess, failing: Kept, holding: Kept | None, *, steps: Steps
) -> Iterator[str]:
    from .tree_story import tree_sentences  # ruff: ignore[PLC0415] - onnx loads only when a graph is read

    yield from pattern_sentences(failing, holding)
    yield from tree_sentences(artifact, graph, failing, holding, steps=steps)


def _spread_over(tally: Tally) -> Iterator[str]:
    failed = sorted(tally.failures.items(), key=lambda entry: -entry[1])
    parts = [f"{count:,} of {tally.rows[kind]:,} rows of kind {kind}" for kind, count in failed[:_KINDS]]
    if parts:
        yield f"What failed: {', '.join(parts)}."
