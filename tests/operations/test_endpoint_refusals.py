"""`endpoint plan` and `apply` refuse what makes no sense, what cannot be done, and half an answer."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from tests.operations.conftest import PRICES, WHERE, free_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.azureml.endpoints import Endpoints

NIGHTS = {"name": "nights", "start": "20:00", "end": "06:00", "min": 1}


def test_nothing_is_done_without_consent_nor_where_something_cannot_be_done(
    stands: Endpoints, endpoint: Callable[..., Any], onnxport: Callable[..., Any], configure: Callable[..., None]
) -> None:
    before = deepcopy(stands.documents)
    unasked = endpoint("apply", "--scale-to-zero", "cpu")
    assert unasked.code == 2
    assert "--yes" in unasked.document["error"]["hint"]
    assert onnxport("endpoint", "apply", *WHERE, "--scale-to-zero", "cpu").code == 2
    configure(
        {
            "online": {"nowhere": {"blue": {"instances": 1}}, "win": {"gone": {"instances": 1}}},
            "batch": {"nightly": {"default": {"compute": "nowhere"}, "other": {"compute": "cpu"}}},
            "computes": {"cpu": {"tier": "low_priority"}, "fresh": {"max_instances": 2}},
        }
    )
    planned = endpoint("plan").document
    assert len(planned["blocked"]) == 6
    blocked = endpoint("apply", "--yes", "--instances", "risk/only=1")
    assert blocked.code == 2
    for reason in ("no online endpoint nowhere", "no specification of it", "no such cluster", "changes neither",
                   "no batch deployment nightly/other", "size and max_instances"):  # fmt: skip
        assert reason in blocked.document["error"]["message"]
    assert stands.documents == before


def test_figures_come_from_the_users_file_and_made_up_ones_are_marked(
    stands: Endpoints, configure: Callable[..., None], endpoint: Callable[..., Any], onnxport: Callable[..., Any]
) -> None:
    del stands
    configure({"prices": "prices.yaml", "computes": {"cpu": {}}, "online": {"risk": {"only": {"instances": 1}}}})
    cluster, instances = endpoint("plan").document["steps"]
    assert cluster["cost"]["before"] == {"low": 730.0, "high": 1_460.0}
    assert cluster["cost"]["saves"] == {"low": 0.0, "high": 730.0}
    assert instances["cost"] == {
        "currency": "EUR",
        "before": {"low": 1_095.0, "high": 1_095.0},
        "after": {"low": 365.0, "high": 365.0},
        "saves": {"low": 730.0, "high": 730.0},
    }
    shown = onnxport("endpoint", "plan", *WHERE)
    assert "saves a month: 730 EUR" in shown.out
    configure({"prices": "prices.yaml", "computes": {"cpu": {}}}, prices=PRICES | {"example": True})
    assert "(example prices)" in endpoint("plan").document["steps"][0]["saves"]
    configure({"prices": "prices.yaml", "computes": {"cpu": {}}}, prices=PRICES | {"hourly": {}})
    assert endpoint("plan").document["steps"][0]["saves"] == "no price known"


@pytest.mark.parametrize(
    ("prices", "said"),
    [
        ({"currency": "EUR"}, "source"),
        (PRICES | {"hourly": {"a": {"dedicated": -1}}}, "dedicated"),
        ([], "the file"),
    ],
)
def test_a_file_that_holds_no_prices_is_refused(
    stands: Endpoints, configure: Callable[..., None], endpoint: Callable[..., Any], prices: Any, said: str
) -> None:
    del stands
    configure({"prices": "prices.yaml"}, prices=prices)
    done = endpoint("plan")
    assert done.code == 2
    assert said in done.document["error"]["message"]


@pytest.mark.parametrize(
    ("path", "trouble"),
    [
        ("GET .*autoscalesettings", {"status": 403}),
        ("GET .*/onlineEndpoints$", {"status": 500}),
        ("GET .*/onlineEndpoints/win/deployments", {"status": 403}),
        ("GET .*/computes", {"status": 0}),
        ("GET .*/computes", {"status": 200, "body": b"<html>sign in</html>"}),
    ],
    ids=str,
)
def test_whatever_azure_answers_there_is_no_plan_from_half_of_it(
    stands: Endpoints,
    endpoint: Callable[..., Any],
    fault: Callable[..., None],
    path: str,
    trouble: dict[str, Any],
) -> None:
    del stands
    fault(path=path, **trouble)
    done = endpoint("plan")
    assert done.code == 6
    assert done.document["error"]["code"] == "unreachable"
    assert "Traceback" not in done.err


def test_without_network_or_workspace_it_says_so(
    stands: Endpoints, endpoint: Callable[..., Any], onnxport: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    del stands
    nowhere = onnxport("endpoint", "plan", "--json")
    assert nowhere.code == 2
    assert "--workspace" in nowhere.document["error"]["hint"]
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    assert endpoint("plan").code == 6


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"onlin": {}}, "onlin"),
        ({"online": {"e": {"d": {"instances": 0}}}}, "greater than or equal to 1"),
        ({"online": {"e": {"d": {}}}}, "exactly one of"),
        ({"online": {"e": {"d": {"autoscale": {"min": 3, "max": 2}}}}}, "max is less than min"),
        ({"online": {"e": {"d": {"autoscale": {"max": 2, "scale_in_below_cpu": 80}}}}}, "come and go"),
        ({"online": {"e": {"d": {"autoscale": {"max": 2, "schedules": [NIGHTS | {"start": "8pm"}]}}}}}, "'20:00'"),
        ({"online": {"e": {"d": {"autoscale": {"max": 2, "schedules": [NIGHTS, NIGHTS]}}}}}, "the same name"),
        (
            {"online": {"e": {"d": {"autoscale": {"max": 2, "schedules": [NIGHTS | {"end": "20:00"}]}}}}},
            "the same",
        ),
        ({"online": ["e"]}, "endpoints.online must be a mapping"),
        ({"online": {"e": ["d"]}}, "endpoints.online.e must be a mapping"),
        ({"computes": "cpu"}, "endpoints.computes must be a mapping"),
        ({"computes": {"c": {"min_instances": -1}}}, "greater than or equal to 0"),
        ({"computes": {"c": {"tier": "cheap"}}}, "dedicated"),
        ({"computes": {"c": {"min_instances": 2, "max_instances": 1}}}, "less than min_instances"),
    ],
    ids=str,
)
def test_a_wish_that_makes_no_sense_is_refused_before_anybody_is_asked(
    azure: Any, configure: Callable[..., None], endpoint: Callable[..., Any], section: dict[str, Any], said: str
) -> None:
    configure(section)
    done = endpoint("plan")
    assert done.code == 2
    assert said in done.document["error"]["message"]
    assert azure.script.seen == []


@pytest.mark.parametrize("flag", ["win", "win/blue", "win/blue=", "/blue=1", "=1", "win=1"])
def test_a_flag_that_says_nothing_is_refused(azure: Any, endpoint: Callable[..., Any], flag: str) -> None:
    del azure
    assert endpoint("plan", "--instances", flag).code == 2
