"""The part of an explanation that opens the graph: steps, trees, precision, exchanged columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnx
from onnxport.artifacts import Rows, concatenate

from .accepted import is_missing
from .compare import agree
from .forest import Forest, read_forests
from .influence import Influence, influences
from .precision import narrow_steps
from .prefix import PREFIX, cut
from .questions import LABEL
from .session import open_graph
from .steps import first_divergence
from .suspects import Counts, Suspect, best_suspect, count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray
    from onnxport.artifacts import Column, OnnxArtifact, Predict

    from .evidence import Kept

    Steps = Mapping[str, Callable[[Rows], Column]]

LOOKED_AT: Final = 400
MOST_COLUMNS: Final = 64
_SWAP_ROWS: Final = 40


def tree_sentences(artifact: OnnxArtifact, failing: Kept, holding: Kept | None, steps: Steps) -> Iterator[str]:
    """What the graph itself tells about the failing rows; the most telling first."""
    model = onnx.load_from_string(artifact.model)
    signature = artifact.conversion.signature
    divergence = first_divergence(model, signature, steps, failing.rows.take(slice(0, LOOKED_AT)))
    if divergence:
        yield divergence
    yield from _missing_columns(failing, holding)
    yield from _exchanged_inputs(artifact, failing)
    forests = read_forests(model)
    if not forests:
        return
    tensors = list(dict.fromkeys(forest.tensor for forest in forests))
    with open_graph(cut(model, tensors), signature) as prefix:
        moved = influences(prefix, failing.rows.select(signature.columns), len(tensors))
        for forest in forests:
            index = tensors.index(forest.tensor)
            story = Story(prefix, forest, index, moved[index], signature.columns)
            yield from story.sentences(failing, holding, narrow_steps(model, forest.tensor))


class Story:
    """What one forest of the graph tells about the failing rows."""

    def __init__(
        self, prefix: Predict, forest: Forest, tensor: int, influence: Influence, columns: tuple[str, ...]
    ) -> None:
        self._prefix = prefix
        self._forest = forest
        self._tensor = tensor
        self._influence = influence
        self._columns = columns

    def sentences(self, failing: Kept, holding: Kept | None, narrow: list[str]) -> Iterator[str]:
        """The suspect, or what the failing rows have in common with thresholds."""
        values = self._values(failing.rows)
        bad = count(self._forest, values)
        good = count(self._forest, self._values(holding.rows) if holding is not None else values[:0])
        suspect = best_suspect(bad, good)
        if narrow and bad.close > 0.5 * bad.rows:
            yield (
                f"{bad.close} of {bad.rows} failing rows come within one float32 step of a split, and the graph computes "
                f"{', '.join(narrow)} in float32 before its trees. If the source scales in float64, as scikit-learn "
                "does, convert these steps in float64 and cast to float32 right before the trees."
            )
        if suspect is not None:
            yield self._accuse(suspect, values, failing)
        elif bad.close > 0.8 * bad.rows and good.close < 0.8 * good.rows:
            yield self._comparison(bad)

    def _values(self, rows: Rows) -> NDArray[Any]:
        outputs = self._prefix(rows.take(slice(0, LOOKED_AT)))
        values = outputs[f"{PREFIX}{self._tensor}"]
        return values.reshape(len(values), -1)

    def _accuse(self, suspect: Suspect, values: NDArray[Any], failing: Kept) -> str:
        forest, node = self._forest, suspect.node
        where = f"{forest.describe(node)} of {forest.node!r}"
        touched = f"{suspect.failing} of the failing rows looked at, and {suspect.holding} of the rows that hold,"
        answers = _answers(failing, suspect.row)
        if forest.leaf[node]:
            return (
                f"Look at {where}, a leaf: {touched} end in it. {answers} Compare the value of this leaf with the "
                "model's."
            )
        column = int(forest.feature[node])
        name, threshold = self._name(column), forest.threshold[node]
        split = f"{where}, which compares {name} {self._sign(node)} {threshold:.9g}"
        if suspect.event == "missing":
            return (
                f"Look at {split}: {touched} reach it with {name} missing. {answers} Compare on which side a missing "
                "value goes."
            )
        value = values[suspect.row, column]
        if suspect.event == "near":
            return (
                f"Look at {split}: {touched} come within one step of this threshold, for instance with {value:.9g}. "
                f"{answers} Compare the threshold to the last bit, and < with <=."
            )
        return (
            f"Look at {split}: {touched} pass it, for instance with {value:.9g}. {answers} Compare its feature, its "
            "threshold and its branches with the model's."
        )

    def _comparison(self, bad: Counts) -> str:
        sign = self._sign(int(self._forest.ordered[0]))
        return (
            f"{bad.close} of {bad.rows} failing rows come within one step of a split threshold of {self._forest.node!r}, "
            f"{bad.exact} hold it exactly: compare how the graph compares ({sign}) with how the model does, and whether "
            "thresholds were rounded."
        )

    def _name(self, column: int) -> str:
        moves = np.flatnonzero(self._influence.moves[:, column])
        if len(moves) == 1:
            return repr(self._columns[moves[0]])
        return f"column {column} of {self._forest.tensor!r}"

    def _sign(self, node: int) -> str:
        return self._forest.sign(node)


def _answers(failing: Kept, row: int) -> str:
    parts = [
        f"{name} {failing.source[name][row].tolist()} by the source, {failing.onnx[name][row].tolist()} by the graph"
        for name in failing.source
        if name in failing.onnx and name != LABEL
    ]
    return f"Such a row has {'; '.join(parts)}."


def _missing_columns(failing: Kept, holding: Kept | None) -> Iterator[str]:
    """The column that is missing in all failing rows and in few others."""
    for name, column in failing.rows.columns.items():
        if not is_missing(column).all():
            continue
        others = is_missing(holding.rows.columns[name]).mean() if holding is not None else 0.0
        if others < 0.5:  # noqa: PLR2004 - else it says nothing
            yield (
                f"All failing rows have {name!r} missing: compare what the model puts in its place, and which way its "
                "trees send it."
            )


def _exchanged_inputs(artifact: OnnxArtifact, failing: Kept) -> Iterator[str]:
    """The pair of number columns whose exchange makes the graph answer as the source does."""
    names = [name for name, column in failing.rows.columns.items() if column.dtype.kind == "f"][:MOST_COLUMNS]
    rows = failing.rows.take(slice(0, _SWAP_ROWS))
    pairs = [(left, right) for place, left in enumerate(names) for right in names[place + 1 :]]
    if not pairs or len(rows) < 5:  # noqa: PLR2004 - chance would find a pair
        return
    turned = [rows.with_columns({left: rows.columns[right], right: rows.columns[left]}) for left, right in pairs]
    with open_graph(artifact.model, artifact.conversion.signature) as graph:
        outputs = graph(concatenate(turned))
    for name, values in failing.source.items():
        if name == LABEL or name not in outputs:
            continue
        found = outputs[name].reshape(len(pairs), len(rows), -1)
        expected = values[: len(rows)].reshape(len(rows), -1)
        shares = [float(agree(expected, one, 1e-9, 1e-5).all(axis=1).mean()) for one in found]
        best = int(np.argmax(shares))
        if shares[best] > 0.95:  # noqa: PLR2004 - nearly all rows are healed
            left, right = pairs[best]
            yield (
                f"With {left!r} and {right!r} exchanged the graph answers as the source does: these two columns are "
                "swapped in the graph, or in the order of the signature's columns."
            )
