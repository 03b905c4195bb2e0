"""Some rows of a stream, as good as any: what probes are placed into."""

from __future__ import annotations

import numpy as np
from onnxport.artifacts import Rows, concatenate


class Reservoir:
    """A uniform sample of a stream of rows; all of them while there are few.

    Law: the same stream and seed give the same rows, whatever the sizes of its parts.
    """

    def __init__(self, size: int, seed: int) -> None:
        """Nothing is in it yet; `size` rows fit."""
        self._size = size
        self._generator = np.random.default_rng(seed)
        self._keys = np.empty(0)
        self._rows: Rows | None = None

    def add(self, rows: Rows) -> None:
        """Each of `rows` has the chance of every row before it."""
        keys = np.concatenate([self._keys, self._generator.random(len(rows))])
        joined = rows if self._rows is None else concatenate([self._rows, rows])
        if len(keys) > self._size:
            kept = np.sort(np.argpartition(keys, self._size)[: self._size])
            keys, joined = keys[kept], joined.take(kept)
        self._keys, self._rows = keys, joined

    def rows(self) -> Rows | None:
        """The rows in the order in which they came, or `None` when there were none."""
        return self._rows if len(self._keys) else None
