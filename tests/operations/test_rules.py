"""The rules and the dashboard say what the objective says, in PromQL that Prometheus itself reads and runs."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from onnxport.artifacts import UsageError, metric_names
from onnxport.operations import Objective, Prometheus
from onnxport.operations.dashboard import dashboard
from onnxport.operations.rules import burn_alerts, rules

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MODELS = ("win-probability", "risk.scoring")
FLAGS = ["--model", MODELS[0], "--model", MODELS[1]]
MINUTES = 400
DURATION = metric_names.DURATION


def promtool(*arguments: object) -> str:
    program = shutil.which("promtool")
    if program is None:
        pytest.fail("there is no promtool: run `make parts` as root, or install Debian's prometheus")
    command = [program, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("threshold", [500, 1_000, 0.5])
def test_promtool_accepts_the_rules(onnxport: Callable[..., Any], tmp_path: Path, threshold: float) -> None:
    out = tmp_path / "rules" / "onnxport.rules.yaml"
    done = onnxport("slo", "rules", "--out", out, *FLAGS, "--threshold-ms", threshold, "--json")
    assert done.code == 0, done.err
    assert f"SUCCESS: {done.document['rules']} rules found" in promtool("check", "rules", "--lint-fatal", out)
    before = out.read_bytes()
    onnxport("slo", "rules", "--out", out, *FLAGS, "--threshold-ms", threshold)
    assert out.read_bytes() == before


def series(model: str, *, fast: float, every: float = 60.0, **labels: str) -> list[dict[str, str]]:
    """Requests of `model`, `every` in a minute, of which the share `fast` takes less than half a second."""
    more = "".join(f',{key}="{value}"' for key, value in {"model": model, "served_by": "onnx", **labels}.items())
    counts = {'_bucket{le="0.5"': fast * every, '_bucket{le="+Inf"': every, '_count{job="x"': every}
    return [
        {"series": f"{DURATION}{name}{more}}}", "values": f"0+{step:g}x{MINUTES}"} for name, step in counts.items()
    ]


def counted(metric: str, step: float, **labels: str) -> dict[str, str]:
    text = ",".join(f'{key}="{value}"' for key, value in labels.items())
    return {"series": f"{metric}{{{text}}}", "values": f"0+{step:g}x{MINUTES}"}


def firing(tmp_path: Path, objective: Objective, data: list[dict[str, str]], at: str, expected: set[str]) -> None:
    """`promtool test rules` finds exactly the alerts `expected`, as NAME or NAME/LONG, for the first model."""
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(rules(objective), sort_keys=False))
    ours = [rule for group in rules(objective)["groups"] for rule in group["rules"] if "alert" in rule]
    tests = []
    for rule in ours:
        name, long = rule["alert"], rule["labels"].get("long", "")
        wanted = (f"{name}/{long}" if long else name) in expected
        matchers = ",".join(f'{key}="{value}"' for key, value in {"alertname": name, "long": long}.items())
        expression = f'count(ALERTS{{alertstate="firing",model="{objective.models[0]}",{matchers}}}) or vector(0)'
        tests.append({"expr": expression, "eval_time": at, "exp_samples": [{"value": int(wanted)}]})
    body = {"interval": "1m", "input_series": data, "promql_expr_test": tests}
    unit = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [body]}
    (tmp_path / "unit.yaml").write_text(yaml.safe_dump(unit, sort_keys=False))
    promtool("test", "rules", tmp_path / "unit.yaml")


MONTH = Objective(models=MODELS, window="30d")
WEEK = Objective(models=MODELS)


@pytest.mark.parametrize(
    ("objective", "fast", "at", "expected"),
    [
        (MONTH, 0.96, "6h", set()),
        (MONTH, 0.94, "6h", {"OnnxportObjectiveBreached", "OnnxportBurning/3d"}),
        (MONTH, 0.20, "30m", {"OnnxportObjectiveBreached", "OnnxportBurningFast/1h", "OnnxportBurningFast/6h",
                              "OnnxportBurning/1d", "OnnxportBurning/3d"}),
        (WEEK, 0.94, "6h", {"OnnxportObjectiveBreached", "OnnxportBurning/1d"}),
        (WEEK, 0.90, "6h", {"OnnxportObjectiveBreached", "OnnxportBurningFast/6h", "OnnxportBurning/1d"}),
    ],
    ids=["kept", "just breached", "very slow", "just breached in a week", "slow in a week"],
)  # fmt: skip
def test_burn_rate_alerts_fire_when_the_budget_burns_and_only_then(
    tmp_path: Path, objective: Objective, fast: float, at: str, expected: set[str]
) -> None:
    firing(tmp_path, objective, [*series(MODELS[0], fast=fast), *series(MODELS[1], fast=1.0)], at, expected)


def test_a_burst_that_is_over_stops_paging_while_its_hour_is_not(tmp_path: Path) -> None:
    """The short window: all requests slow for 100 minutes, all fast for the 15 after them."""
    values = {"0.5": "0x100 60+60x60", "+Inf": "0+60x160"}
    data = [
        {"series": f'{DURATION}_bucket{{model="{MODELS[0]}",le="{edge}"}}', "values": text}
        for edge, text in values.items()
    ]
    data += [{"series": f'{DURATION}_count{{model="{MODELS[0]}"}}', "values": values["+Inf"]}]
    firing(tmp_path, MONTH, data, "100m",
           {"OnnxportBurningFast/1h", "OnnxportBurningFast/6h", "OnnxportBurning/1d",
                                           "OnnxportBurning/3d", "OnnxportObjectiveBreached"})  # fmt: skip
    after = {"OnnxportBurning/1d", "OnnxportBurning/3d", "OnnxportObjectiveBreached", "OnnxportBurningFast/6h"}
    firing(tmp_path, MONTH, data, "115m", after)


def test_few_requests_wake_nobody(tmp_path: Path) -> None:
    """One request a minute, all slow: fewer than a verdict needs."""
    firing(tmp_path, MONTH, series(MODELS[0], fast=0.0, every=1.0), "80m", set())


def test_the_alerts_of_the_service_fire_on_their_counters(tmp_path: Path) -> None:
    model = MODELS[0]
    quiet = series(model, fast=1.0)
    loud = [
        *quiet,
        counted(metric_names.REFUSED, 1, model=model, reason="no-answer"),
        counted(metric_names.PREDICTIONS, 50, model=model, served_by="onnx"),
        counted(metric_names.PREDICTIONS, 5, model=model, served_by="azureml"),
        counted(metric_names.FALLBACK, 1, model=model, purpose="fallback", result="timeout"),
        counted(metric_names.SWAPS, 1, model=model, result="refused"),
        counted(metric_names.SHADOW, 1, model=model, result="disagree"),
    ]
    names = {"OnnxportNoAnswer", "OnnxportFallback", "OnnxportFallbackFails", "OnnxportReleaseRefused"}
    firing(tmp_path, WEEK, loud, "1h", {*names, "OnnxportShadowDisagrees"})
    harmless = [
        *quiet,
        counted(metric_names.REFUSED, 1, model=model, reason="unknown-column"),
        counted(metric_names.PREDICTIONS, 50, model=model, served_by="onnx"),
        counted(metric_names.FALLBACK, 1, model=model, purpose="shadow", result="timeout"),
        counted(metric_names.SWAPS, 1, model=model, result="done"),
        counted(metric_names.SHADOW, 1, model=model, result="agree"),
    ]
    firing(tmp_path, WEEK, harmless, "1h", set())


def test_a_model_that_is_not_scraped_is_told(tmp_path: Path) -> None:
    firing(tmp_path, WEEK, series(MODELS[1], fast=1.0), "30m", {"OnnxportNotSeen"})


def test_for_a_month_the_burn_rates_are_those_of_the_workbook() -> None:
    assert [(one.pace.long, one.burn) for one in burn_alerts(MONTH)] == [
        ("1h", 14.4),
        ("6h", 6),
        ("1d", 3),
        ("3d", 1),
    ]
    assert [one.burn for one in burn_alerts(WEEK)] == [3.36, 1.4, 1.0]


def test_every_alert_can_fire_whatever_the_budget() -> None:
    for quantile in (0.5, 0.9, 0.95, 0.999):
        assert all(
            0 < one.slow < 1 for one in burn_alerts(Objective(models=MODELS, quantile=quantile, window="30d"))
        )


@pytest.mark.parametrize(
    ("wrong", "said"), [({"threshold_ms": 300}, "no edge of the buckets"), ({"window": "1d"}, "too short")]
)
def test_rules_that_could_not_be_exact_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        rules(Objective(models=MODELS, **wrong))


def test_every_alert_has_its_place_in_the_runbook() -> None:
    from onnxport.cli.main import __file__ as main

    page = main.replace("cli/main.py", "docs/operations.md")
    with open(page, encoding="utf-8") as file:  # ruff: ignore[PTH123] - a path as text
        headings = {line.strip("# \n").lower() for line in file if line.startswith("### ")}
    for group in rules(WEEK)["groups"]:
        for rule in group["rules"]:
            if "alert" in rule:
                assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"
                assert rule["alert"].lower() in headings


@pytest.mark.parametrize("threshold", [500, 1_000])
def test_prometheus_parses_every_expression_of_the_dashboard(
    empty_prometheus: str, onnxport: Callable[..., Any], tmp_path: Path, threshold: float
) -> None:
    out = tmp_path / "dashboard.json"
    done = onnxport("slo", "dashboard", "--out", out, *FLAGS, "--threshold-ms", threshold, "--json")
    assert done.code == 0, done.err
    document = json.loads(out.read_text())
    expressions = [target["expr"] for panel in document["panels"] for target in panel["targets"]]
    assert len(expressions) >= 12
    prometheus = Prometheus(url=empty_prometheus)
    for expression in expressions:
        asked = expression.replace("$__rate_interval", "1m").replace("$model", "a|b")
        assert "$" not in asked
        assert prometheus.query(asked) == []


def test_the_dashboard_draws_the_objective_and_shows_all_that_the_service_counts() -> None:
    document = dashboard(WEEK)
    by_title = {panel["title"]: panel for panel in document["panels"]}
    latency = by_title["Latency, with the objective of 500 ms"]
    assert latency["fieldConfig"]["defaults"]["thresholds"]["steps"][-1]["value"] == 0.5
    assert [t["expr"].partition("(")[2].partition(",")[0] for t in latency["targets"]] == ["0.5", "0.95", "0.99"]
    shown = json.dumps(document)
    for name in (
        "CACHE",
        "DURATION",
        "FALLBACK",
        "PREDICTIONS",
        "REFUSED",
        "RELEASE",
        "RESPONSES",
        "SHADOW",
        "SWAPS",
    ):
        assert getattr(metric_names, name) in shown
    places = [tuple(panel["gridPos"][key] for key in "xy") for panel in document["panels"]]
    assert len(set(places)) == len(places)
    assert dashboard(WEEK) == document
