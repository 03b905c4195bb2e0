"""`slo check` against a live Prometheus that scraped the live service, and against what only looks like one."""

from __future__ import annotations

import json
import socket
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.operations.conftest import free_port, scraping, wait_for
from tests.serving.conftest import ask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.xdist_group("prometheus")  # one scrape for all
ROWS = 2_000
ROUNDS, EACH = 4, 15
"""Requests in groups, with a scrape after each: what came before the first one does not count as an increase."""


def seen(url: str, total: int) -> bool:
    """Whether Prometheus has seen so many requests."""
    from onnxport.operations import Prometheus

    found = Prometheus(url=url).query('sum(ml_prediction_duration_seconds_count{model="quote"})')
    return [sample.value for sample in found] == [total]


@pytest.fixture(scope="module")
def scraped(scoring_service: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Prometheus that watched `onnxport serve` answer some requests of many rows."""
    folder = tmp_path_factory.mktemp("scraped")
    port = int(scoring_service.rpartition(":")[2])
    body = {"data": [["red", number, True, 1.0] for number in range(ROWS)]}
    with scraping(folder, port) as url:
        for number in range(1, ROUNDS + 1):
            for _ in range(EACH):
                assert ask(port, "/score/quote", body).status == 200
            total = number * EACH
            wait_for(partial(seen, url, total))
        yield url


def test_a_kept_objective_exits_0_with_what_the_buckets_allow(scraped: str, onnxport: Callable[..., Any]) -> None:
    done = onnxport("slo", "check", "--prometheus", scraped, "--model", "quote", "--threshold-ms", 10_000,
                    "--window", "1h", "--min-requests", 30, "--json")  # fmt: skip
    assert done.code == 0, done.err
    (found,) = done.document["models"]
    assert (done.document["verdict"], found["verdict"]) == ("within", "within")
    assert found["slow"] == {"low": 0.0, "high": 0.0, "exact": True}
    assert found["burn_rate"] == {"low": 0.0, "high": 0.0}
    assert found["requests"] >= EACH * (ROUNDS - 1)
    assert 0 < found["quantile_ms"]["high"] <= 10_000
    assert 0 <= found["observed_seconds"] < 3_600


def test_a_breached_objective_exits_10_and_says_what_to_do(
    scraped: str, onnxport: Callable[..., Any], tmp_path: Path
) -> None:
    page = tmp_path / "summary.md"
    done = onnxport("slo", "check", "--prometheus", scraped, "--model", "quote", "--threshold-ms", 0.5,
                    "--window", "1h", "--min-requests", 30, "--markdown", page)  # fmt: skip
    assert done.code == 10, done.err
    assert "Traceback" not in done.err
    assert "breached" in done.out
    assert "onnxport bench quote@production" in done.out
    assert page.read_text().startswith("## Objective breached: 0.95 of requests within 0.5 ms over 1h\n")
    assert "| quote | breached |" in page.read_text()


def test_a_model_without_requests_exits_6_which_is_no_pass_and_a_breach_beats_it(
    scraped: str, onnxport: Callable[..., Any]
) -> None:
    asked = ["slo", "check", "--prometheus", scraped, "--window", "1h", "--min-requests", 30, "--json"]
    unknown = onnxport(*asked, "--threshold-ms", 10_000, "--model", "quote", "--model", "win-probability")
    assert unknown.code == 6
    assert [one["verdict"] for one in unknown.document["models"]] == ["within", "not enough data"]
    breached = onnxport(*asked, "--threshold-ms", 0.5, "--model", "win-probability", "--model", "quote")
    assert breached.code == 10
    assert breached.document["verdict"] == "breached"


def test_the_configuration_names_the_models_and_a_flag_beats_it(
    scraped: str, onnxport: Callable[..., Any], tmp_path: Path
) -> None:
    section = (
        f"slo: {{prometheus: {scraped!r}, models: [quote], threshold_ms: 0.5, window: 1h, min_requests: 30}}\n"
    )
    (tmp_path / "work" / "onnxport.yaml").write_text(section)
    assert onnxport("slo", "check", "--json").code == 10
    done = onnxport("slo", "check", "--threshold-ms", "10000", "--json")
    assert done.code == 0
    assert done.document["objective"] == {
        "quantile": 0.95,
        "threshold_ms": 10_000,
        "window": "1h",
        "min_requests": 30,
    }
    (tmp_path / "work" / "onnxport.yaml").write_text("slo: {modles: [quote]}\n")
    wrong = onnxport("slo", "check", "--prometheus", scraped)
    assert wrong.code == 2
    assert "modles" in wrong.err


def test_an_empty_prometheus_is_not_enough_data(empty_prometheus: str, onnxport: Callable[..., Any]) -> None:
    done = onnxport("slo", "check", "--prometheus", empty_prometheus, "--model", 'odd"na\\me|x', "--json")
    assert done.code == 6
    assert done.document["models"][0]["verdict"] == "not enough data"


def result(*rows: dict[str, str], **more: Any) -> bytes:
    found = [{"metric": row, "value": [1.0, row.pop("value", "1")]} for row in rows]
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": found}, **more}).encode()


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, b"<html>Sign in</html>", "is no Prometheus: <html>Sign in"),
        (200, b"", "an empty answer"),
        (200, b"[]", "is no Prometheus"),
        (200, b'{"status": "success"}', "is no Prometheus"),
        (200, b'{"status": "success", "data": {"resultType": "matrix", "result": []}}', "is no Prometheus"),
        (200, result({"le": "0.5", "model": "m", "value": "NaN"}), "is no Prometheus"),
        (200, result({"le": "0.5", "model": "m"}), "part of a histogram"),
        (200, result(warnings=["store 3 is away"]), "in part only: store 3 is away"),
        (400, b'{"status":"error","errorType":"bad_data","error":"parse error"}', "(400): parse error"),
        (401, b"Unauthorized", "(401) is no Prometheus: Unauthorized"),
        (422, b'{"status":"error","error":"too many samples"}', "too many samples"),
        (500, b"", "(500)"),
        (503, b'{"status":"error","error":"starting"}', "(503): starting"),
    ],
)
def test_whatever_is_no_whole_answer_exits_6_with_a_clear_line(
    answering: Callable[..., str], onnxport: Callable[..., Any], status: int, body: bytes, said: str
) -> None:
    done = onnxport("slo", "check", "--prometheus", answering(status, body), "--model", "m", "--json")
    assert done.code == 6
    assert done.document["error"]["code"] == "unreachable"
    assert said in done.document["error"]["message"]
    assert "Traceback" not in done.err


def test_an_answer_that_breaks_off_or_never_ends_exits_6(
    answering: Callable[..., str], onnxport: Callable[..., Any]
) -> None:
    cut = answering(200, b'{"status": "succ', promised=1_000)
    done = onnxport("slo", "check", "--prometheus", cut, "--model", "m")
    assert done.code == 6
    assert "broke off" in done.err
    dribble = answering(200, b" " * 4_000, pause=0.05)
    done = onnxport("slo", "check", "--prometheus", dribble, "--model", "m", "--timeout", 0.3)
    assert done.code == 6
    assert "without end" in done.err


def test_nobody_and_somebody_who_is_silent_exit_6(onnxport: Callable[..., Any]) -> None:
    done = onnxport("slo", "check", "--prometheus", f"http://127.0.0.1:{free_port()}", "--model", "m")
    assert done.code == 6
    assert "does not answer" in done.err
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        done = onnxport("slo", "check", "--prometheus", url, "--model", "m", "--timeout", 0.3)
    assert done.code == 6
    assert "timed out" in done.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "no model is named"),
        (["--model", "m", "--window", "week"], "is no duration"),
        (["--model", "m", "--prometheus", "ftp://here"], "is no URL of a Prometheus"),
        (["--model", "m", "--prometheus", "http://[::1"], "is no URL of a Prometheus"),
        (["--model", "m", "--token-file", "nowhere"], "cannot read the token"),
        (["--model", "m", "--markdown", "/proc/nowhere/x.md"], "cannot write"),
    ],
)
def test_a_wrong_call_exits_2_and_says_what_is_wrong(
    answering: Callable[..., str], onnxport: Callable[..., Any], arguments: list[str], said: str
) -> None:
    done = onnxport("slo", "check", "--prometheus", answering(200, result()), *arguments)
    assert done.code == 2
    assert said in " ".join(done.err.split())


def test_a_token_is_never_sent_in_plain_text(onnxport: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret\n")
    asked = ["slo", "check", "--prometheus", "http://prometheus.example.invalid", "--model", "m"]
    done = onnxport(*asked, "--token-file", tmp_path / "token")
    assert done.code == 2
    assert "over https only" in done.err
    assert "secret" not in done.err


def test_the_flags_default_to_the_objectives_defaults() -> None:
    from onnxport.cli import slo
    from onnxport.operations import objective

    of_flags = (slo.THRESHOLD_MS, slo.QUANTILE, slo.WINDOW, slo.MIN_REQUESTS)
    values = (objective.DEFAULT_THRESHOLD_MS, objective.DEFAULT_QUANTILE, objective.DEFAULT_WINDOW)
    assert of_flags == (*values, objective.DEFAULT_MIN_REQUESTS)
