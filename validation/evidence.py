"""What a check keeps of the rows that it saw: the worst, some that failed, some that held, and what to plot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from onnxport.artifacts import Distribution, Rows, WorstRow, concatenate

from .answers import join
from .compare import differences
from .questions import Batch, comparable
from .records import outputs_at, record

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnxport.artifacts import Outputs, OutputTensor

    Mask = NDArray[np.bool_]
    Numbers = NDArray[np.float64]

WORST_ROWS: Final = 20
KEPT: Final = 600
"""Failing rows, and rows that held, that an explanation looks at."""
KEPT_OF_A_KIND: Final = 200
PAIRS: Final = 1_500
"""Pairs of values that a plot shows of each output column."""
MOST_COLUMNS: Final = 8
EDGES: Final = tuple(float(edge) for edge in range(-18, 13))


@dataclass(slots=True)
class Kept:
    """Rows with both answers.

    Attributes:
        kinds: Kind of probe, a row each.
        rows: The rows.
        source: The source's outputs.
        onnx: The graph's outputs.
    """

    kinds: list[str]
    rows: Rows
    source: Outputs
    onnx: Outputs

    def __len__(self) -> int:
        return len(self.kinds)

    def take(self, wanted: Mask) -> Kept:
        """The `wanted` rows, `(n,)`."""
        indices = np.flatnonzero(wanted)
        return Kept(
            kinds=[self.kinds[index] for index in indices.tolist()],
            rows=self.rows.take(indices),
            source={name: values[indices] for name, values in self.source.items()},
            onnx={name: values[indices] for name, values in self.onnx.items()},
        )


class Keeper:
    """Keeps the first rows of each kind, up to `KEPT` in all."""

    def __init__(self) -> None:
        self._batches: list[Batch] = []
        self._counts: dict[str, int] = {}

    def add(self, batch: Batch, wanted: Mask) -> None:
        """The first of the `wanted` rows are kept while there is room for their kind."""
        room = min(KEPT_OF_A_KIND - self._counts.get(batch.kind, 0), KEPT - sum(self._counts.values()))
        indices = np.flatnonzero(wanted)[: max(0, room)]
        if len(indices):
            self._counts[batch.kind] = self._counts.get(batch.kind, 0) + len(indices)
            self._batches.append(pick(batch, indices))

    def kept(self) -> Kept | None:
        """All that was kept, or `None` when that is nothing."""
        if not self._batches:
            return None
        return Kept(
            kinds=[batch.kind for batch in self._batches for _ in range(len(batch.rows))],
            rows=concatenate([batch.rows for batch in self._batches]),
            source=join([batch.source for batch in self._batches]),
            onnx=join([batch.onnx for batch in self._batches]),
        )


def pick(batch: Batch, indices: NDArray[np.intp]) -> Batch:
    """The rows `indices` of `batch`."""
    return Batch(
        kind=batch.kind,
        rows=batch.rows.take(indices),
        source={name: values[indices] for name, values in batch.source.items()},
        onnx={name: values[indices] for name, values in batch.onnx.items()},
    )


class WorstRows:
    """The failing rows that are furthest off, the furthest first."""

    def __init__(self) -> None:
        self._rows: list[WorstRow] = []

    def add(self, batch: Batch, failed: Mask, off: Numbers) -> None:
        """The failing rows of the batch compete; `off` is the largest difference of each row, `(n,)`."""
        candidates = np.flatnonzero(failed)
        candidates = candidates[np.argsort(-off[candidates], kind="stable")][:WORST_ROWS]
        self._rows += [
            WorstRow(
                probe=batch.kind,
                record=record(batch.rows, index),
                source=outputs_at(batch.source, index),
                onnx=outputs_at(batch.onnx, index),
                difference=float(off[index]),
            )
            for index in candidates.tolist()
        ]
        self._rows = sorted(self._rows, key=lambda row: -row.difference)[:WORST_ROWS]

    def rows(self) -> tuple[WorstRow, ...]:
        """At most 20 of them."""
        return tuple(self._rows)


class Spread:
    """Histogram of the differences of one output column, and a uniform sample of its values."""

    def __init__(self, name: str, generator: np.random.Generator) -> None:
        self._name = name
        self._generator = generator
        self._counts = np.zeros(len(EDGES) - 1, dtype=np.int64)
        self._equal = 0
        self._keys = np.empty(0)
        self._pairs = np.empty((0, 2))

    def add(self, source: NDArray[Any], onnx: NDArray[Any]) -> None:
        """Values of shape `(n,)` each are counted; those off by most are always kept for the plot."""
        off = differences(source, onnx)
        self._equal += int((off == 0).sum())
        with np.errstate(divide="ignore"):
            logs = np.clip(np.log10(off[off > 0]), EDGES[0], EDGES[-1] - 1e-9)
        self._counts += np.histogram(logs, bins=EDGES)[0]
        pairs = np.stack([source.astype(np.float64), onnx.astype(np.float64)], axis=1)
        finite = np.isfinite(pairs).all(axis=1)
        keys = self._generator.random(len(pairs))
        if len(off):
            keys[np.argsort(-off, kind="stable")[:5]] = 0.0
        self._keys = np.concatenate([self._keys, keys[finite]])
        self._pairs = np.concatenate([self._pairs, pairs[finite]])
        first = np.argsort(self._keys, kind="stable")[:PAIRS]
        self._keys, self._pairs = self._keys[first], self._pairs[first]

    def distribution(self) -> Distribution:
        """What there is to plot."""
        return Distribution(
            output=self._name,
            source=tuple(self._pairs[:, 0].tolist()),
            onnx=tuple(self._pairs[:, 1].tolist()),
            edges=EDGES,
            counts=tuple(self._counts.tolist()),
            equal=self._equal,
        )


class Spreads:
    """A `Spread` for each of the first columns of every score."""

    def __init__(self, outputs: tuple[OutputTensor, ...], seed: int) -> None:
        self._outputs = outputs
        self._generator = np.random.default_rng(seed)
        self._spreads: dict[str, Spread] = {}

    def add(self, batch: Batch) -> None:
        """The scores of the batch are counted."""
        for output in self._outputs:
            if comparable(output, batch):
                self._columns(output.name, batch.source[output.name], batch.onnx[output.name])

    def _columns(self, name: str, source: NDArray[Any], onnx: NDArray[Any]) -> None:
        if source.ndim == 1:
            self._one(name, source, onnx)
            return
        for column in range(min(source.shape[1], MOST_COLUMNS)):
            self._one(f"{name}[{column}]", source[:, column], onnx[:, column])

    def _one(self, name: str, source: NDArray[Any], onnx: NDArray[Any]) -> None:
        if name not in self._spreads:
            self._spreads[name] = Spread(name, self._generator)
        self._spreads[name].add(source, onnx)

    def distributions(self) -> tuple[Distribution, ...]:
        """All of them, in the order of the outputs."""
        return tuple(spread.distribution() for spread in self._spreads.values())
