"""Probes at every split of every tree: real rows that reach the node, one step before and after its boundary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import onnx
from onnxport.artifacts import OnnxportError, Rows, concatenate

from .forest import Forest, read_forests
from .placement import Placement
from .prefix import cut
from .preimages import CHUNK, Places, Preimages, fingerprints
from .special import Probe, shuffled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from onnxport.artifacts import OnnxArtifact, Predict

    from .session import GraphProcess

    Integers = NDArray[np.int64]

KIND: Final = "threshold"
AROUND: Final = 3
"""Rows at each boundary at most: the last value before it, the first after it; where a threshold comes first, one
more on the side of its level."""
POOL: Final = 2_000
"""Real rows that nodes are reached with, and as many with shuffled columns."""
POOL_TREES: Final = 4_000_000
"""Real rows times trees, at most."""


def threshold_probes(
    artifact: OnnxArtifact, graph: GraphProcess, base: Rows, generator: np.random.Generator, *, limit: int
) -> Iterator[Probe]:
    """Rows around the boundary of every tree node of the graph, `limit` of them at most.

    Every distinct threshold comes first; what is left of the limit goes to further nodes with the same thresholds.

    Args:
        artifact: The graph's bytes and signature.
        graph: The graph, running.
        base: Real rows that the graph answers, at least one.
        generator: Picks rows where any will do.
        limit: How many rows at most.
    """
    signature = artifact.conversion.signature
    proto = onnx.load_from_string(artifact.model)
    forests = read_forests(proto)
    if not forests:
        return
    tensors = list(dict.fromkeys(forest.tensor for forest in forests))
    trees = sum(len(forest.roots) for forest in forests)
    some = base.take(slice(0, max(1, min(POOL, POOL_TREES // trees))))
    pool = concatenate([some, shuffled(some, len(some), generator)])
    try:
        with graph.beside(cut(proto, tensors)) as prefix:
            placement = Placement(prefix, pool, signature, tensors)
            yield from _around(prefix, placement, forests, generator, most=limit // AROUND)
    except OnnxportError as error:
        yield Probe(kind=KIND, rows=base.take(slice(0, 0)), note=f"split thresholds could not be traced: {error}")


def _around(
    prefix: Predict, placement: Placement, forests: Sequence[Forest], generator: np.random.Generator, *, most: int
) -> Iterator[Probe]:
    every = _joined([placement.splits(forest, generator) for forest in forests])
    order, distinct, asker = _by_rarity(every, generator)
    places = every.take(order[:most])
    asked = len(places)
    last, found = placement.boundaries(places) if asked else (np.empty(0, np.int64), np.empty(0, np.bool_))
    probed = int(found[asker[asker < asked]].sum())
    total = sum(len(forest.ordered) for forest in forests)
    note = _coverage(total, total - len(every), probed, int((asker >= asked).sum()))
    yield Probe(kind=KIND, rows=placement.pool.take(slice(0, 0)), note=note)
    preimages = Preimages(prefix, placement.pool)
    first = np.arange(asked) < distinct
    for start in range(0, asked, CHUNK // AROUND):
        here = np.arange(start, min(start + CHUNK // AROUND, asked))
        here = here[found[here]]
        beyond = here[first[here]]
        third = np.where(places.above[beyond], last[beyond] + 2, last[beyond] - 1)
        if len(here):
            around = [preimages.placed(places.take(here), last[here] + step) for step in (0, 1)]
            rows = concatenate([*around, preimages.placed(places.take(beyond), third)])
            yield Probe(kind=KIND, rows=rows)


def _joined(parts: Sequence[Places]) -> Places:
    names = ("row", "column", "tensor", "target", "level", "above")
    return Places(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def _by_rarity(places: Places, generator: np.random.Generator) -> tuple[NDArray[np.intp], int, NDArray[np.intp]]:
    """Distinct places, shuffled: one of each threshold of each column first, and how many those are.

    The last value says for each place where in that order it is asked, itself or one that is the same.
    """
    threshold = fingerprints(places.tensor, places.target, places.level, places.above)
    _, distinct, back = np.unique(fingerprints(threshold, places.row), return_index=True, return_inverse=True)
    mixed = generator.permutation(distinct)
    _, first = np.unique(threshold[mixed], return_index=True)
    rest = np.setdiff1d(np.arange(len(mixed)), first)
    order = np.concatenate([mixed[np.sort(first)], mixed[rest]])
    asked_at = np.empty(len(places), dtype=np.intp)
    asked_at[order] = np.arange(len(order))
    return order, len(first), asked_at[distinct[back]]


def _coverage(total: int, categorical: int, probed: int, beyond: int) -> str:
    """What a reader should know about splits that were not probed; empty when all were."""
    unreachable = total - categorical - probed - beyond
    parts = [
        f"{count:,} {why}"
        for count, why in (
            (categorical, "are moved by categories alone, which are all asked"),
            (unreachable, "cannot be crossed by any value of their column"),
            (beyond, "are beyond the limit of rows"),
        )
        if count
    ]
    return (
        f"{probed:,} of the graph's {total:,} splits were probed at their boundary; {', '.join(parts)}"
        if parts
        else ""
    )
