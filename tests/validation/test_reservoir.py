"""Probes are placed into rows of the whole stream, not of its beginning."""

from __future__ import annotations

import numpy as np
from onnxport.artifacts import Rows
from onnxport.validation.reservoir import Reservoir


def kept(parts: list[range], size: int = 100, seed: int = 0) -> list[int]:
    reservoir = Reservoir(size, seed)
    for part in parts:
        reservoir.add(Rows(columns={"n": np.array(part, dtype=np.int64)}))
    rows = reservoir.rows()
    return [] if rows is None else rows.columns["n"].tolist()


def test_few_rows_are_all_kept_in_order() -> None:
    assert kept([range(40), range(40, 100)]) == list(range(100))


def test_no_rows_are_nothing() -> None:
    assert kept([]) == []
    assert kept([range(0)]) == []


def test_the_sizes_of_the_parts_do_not_matter() -> None:
    assert kept([range(5_000)]) == kept([range(start, start + 50) for start in range(0, 5_000, 50)])


def test_every_part_of_the_stream_has_its_share() -> None:
    rows = kept([range(start, start + 1_000) for start in range(0, 10_000, 1_000)], size=1_000)
    shares = np.histogram(rows, bins=np.arange(0, 10_001, 1_000))[0]
    assert len(rows) == 1_000
    assert shares.min() > 60


def test_another_seed_keeps_other_rows() -> None:
    assert kept([range(5_000)], seed=1) != kept([range(5_000)], seed=2)
