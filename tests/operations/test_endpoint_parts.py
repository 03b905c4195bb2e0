"""Schedules, traffic, quiet hours: the arithmetic of plans."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnxport.artifacts import UsageError
from onnxport.operations.autoscale import describe, effect, limits, setting
from onnxport.operations.plan import without
from onnxport.operations.wanted import Autoscale, Schedule
from onnxport.operations.warm import Budget


def scaled(**schedule: Any) -> dict[str, Any]:
    nights = Schedule.model_validate({"name": "nights", "start": "20:00", "end": "06:00", "min": 1} | schedule)
    return setting(Autoscale(min=2, max=4, schedules=(nights,)), "/the/deployment", "eastus")


def when(profile: dict[str, Any]) -> tuple[list[str], int, int]:
    schedule = profile["recurrence"]["schedule"]
    return schedule["days"], schedule["hours"][0], schedule["minutes"][0]


def test_a_schedule_over_midnight_ends_on_the_next_day() -> None:
    begins, ends, always = scaled(days=("Friday", "Sunday"))["properties"]["profiles"]
    assert when(begins) == (["Friday", "Sunday"], 20, 0)
    assert when(ends) == (["Saturday", "Monday"], 6, 0)
    assert (begins["capacity"]["maximum"], ends["capacity"]["maximum"]) == ("1", "4")
    assert "recurrence" not in always


def test_a_schedule_within_a_day_ends_on_that_day() -> None:
    _, ends, _ = scaled(days=("Friday",), start="08:30", end="18:15")["properties"]["profiles"]
    assert when(ends) == (["Friday"], 18, 15)


def test_a_setting_does_the_same_whatever_azure_adds_to_it() -> None:
    made = scaled()
    answered = scaled()
    answered |= {"id": "/somewhere", "tags": {"a": "b"}}
    answered["properties"] |= {"name": "x", "notifications": [], "targetResourceLocation": "eastus"}
    ends = answered["properties"]["profiles"][1]
    ends["name"] = '{"for": "nights", "name": "default"}'
    assert effect(answered) == effect(made)
    assert effect(scaled(end="07:00")) != effect(made)
    assert limits(made) == (1, 4)
    assert describe(made) == "autoscale 2..4, 1 nights from 20:00"


@given(shares=st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 100), max_size=6))
def test_traffic_without_a_deployment_is_shared_by_the_others_or_by_nobody(shares: dict[str, int]) -> None:
    traffic = shares | {"gone": 20}
    found = without(traffic, "gone")
    assert found["gone"] == 0
    assert sum(found.values()) == (100 if any(shares.values()) else 0)
    assert all(bool(found.get(name, 0)) <= bool(share) for name, share in shares.items())


@pytest.mark.parametrize(
    ("quiet", "at", "expected"),
    [
        ("22:00-06:00", "23:59", True),
        ("22:00-06:00", "05:59", True),
        ("22:00-06:00", "06:00", False),
        ("22:00-06:00", "21:59", False),
        ("12:00-13:00", "12:30", True),
        ("12:00-13:00", "13:00", False),
        ("", "03:00", False),
    ],
)
def test_quiet_hours_may_go_over_midnight(quiet: str, at: str, expected: bool) -> None:
    now = datetime.fromisoformat(f"2026-01-01T{at}:00+00:00")
    assert Budget(requests=1, every_seconds=0, quiet=quiet).is_quiet(now) is expected


@pytest.mark.parametrize(
    "wrong",
    [
        {"requests": 0},
        {"requests": 10_001},
        {"every_seconds": -1.0},
        {"every_seconds": float("nan")},
        {"every_seconds": float("inf")},
        {"timeout_seconds": 0.0},
        {"quiet": "22-6"},
    ],
    ids=str,
)
def test_a_budget_without_bounds_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Budget(**{"requests": 1, "every_seconds": 1.0, **wrong})
