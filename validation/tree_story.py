"""The part of an explanation that opens the graph: its steps, the precision before its trees, its trees."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnx
from onnxport.artifacts import concatenate

from .commonalities import category_sentences, exchange_sentences, missing_sentences
from .detours import Detour, find_detour
from .forest import Forest, read_forests
from .influence import Influence, influences
from .patterns import margin_limit, margins
from .precision import narrow_steps
from .prefix import PREFIX, cut
from .questions import LABEL
from .steps import first_divergence
from .suspects import Counts, Suspect, best_suspect, count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from onnxport.artifacts import Column, OnnxArtifact, Predict, Rows

    from .evidence import Kept
    from .session import GraphProcess

    Steps = Mapping[str, Callable[[Rows], Column]]

LOOKED_AT: Final = 400
MOST_CELLS: Final = 40_000_000
"""Rows times tree nodes that are looked at, at most."""
MOSTLY: Final = 0.5
NEARLY_ALL: Final = 0.8


def tree_sentences(
    artifact: OnnxArtifact, graph: GraphProcess, failing: Kept, holding: Kept | None, *, steps: Steps
) -> Iterator[str]:
    """What the graph itself tells about the failing rows; the most telling first.

    Args:
        artifact: The graph's bytes and signature.
        graph: The graph, running.
        failing: Rows at which source and graph part.
        holding: Rows at which they agree, or `None` where there are none.
        steps: The source's intermediate values, by path.
    """
    model = onnx.load_from_string(artifact.model)
    columns = artifact.conversion.signature.columns
    divergence = first_divergence(model, graph, steps, failing.rows.take(slice(0, LOOKED_AT)))
    if divergence:
        yield divergence
    yield from exchange_sentences(graph, failing)
    yield from category_sentences(failing, holding)
    yield from missing_sentences(failing, holding)
    forests = read_forests(model)
    if forests:
        tensors = list(dict.fromkeys(forest.tensor for forest in forests))
        with graph.beside(cut(model, tensors)) as prefix:
            rows = [side.rows.select(columns) for side in (failing, holding) if side is not None]
            moved = influences(prefix, concatenate(rows), len(tensors))
            for forest in forests:
                index = tensors.index(forest.tensor)
                reader = Reader(prefix, forest, f"{PREFIX}{index}", _names(moved[index], columns))
                yield from reader.sentences(failing, holding, narrow_steps(model, forest.tensor))


def _names(influence: Influence, columns: Sequence[str]) -> list[str]:
    """What to call each column of a forest's tensor, `(k,)`: the input column that alone moves it, if one does."""
    return [
        repr(columns[int(influence.moves[:, column].argmax())]) if alone else f"column {column} of its input"
        for column, alone in enumerate(influence.alone.tolist())
    ]


