"""Requests of one turn share a run, in their order; one that fails spoils no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnxport.serving.engine import GraphFailed
from onnxport.serving.features import Table
from onnxport.serving.joining import MOST_JOINED, Joiner

if TYPE_CHECKING:
    from collections.abc import Callable

    from onnxport.serving.answers import Answer

BAD = -1.0


class Turn:
    """A turn of the loop that ends when the test says so."""

    def __init__(self) -> None:
        self.due: list[Callable[[], None]] = []

    def at_end(self, work: Callable[[], None]) -> None:
        self.due.append(work)

    def end(self) -> None:
        due, self.due = self.due, []
        for work in due:
            work()


class Doubling:
    """A graph that doubles its rows, and fails on a row that is bad."""

    def __init__(self) -> None:
        self.runs: list[int] = []

    def __call__(self, tensors: dict[str, Any]) -> dict[str, Any]:
        matrix = tensors["features"]
        self.runs.append(len(matrix))
        if (matrix == BAD).any():
            raise GraphFailed("a bad row")
        return {"prediction": matrix[:, 0] * 2}


def answers(*requests: list[float]) -> tuple[list[Any], list[int]]:
    """What each request is answered with, in one turn, and how many rows each run had."""
    engine, turn = Doubling(), Turn()
    joiner = Joiner(engine, turn)  # type: ignore[arg-type]
    found: list[Any] = []

    def done(answer: Answer | GraphFailed) -> None:
        failed = isinstance(answer, GraphFailed)
        found.append(answer.message if failed else answer.array("prediction", "float32").tolist())

    for rows in requests:
        matrix = np.array(rows, dtype=np.float32).reshape(-1, 1)
        joiner.submit(Table(len(rows), {"features": matrix}), done)
    assert len(turn.due) == (1 if requests else 0)
    turn.end()
    return found, engine.runs


def test_all_of_a_turn_are_one_run_and_each_gets_its_own() -> None:
    assert answers([1.0], [2.0, 3.0], [4.0]) == ([[2.0], [4.0, 6.0], [8.0]], [4])


def test_a_run_has_no_more_rows_than_the_buffers_and_no_request_is_cut() -> None:
    half = [1.0] * (MOST_JOINED // 2)
    found, runs = answers(half, half, half, [1.0] * (MOST_JOINED + 1), [1.0])
    assert runs == [MOST_JOINED, MOST_JOINED // 2, MOST_JOINED + 1, 1]
    assert [len(one) for one in found] == [len(half)] * 3 + [MOST_JOINED + 1, 1]


def test_a_request_on_which_the_graph_fails_fails_alone() -> None:
    found, runs = answers([1.0], [BAD], [3.0])
    assert found == [[2.0], "a bad row", [6.0]]
    assert runs == [3, 1, 1, 1]
    assert answers([BAD])[0] == ["a bad row"]
