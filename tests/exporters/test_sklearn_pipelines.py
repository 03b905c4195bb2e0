"""Pipelines answer the same from their graphs: no row out of tolerance, no label flipped."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import pytest
from sklearn_data import TRAINED, frame
from sklearn_parity import compare
from sklearn_wholes import cases

if TYPE_CHECKING:
    import pandas as pd

CASES = cases()


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    return frame()


def test_there_are_at_least_120_pipelines() -> None:
    assert len(CASES) >= 120


@pytest.mark.parametrize("name", CASES)
def test_the_graph_answers_as_the_pipeline_does(name: str, data: pd.DataFrame) -> None:
    model, columns, target = CASES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(data[columns][:TRAINED], data[target][:TRAINED])
        compared = compare(model, data[columns][:TRAINED], data[columns][TRAINED:])
    assert compared.rows >= 2_000
    assert compared.wrong == 0, compared
