"""What the failing rows have in common in their inputs: missing values, two columns that were exchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from onnxport.artifacts import concatenate

from .accepted import is_missing
from .compare import agree
from .questions import LABEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from onnxport.artifacts import Predict, Rows

    from .evidence import Kept

MOST_COLUMNS: Final = 64
SWAPPED_ROWS: Final = 40
HEALED: Final = 0.95
"""Part of the failing rows that an exchange of two columns must heal to be the cause."""
_FEW: Final = 5
_FEWEST: Final = 2
_RARELY: Final = 0.3
_LONGEST: Final = 40
_MISSING: Final = "\0missing"


def missing_sentences(failing: Kept, holding: Kept | None) -> Iterator[str]:
    """The column that is missing in all failing rows and in few others, or that all have one missing."""
    bad, good = _gaps(failing.rows), _gaps(holding.rows) if holding is not None else {}
    for name, gaps in bad.items():
        if gaps.mean() > HEALED and not (name in good and good[name].mean() > 0.5):  # ruff: ignore[PLR2004] - more often than not
            yield (
                f"The failing rows have {name!r} missing: compare what the model puts in its place, and on which "
                "side its trees send it."
            )
            return
    if np.any(list(bad.values()), axis=0).all() and not (good and np.any(list(good.values()), axis=0).all()):
        yield (
            "Every failing row has a missing value: compare what the model does with missing values, and on which "
            "side its trees send them."
        )


def category_sentences(failing: Kept, holding: Kept | None) -> Iterator[str]:
    """The few categories that nearly all failing rows have in one column, and few others do."""
    for name, column in failing.rows.columns.items():
        if column.dtype != object:
            continue
        values, counts = np.unique(_texts(column), return_counts=True)
        order = np.argsort(-counts, kind="stable")[: 1 if counts.max() > HEALED * len(column) else _FEWEST]
        common, inside = np.sort(values[order]), counts[order].sum() / len(column)
        others = np.isin(_texts(holding.rows.columns[name]), common).mean() if holding is not None else 1.0
        if inside > HEALED and others < _RARELY:
            shown = ", ".join(_short(value) for value in common.tolist())
            yield (
                f"The failing rows have {shown} in {name!r}: compare how the model and the graph encode these "
                "categories."
            )


def _texts(column: NDArray[Any]) -> NDArray[np.str_]:
    return np.array([_MISSING if value is None else str(value) for value in column.tolist()], dtype=np.str_)


def _short(value: str) -> str:
    if value == _MISSING:
        return "a missing value"
    return repr(value if len(value) <= _LONGEST else f"{value[:_LONGEST]}…")


def _gaps(rows: Rows) -> dict[str, NDArray[np.bool_]]:
    return {name: is_missing(column) for name, column in rows.columns.items()}


def exchange_sentences(graph: Predict, failing: Kept) -> Iterator[str]:
    """The pair of number columns whose exchange makes the graph answer as the source does."""
    names = [name for name, column in failing.rows.columns.items() if column.dtype.kind == "f"][:MOST_COLUMNS]
    rows = failing.rows.take(slice(0, SWAPPED_ROWS))
    pairs = [(left, right) for place, left in enumerate(names) for right in names[place + 1 :]]
    if not pairs or len(rows) < _FEW:
        return
    turned = [rows.with_columns({left: rows.columns[right], right: rows.columns[left]}) for left, right in pairs]
    outputs = graph(concatenate(turned))
    for name, values in failing.source.items():
        if name == LABEL or name not in outputs:
            continue
        found = outputs[name].reshape(len(pairs), len(rows), -1)
        expected = values[: len(rows)].reshape(len(rows), -1)
        if found.shape[1:] != expected.shape:
            continue
        shares = [float(agree(expected, one, 1e-9, 1e-5).all(axis=1).mean()) for one in found]
        best = int(np.argmax(shares))
        if shares[best] > HEALED:
            left, right = pairs[best]
            yield (
                f"With {left!r} and {right!r} exchanged the graph answers as the source does: these two columns "
                "are swapped in the graph, or in the order of the signature's columns."
            )
