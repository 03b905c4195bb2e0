"""Budgets: a graph that costs more than it may is not published."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from onnxport.artifacts import Budget, OverBudget
from onnxport.pipelines.limits import Limits, require_within

if TYPE_CHECKING:
    from collections.abc import Callable

BUDGET = Budget(p50_us=20, p95_us=30, load_ms=5, rss_mb=10, bytes=4000)


def test_what_is_within_its_limits_passes() -> None:
    require_within(BUDGET, Limits(p95_us=30, load_ms=5, rss_mb=10, bytes=4000), "model")
    require_within(BUDGET, Limits(), "model")


@pytest.mark.parametrize("limit", [{"p95_us": 29.9}, {"load_ms": 4.9}, {"rss_mb": 9.9}, {"bytes": 3999}])
def test_each_figure_beyond_its_limit_is_named(limit: dict[str, Any]) -> None:
    with pytest.raises(OverBudget) as raised:
        require_within(BUDGET, Limits(**limit), "model")
    assert next(iter(limit)) in raised.value.message


def test_nothing_is_published_beyond_the_budget(legacy: Any, onnxport: Callable[..., Any]) -> None:
    arguments = [
        "export",
        legacy.booster,
        "--name",
        "risk",
        "--sample",
        legacy.sample,
        "--store",
        "store",
        "--json",
    ]
    done = onnxport(*arguments, "--max-bytes", "1000")
    assert done.code == 9
    assert "bytes" in done.document["error"]["message"]
    assert not Path("store").exists()
    within = onnxport(*arguments, "--max-bytes", "100000000")
    assert within.code == 0, within.err
    budget = onnxport("show", "risk", "--store", "store", "--json").document["budget"]
    assert budget["bytes"] == Path("store/risk/objects", within.document["digest"]).stat().st_size
    assert 0 < budget["p50_us"] <= budget["p95_us"]
