"""What a row costs, measured in a fresh process."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnxport.artifacts import UsageError
from onnxport.validation import GraphUnloadable, measure

from tests.validation import models


def test_a_budget_has_plausible_numbers(regression: Any) -> None:
    artifact = regression.artifact()
    budget = measure(artifact.model, artifact.conversion, regression.sample)
    assert 0 < budget.p50_us <= budget.p95_us < 1e6
    assert 0 < budget.load_ms < 1e5
    assert 0 <= budget.rss_mb < 1_000
    assert budget.bytes == len(artifact.model)


def test_a_larger_graph_costs_more(regression: Any) -> None:
    large = models.regression_case(1, trees=300, depth=6, rows=200)
    small, big = (
        measure(case.artifact().model, case.artifact().conversion, case.sample) for case in (regression, large)
    )
    assert big.bytes > 100 * small.bytes
    assert big.load_ms > small.load_ms


def test_one_row_is_enough(regression: Any) -> None:
    artifact = regression.artifact()
    assert measure(artifact.model, artifact.conversion, regression.sample.take(slice(0, 1))).p50_us > 0


def test_no_rows_cannot_be_measured(regression: Any) -> None:
    artifact = regression.artifact()
    with pytest.raises(UsageError, match="no rows"):
        measure(artifact.model, artifact.conversion, regression.sample.take(slice(0, 0)))


def test_a_graph_that_does_not_load_is_an_error(regression: Any) -> None:
    with pytest.raises(GraphUnloadable):
        measure(b"no graph", regression.artifact().conversion, regression.sample)


def test_strings_can_be_measured(categories: Any) -> None:
    artifact = categories.artifact()
    assert np.isfinite(measure(artifact.model, artifact.conversion, categories.sample).p95_us)
