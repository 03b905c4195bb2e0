"""Alone or in a batch, in any order of columns, or no rows at all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnxport.artifacts import Outputs, Rows
from onnxport.validation import DEFAULT, GraphAborted, GraphRefused, LocalGraph
from onnxport.validation.structure import structure_verdicts


def failing(graph: Any, case: Any) -> set[str]:
    return {
        verdict.name
        for _, _, verdict in structure_verdicts(graph, case.sample, case.signature, DEFAULT)
        if not verdict.passed
    }


def test_a_good_graph_passes_all(scaled: Any) -> None:
    graph = LocalGraph(scaled.artifact().model, scaled.signature)
    found = list(structure_verdicts(graph, scaled.sample, scaled.signature, DEFAULT))
    assert all(verdict.passed for _, _, verdict in found)
    assert {kind: rows for kind, rows, _ in found} == {
        "alone": 64,
        "batch-10001": 10_001,
        "columns-reversed": 256,
        "empty-batch": 0,
    }


class Wrapped:
    """A good graph, changed for some batches."""

    def __init__(self, case: Any) -> None:
        self.good = LocalGraph(case.artifact().model, case.signature)
        self.names = case.names

    def __call__(self, rows: Rows, /) -> Outputs:
        return self.changed(rows, self.good(rows))

    def changed(self, _rows: Rows, outputs: Outputs) -> Outputs:
        return outputs


class OnlySmall(Wrapped):
    def changed(self, rows: Rows, outputs: Outputs) -> Outputs:
        if len(rows) > 10_000:
            outputs["prediction"] = outputs["prediction"] + 1
        return outputs


class ByPosition(Wrapped):
    def __call__(self, rows: Rows, /) -> Outputs:
        return self.good(Rows(columns=dict(zip(self.names, rows.columns.values(), strict=True))))


class AbortsOnNothing(Wrapped):
    def changed(self, rows: Rows, outputs: Outputs) -> Outputs:
        if not len(rows):
            raise GraphAborted("the runtime aborted (signal 6)")
        return outputs


class RefusesNothing(Wrapped):
    def changed(self, rows: Rows, outputs: Outputs) -> Outputs:
        if not len(rows):
            raise GraphRefused("no rows")
        return outputs


class InventsRows(Wrapped):
    def changed(self, rows: Rows, outputs: Outputs) -> Outputs:
        return outputs if len(rows) else {"prediction": np.zeros(1, np.float32)}


class RefusesPairs(Wrapped):
    def changed(self, rows: Rows, outputs: Outputs) -> Outputs:
        if len(rows) == 2:
            raise GraphRefused("two rows")
        return outputs


@pytest.mark.parametrize(
    ("graph", "verdict"),
    [
        (OnlySmall, "large batch"),
        (ByPosition, "column order"),
        (AbortsOnNothing, "empty batch"),
        (RefusesNothing, "empty batch"),
        (InventsRows, "empty batch"),
        (RefusesPairs, "row independence"),
    ],
)
def test_a_graph_that_depends_on_its_batch_fails(graph: type[Wrapped], verdict: str, regression: Any) -> None:
    assert failing(graph(regression), regression) == {verdict}
