"""What has arrived in this turn of the event loop goes through the graph in one run; nobody waits for others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from .answers import ONNX, Answer
from .engine import MOST_BOUND, GraphFailed
from .outputs import Rendered

if TYPE_CHECKING:
    from collections.abc import Callable

    from .engine import Engine
    from .features import Table
    from .wire import Turn

    Done = Callable[[Answer | GraphFailed], None]

MOST_JOINED: Final = MOST_BOUND


class Joiner:
    """Joins the rows of several requests for one graph."""

    def __init__(self, engine: Engine, turn: Turn) -> None:
        self._engine = engine
        self._turn = turn
        self._pending: list[tuple[Table, Done]] = []

    def submit(self, table: Table, done: Done) -> None:
        """`done` is called with the answer to `table` at the end of this turn."""
        self._pending.append((table, done))
        if len(self._pending) == 1:
            self._turn.at_end(self._run)

    def _run(self) -> None:
        pending, self._pending = self._pending, []
        group: list[tuple[Table, Done]] = []
        rows = 0
        for entry in pending:
            if group and rows + entry[0].rows > MOST_JOINED:
                self._run_group(group)
                group, rows = [], 0
            group.append(entry)
            rows += entry[0].rows
        self._run_group(group)

    def _run_group(self, group: list[tuple[Table, Done]]) -> None:
        try:
            rendered = Rendered(self._engine(_joined(group)))
        except GraphFailed as error:
            if len(group) == 1:
                group[0][1](error)
                return
            for entry in group:  # one that fails spoils no other
                self._run_group([entry])
            return
        start = 0
        for table, done in group:
            done(Answer(rendered, start, start + table.rows, ONNX))
            start += table.rows


def _joined(group: list[tuple[Table, Done]]) -> dict[str, np.ndarray]:
    first = group[0][0].tensors
    if len(group) == 1:
        return first
    return {name: np.concatenate([table.tensors[name] for table, _ in group]) for name in first}
