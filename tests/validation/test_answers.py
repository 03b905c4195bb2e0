"""Asking one side: refused rows are found among the others."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnxport.artifacts import Outputs, Rows
from onnxport.validation.answers import MAX_CALLS, ask
from onnxport.validation.host import GraphAborted


class Picky:
    """Doubles its rows, and raises for batches that hold a negative one."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, rows: Rows, /) -> Outputs:
        self.calls += 1
        values = rows.columns["a"]
        if (values < 0).any():
            raise ValueError(f"cannot take {values[values < 0][0]}")
        return {"prediction": 2 * values}


@given(st.lists(st.integers(-3, 3), max_size=40))
def test_exactly_the_bad_rows_are_refused(values: list[int]) -> None:
    column = np.array(values, dtype=np.int64)
    answers = ask(Picky(), Rows(columns={"a": column}))
    assert answers.accepted.tolist() == [value >= 0 for value in values]
    assert set(answers.reasons) == {row for row, value in enumerate(values) if value < 0}
    if answers.accepted.any():
        assert answers.outputs["prediction"].tolist() == [2 * value for value in values if value >= 0]


def test_a_good_batch_costs_one_call() -> None:
    picky = Picky()
    ask(picky, Rows(columns={"a": np.arange(1000)}))
    assert picky.calls == 1


def test_one_bad_row_among_many_costs_a_few_calls() -> None:
    picky = Picky()
    column = np.arange(1024)
    column[700] = -1
    answers = ask(picky, Rows(columns={"a": column}))
    assert list(answers.reasons) == [700]
    assert answers.reasons[700] == "ValueError: cannot take -1"
    assert picky.calls < 30


def test_a_source_that_always_raises_is_not_asked_for_ever() -> None:
    picky = Picky()
    answers = ask(picky, Rows(columns={"a": np.full(20_000, -1)}))
    assert not answers.accepted.any()
    assert picky.calls <= MAX_CALLS + 32


def test_rows_that_take_the_runtime_down_are_told_apart() -> None:
    def deadly(rows: Rows, /) -> Outputs:
        if (rows.columns["a"] == 5).any():
            raise GraphAborted("the runtime aborted (signal 6)")
        return {"prediction": rows.columns["a"]}

    answers = ask(deadly, Rows(columns={"a": np.arange(8)}))
    assert answers.aborted == (5,)
    assert answers.accepted.tolist() == [row != 5 for row in range(8)]


@pytest.mark.parametrize("shape", [(1,), (3, 2), ()])
def test_an_answer_with_another_number_of_rows_is_a_refusal(shape: tuple[int, ...]) -> None:
    answers = ask(lambda _rows: {"prediction": np.zeros(shape)}, Rows(columns={"a": np.arange(2)}))
    assert not answers.accepted.any() or shape == (1,)
    assert shape == (1,) or "has shape" in answers.reasons[0]


def test_no_rows_need_no_call() -> None:
    picky = Picky()
    assert len(ask(picky, Rows(columns={"a": np.arange(0)})).accepted) == 0
    assert picky.calls == 0
