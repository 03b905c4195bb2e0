"""Which tree, split or leaf explains the failing rows: what all of them visit and rows that hold do not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .ordinals import to_ordinals

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .forest import Forest

    Integers = NDArray[np.int64]
    Mask = NDArray[np.bool_]

RECALL: Final = 0.98
"""A suspect must be visited by nearly all failing rows."""
CUT: Final = 0.6
"""And by at most this part of the rows that hold, compared with what chance would have it be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A tree node that the failing rows have in common.

    Attributes:
        node: Index in the forest.
        event: `near`: a value at most one step from its threshold; `missing`: a missing value; `visit`: just passing.
        failing: How many failing rows do so.
        holding: How many rows that hold do so.
        row: A failing row that does so.
    """

    node: int
    event: str
    failing: int
    holding: int
    row: int


@dataclass(slots=True)
class Counts:
    """How many rows do what at each tree node, `(m,)` each, and the last row that did."""

    visit: Integers
    near: Integers
    missing: Integers
    row: dict[str, Integers]
    exact: int = 0
    close: int = 0
    rows: int = 0


def count(forest: Forest, values: NDArray[Any]) -> Counts:
    """What rows of the forest's input tensor, `(n, k)`, do at its nodes."""
    size = len(forest.feature)
    zeros = {event: np.zeros(size, dtype=np.int64) for event in ("visit", "near", "missing")}
    rows = {event: np.full(size, -1, dtype=np.int64) for event in zeros}
    leaf, ranks = forest.leaf, to_ordinals(forest.threshold.astype(values.dtype))
    exact, close = np.zeros(len(values), dtype=np.bool_), np.zeros(len(values), dtype=np.bool_)
    for row in range(len(values)):
        nodes = np.unique(np.concatenate([level[0] for level in forest.levels(values[row : row + 1])]))
        inner = nodes[~leaf[nodes]]
        here = values[row, forest.feature[inner]]
        gone = np.isnan(here)
        distance = np.abs(to_ordinals(np.where(gone, 0, here).astype(values.dtype)) - ranks[inner])
        events = {"visit": nodes, "missing": inner[gone], "near": inner[~gone & (distance <= 1)]}
        for event, touched in events.items():
            zeros[event][touched] += 1
            rows[event][touched] = row
        exact[row] = bool((~gone & (distance == 0)).any())
        close[row] = bool((~gone & (distance <= 1)).any())
    return Counts(**zeros, row=rows, exact=int(exact.sum()), close=int(close.sum()), rows=len(values))


def best_suspect(failing: Counts, holding: Counts) -> Suspect | None:
    """The node that explains the failing rows best, or `None` when none is more than chance.

    Nearly all failing rows must touch it. Among those, the one that the fewest rows which hold touch; among equals, what says
    most: a value near a threshold before a missing value before a visit.
    """
    found: list[tuple[float, int, Suspect]] = []
    for rank, event in enumerate(("near", "missing", "visit")):
        bad, good = getattr(failing, event), getattr(holding, event)
        for node in np.flatnonzero(bad >= RECALL * failing.rows).tolist():
            share = good[node] / max(1, holding.rows)
            suspect = Suspect(
                node=node,
                event=event,
                failing=int(bad[node]),
                holding=int(good[node]),
                row=int(failing.row[event][node]),
            )
            found.append((share, rank, suspect))
    if not found:
        return None
    share, _, suspect = min(found, key=lambda entry: (entry[0], entry[1]))
    return suspect if share <= CUT else None
