"""`endpoint warm` asks as often as it may, never in quiet hours, and says that this saves nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from onnxport.artifacts import Silent
from onnxport.operations.azure import Azure
from onnxport.operations.warm import Budget, Clock, Ping, warm

from tests.azureml.resources import GROUP, SUBSCRIPTION, WORKSPACE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.azureml.endpoints import Endpoints

WHERE = ["--subscription", SUBSCRIPTION, "--resource-group", GROUP, "--workspace", WORKSPACE]


@pytest.fixture
def stands(azure: Any) -> Endpoints:
    found: Endpoints = azure.ml.endpoints
    found.online("win", traffic={"blue": 100})
    found.deploy("win", "blue")
    return found


@pytest.fixture
def ask(onnxport: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    (tmp_path / "work" / "row.json").write_text('{"data": [[1]]}')
    return lambda *rest: onnxport(
        "endpoint", "warm", *WHERE, "--request", "row.json", "--every", 0, *rest, "--json"
    )


def test_it_sends_as_many_requests_as_it_may_and_says_that_they_save_nothing(
    stands: Endpoints, ask: Callable[..., Any]
) -> None:
    done = ask("win", "--requests", 3, "--deployment", "blue")
    assert done.code == 0, done.err
    assert stands.scored == [("blue", {"data": [[1]]})] * 3
    assert (done.document["sent"], done.document["answered"], done.document["saves"]) == (3, 3, None)
    assert "saves nothing" in done.document["note"]


def test_a_fresh_process_leaves_no_deployment_in_the_header(stands: Endpoints, ask: Callable[..., Any]) -> None:
    ask("win", "--requests", 1, "--deployment", "blue")
    ask("win", "--requests", 1)
    assert [deployment for deployment, _ in stands.scored] == ["blue", ""]


def test_requests_that_fail_are_counted_and_nothing_but_failures_exits_6(
    stands: Endpoints, ask: Callable[..., Any]
) -> None:
    stands.status = 503
    done = ask("win", "--requests", 2)
    assert done.code == 6
    assert (done.document["failed"], done.document["answered"]) == ({"503": 2}, 0)


def test_on_kubernetes_it_says_what_it_costs(azure: Any, ask: Callable[..., Any]) -> None:
    azure.ml.endpoints.online("edge", traffic={"a": 100}, compute="/computes/aks")
    azure.ml.endpoints.deploy("edge", "a")
    assert "the nodes are paid for" in ask("edge", "--requests", 1).document["note"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "there are: win"),
        (["win", "--deployment", "green"], "it has: blue"),
        (["win", "--requests", 0], "between 1 and"),
        (["win", "--quiet", "night"], "are no hours"),
        (["win", "--request", "nowhere.json"], "holds no JSON request"),
    ],
)
def test_a_wrong_call_exits_2_and_asks_nobody(
    stands: Endpoints, ask: Callable[..., Any], arguments: list[str], said: str
) -> None:
    done = ask(*arguments)
    assert done.code == 2
    assert said in done.document["error"]["message"]
    assert stands.scored == []


def test_nobody_is_asked_in_quiet_hours_and_the_pace_is_kept(stands: Endpoints, access: Any) -> None:
    """Every half hour from 21:00 until 23:30: those from 22:00 on are not sent, and not made up for."""
    passed = [0.0]
    begin = datetime.fromisoformat("2026-01-01T21:00:00+00:00")

    def sleep(seconds: float) -> None:
        passed[0] += seconds

    clock = Clock(now=lambda: begin + timedelta(seconds=passed[0]), seconds=lambda: passed[0], sleep=sleep)
    budget = Budget(requests=6, every_seconds=1_800, quiet="22:00-06:00")
    found = warm(Ping(endpoint="win", body=b"{}"), budget, azure=Azure(access), clock=clock, progress=Silent())
    assert (len(found.answered), found.quiet, len(stands.scored)) == (2, 4, 2)
    assert passed[0] == 5 * 1_800
