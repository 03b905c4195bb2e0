"""Does the graph take each row by itself: alone or in a batch, columns in any order, no rows at all?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from onnxport.artifacts import OnnxportError, Rows, Verdict

from .compare import agree, kind_of, labels_agree
from .host import GraphAborted
from .questions import LABEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from onnxport.artifacts import Outputs, Predict, Signature, Tolerances

    Mask = NDArray[np.bool_]

ALONE: Final = 32
LARGE: Final = 10_001
_ORDER: Final = 256
_SAME: Final = "the graph's own answer to the same rows in one batch, within tolerance"
_NOTHING: Final = "no rows in, no rows out"


def structure_verdicts(
    graph: Predict, base: Rows, signature: Signature, tolerances: Tolerances
) -> Iterator[tuple[str, int, Verdict]]:
    """Each verdict with the kind of its probes and their number.

    Args:
        graph: The graph; the source is not asked.
        base: Rows that the graph answers, at least one.
        signature: The order of the columns, and what the outputs are.
        tolerances: How far two answers to one row may be apart.
    """
    whole = graph(base)
    alone = base.take(slice(0, ALONE))
    yield "alone", 2 * len(alone), _independence(graph, alone, whole, tolerances)
    yield "batch-10001", LARGE, _large(graph, base, whole, tolerances)
    some = base.take(slice(0, _ORDER))
    yield "columns-reversed", len(some), _order(graph, some, whole, tolerances)
    yield "empty-batch", 0, _empty(graph, base, signature)


def _independence(graph: Predict, rows: Rows, whole: Outputs, tolerances: Tolerances) -> Verdict:
    wrong = 0
    for size in (1, 2):
        for start in range(0, len(rows), size):
            part = rows.take(slice(start, start + size))
            expected = {name: values[start : start + size] for name, values in whole.items()}
            wrong += _differing(_answer(graph, part), expected, len(part), tolerances)
    return _verdict("row independence", 2 * len(rows), wrong, "rows answer differently alone than in a batch")


def _large(graph: Predict, base: Rows, whole: Outputs, tolerances: Tolerances) -> Verdict:
    indices = np.arange(LARGE) % len(base)
    expected = {name: values[indices] for name, values in whole.items()}
    wrong = _differing(_answer(graph, base.take(indices)), expected, LARGE, tolerances)
    return _verdict("large batch", LARGE, wrong, f"rows answer differently in a batch of {LARGE:,}")


def _order(graph: Predict, rows: Rows, whole: Outputs, tolerances: Tolerances) -> Verdict:
    turned = Rows(columns={name: rows.columns[name] for name in reversed(rows.names)})
    expected = {name: values[: len(rows)] for name, values in whole.items()}
    wrong = _differing(_answer(graph, turned), expected, len(rows), tolerances)
    return _verdict(
        "column order", len(rows), wrong, "rows answer differently with their columns in another order"
    )


def _empty(graph: Predict, base: Rows, signature: Signature) -> Verdict:
    try:
        outputs = graph(base.take(slice(0, 0)))
    except GraphAborted as error:
        return _verdict("empty batch", 1, 1, f"no rows at all: {error}", allowed=_NOTHING)
    except OnnxportError as error:
        return _verdict("empty batch", 1, 1, f"the graph raises for no rows: {error}", allowed=_NOTHING)
    wrong = [output.name for output in signature.outputs if len(outputs.get(output.name, (0,))) != 0]
    sentence = f"{', '.join(wrong)} has rows where none were asked"
    return _verdict("empty batch", 1, len(wrong), sentence, allowed=_NOTHING)


def _answer(graph: Predict, rows: Rows) -> Outputs | None:
    try:
        return graph(rows)
    except OnnxportError:
        return None


def _differing(found: Outputs | None, expected: Outputs, rows: int, tolerances: Tolerances) -> int:
    """How many rows differ; all of them when the graph gave no comparable answer."""
    if found is None or any(found[name].shape != values.shape for name, values in expected.items()):
        return rows
    wrong = np.zeros(rows, dtype=np.bool_)
    for name, values in expected.items():
        wrong |= ~_same(name, values, found[name], tolerances).reshape(rows, -1).all(axis=1)
    return int(wrong.sum())


def _same(name: str, expected: NDArray[np.generic], found: NDArray[np.generic], tolerances: Tolerances) -> Mask:
    if name == LABEL or kind_of(expected) != "float":
        return labels_agree(expected, found)
    tolerance = tolerances.for_output(name)
    return agree(expected, found, tolerance.atol, tolerance.rtol)


def _verdict(name: str, compared: int, failed: int, sentence: str, *, allowed: str = _SAME) -> Verdict:
    return Verdict(
        name=name,
        passed=failed == 0,
        compared=compared,
        failed=failed,
        allowed=allowed,
        detail=f"{failed:,} of {compared:,}: {sentence}" if failed else "",
    )
