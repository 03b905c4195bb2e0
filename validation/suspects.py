"""Which tree, split or leaf explains the failing rows: what all of them visit and rows that hold do not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .ordinals import to_ordinals

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from .forest import Forest

    Integers = NDArray[np.int64]
    Mask = NDArray[np.bool_]

EVENTS: Final = ("near", "missing", "visit")
"""What a row does at a node, the most telling first."""
RECALL: Final = 0.98
"""A suspect must be visited by nearly all failing rows."""
CUT: Final = 0.6
"""And by at most this part of the rows that hold."""
SCALING: Final = 2e-5
"""How far scaling in float32 may move a value, relative to numbers of size 1."""
ENOUGH: Final = 20
"""Rows that hold, without which nothing can be told apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A tree node that the failing rows have in common.

    Attributes:
        node: Index in the forest.
        event: `near`: a value at most one step from its threshold; `missing`: a missing value; `visit`: it passes.
        failing: How many failing rows do so.
        holding: How many rows that hold do so.
        row: A failing row that does so.
    """

    node: int
    event: str
    failing: int
    holding: int
    row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What `n` rows do at the `m` nodes of a forest.

    Attributes:
        touched: For each event, which row does it at which node, `(n, m)`.
        exact: How many rows hold a value that is exactly the threshold of a node that they visit.
        close: How many come within one step of one.
        around: How many come as near as scaling in float32 is off.
    """

    touched: Mapping[str, Mask]
    exact: int
    close: int
    around: int

    def __len__(self) -> int:
        return len(self.touched["visit"])


def count(forest: Forest, values: NDArray[Any]) -> Counts:
    """What rows of the forest's input tensor, `(n, k)`, do at its nodes."""
    size, leaf = len(forest.feature), forest.leaf
    ranks = to_ordinals(forest.threshold.astype(values.dtype))
    touched = {event: np.zeros((len(values), size), dtype=np.bool_) for event in EVENTS}
    exact, around = np.zeros(len(values), dtype=np.bool_), np.zeros(len(values), dtype=np.bool_)
    row = np.arange(len(values))[:, None]
    for nodes in forest.levels(values):
        here = values[row, forest.feature[nodes]]
        gone = np.isnan(here) & ~leaf[nodes]
        distance = np.abs(to_ordinals(np.where(np.isnan(here), 0, here).astype(values.dtype)) - ranks[nodes])
        near = ~np.isnan(here) & ~leaf[nodes] & (distance <= 1)
        exact |= (near & (distance == 0)).any(axis=1)
        level = forest.threshold[nodes]
        around |= (~leaf[nodes] & (np.abs(here - level) <= SCALING * np.maximum(1, np.abs(level)))).any(axis=1)
        touched["visit"][row, nodes] = True
        touched["near"][row, nodes] |= near
        touched["missing"][row, nodes] |= gone
    return Counts(
        touched=touched,
        exact=int(exact.sum()),
        close=int(touched["near"].any(axis=1).sum()),
        around=int(around.sum()),
    )


def best_suspect(failing: Counts, holding: Counts) -> Suspect | None:
    """The node that explains the failing rows best, or `None` when none is more than chance.

    Nearly all failing rows must touch it. Among those, the one that the fewest rows which hold touch; among
    equals, what says most: a value near a threshold before a missing value before a visit.
    """
    if len(holding) < ENOUGH:
        return None
    found: list[tuple[float, int, Suspect]] = []
    for rank, event in enumerate(EVENTS):
        bad, good = failing.touched[event].sum(axis=0), holding.touched[event].sum(axis=0)
        for node in np.flatnonzero(bad >= RECALL * len(failing)).tolist():
            suspect = Suspect(
                node=node,
                event=event,
                failing=int(bad[node]),
                holding=int(good[node]),
                row=int(failing.touched[event][:, node].argmax()),
            )
            found.append((suspect.holding / max(1, len(holding)), rank, suspect))
    if not found:
        return None
    share, _, suspect = min(found, key=lambda entry: (entry[0], entry[1]))
    return suspect if share <= CUT else None