class Reader:
    """Reads from one forest of the graph what the failing rows have in common."""

    def __init__(self, prefix: Predict, forest: Forest, output: str, names: Sequence[str]) -> None:
        """Nothing is read yet.

        Args:
            prefix: The graph up to the forest's input.
            forest: The forest.
            output: Name of the prefix's output that is the forest's input.
            names: What to call its columns.
        """
        self._prefix = prefix
        self._forest = forest
        self._output = output
        self._names = names

    def sentences(self, failing: Kept, holding: Kept | None, narrow: Sequence[str]) -> Iterator[str]:
        """The suspect, or what the failing rows have in common with thresholds; `narrow` are steps in float32."""
        values = self._values(failing.rows)
        bad = count(self._forest, values)
        good = count(self._forest, self._values(holding.rows) if holding is not None else values[:0])
        if narrow and bad.around > MOSTLY * len(bad):
            yield (
                f"{bad.around} of {len(bad)} failing rows come within float32 rounding of a split, and the graph "
                f"computes {', '.join(narrow)} in float32 before its trees. If the source does so in float64, as "
                "scikit-learn does, convert these steps in float64 and cast to float32 right before the trees. "
                f"{self._example(bad, values, failing)}"
            )
        suspect = best_suspect(bad, good)
        detour = self._detour(failing, values)
        if suspect is not None:
            yield self._accuse(suspect, values, failing)
        elif detour is not None:
            yield self._tell(detour, failing)
        elif bad.close > NEARLY_ALL * len(bad) and good.close < NEARLY_ALL * len(good):
            yield f"{self._comparison(bad)} {self._example(bad, values, failing)}"

    def _values(self, rows: Rows) -> NDArray[Any]:
        picked = self._picked(len(rows))
        return self._prefix(rows.take(picked))[self._output].reshape(len(picked), -1)

    def _picked(self, rows: int) -> NDArray[np.int64]:
        """The numbers of the rows to look at, spread evenly."""
        most = max(1, min(LOOKED_AT, MOST_CELLS // max(1, len(self._forest.feature))))
        return np.unique(np.linspace(0, rows - 1, most).astype(np.int64)) if rows else np.empty(0, np.int64)

    def _accuse(self, suspect: Suspect, values: NDArray[Any], failing: Kept) -> str:
        forest, node = self._forest, suspect.node
        where = f"{forest.describe(node)} of {forest.node!r}"
        touched = f"{suspect.failing} of the failing rows looked at, and {suspect.holding} of the rows that hold,"
        answers = _answers(failing, int(self._picked(len(failing))[suspect.row]))
        if forest.leaf[node]:
            return (
                f"Look at {where}, a leaf: {touched} end in it. {answers} Compare the value of this leaf with the "
                "model's."
            )
        name, value = self._names[forest.feature[node]], values[suspect.row, forest.feature[node]]
        split = f"{where}, which compares {name} {forest.sign(node)} {forest.threshold[node]:.9g}"
        match suspect.event:
            case "missing":
                does, compare = f"reach it with {name} missing", "on which side a missing value goes"
            case "near":
                does = f"come within one step of this threshold, for instance with {value:.9g}"
                compare = "the threshold to the last bit, and < with <="
            case _:
                does = f"pass it, for instance with {value:.9g}"
                compare = "its feature, its threshold, its branches and the leaves below with the model's"
        return f"Look at {split}: {touched} {does}. {answers} Compare {compare}."

    def _example(self, bad: Counts, values: NDArray[Any], failing: Kept) -> str:
        """One failing row that comes near a threshold, with the tree, the split and both answers."""
        near = np.argwhere(bad.touched["near"])
        if not len(near):
            return ""
        row, node = near[0].tolist()
        forest, column = self._forest, int(self._forest.feature[node])
        return (
            f"For instance {forest.describe(node)} compares {self._names[column]}, which arrives as "
            f"{values[row, column]:.9g}, {forest.sign(node)} {forest.threshold[node]:.9g}. "
            f"{_answers(failing, int(self._picked(len(failing))[row]))}"
        )

    def _detour(self, failing: Kept, values: NDArray[Any]) -> Detour | None:
        score = next((name for name in failing.source if name != LABEL and name in failing.onnx), "")
        if not score or failing.source[score].shape != failing.onnx[score].shape:
            return None
        rows = self._picked(len(failing))
        left, right = (margins(score, side[score][rows]) for side in (failing.source, failing.onnx))
        clear = (np.abs(left) < margin_limit(score)) & (np.abs(right) < margin_limit(score))
        found = find_detour(self._forest, values[clear], (right - left)[clear])
        return None if found is None else replace(found, row=int(rows[clear][found.row]))

    def _tell(self, detour: Detour, failing: Kept) -> str:
        forest, node = self._forest, detour.node
        if node < 0:
            number = forest.tree[forest.roots[detour.tree]]
            return (
                f"Look at tree {number} of {forest.node!r}: {detour.rows} of the failing rows looked at are off "
                "by just the value of the leaf that they reach in it, as if it were counted twice."
            )
        name = self._names[forest.feature[node]]
        return (
            f"Look at {forest.describe(node)} of {forest.node!r}, which compares {name} {forest.sign(node)} "
            f"{forest.threshold[node]:.9g}: {detour.rows} of the failing rows looked at are off by the difference "
            f"of two leaves on its two sides. {_answers(failing, detour.row)} Compare its feature, its threshold "
            "and its branches with the model's."
        )

    def _comparison(self, bad: Counts) -> str:
        sign = self._forest.sign(int(self._forest.ordered[0]))
        return (
            f"{bad.close} of {len(bad)} failing rows come within one step of a split threshold of "
            f"{self._forest.node!r}, {bad.exact} hold it exactly: compare how the graph compares ({sign}) with "
            "how the model does, and whether thresholds were rounded."
        )


def _shown(values: NDArray[Any]) -> str:
    return ", ".join(f"{value:.9g}" for value in np.atleast_1d(values).tolist())


def _answers(failing: Kept, row: int) -> str:
    """What both sides answer to one of the rows."""
    parts = [
        f"{name} {_shown(source[row])} by the source and {_shown(failing.onnx[name][row])} by the graph"
        for name, source in failing.source.items()
        if name in failing.onnx and name != LABEL
    ]
    return f"Such a row has {'; '.join(parts)}."
