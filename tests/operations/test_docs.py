"""The commands that docs/operations.md shows work as they stand there, with the configuration that it shows."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.azureml.resources import GROUP, SUBSCRIPTION, WORKSPACE

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE_PATH = Path(__file__).resolve().parents[2] / "docs" / "operations.md"
PAGE = PAGE_PATH.read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def commands(block: str) -> list[list[str]]:
    return [shlex.split(line.removeprefix("$ ")) for line in block.splitlines()]


def test_the_commands_about_the_objective_run_as_shown(
    empty_prometheus: str, onnxport: Callable[..., Any], tmp_path: Path
) -> None:
    section = next(block for block in blocks("yaml") if block.startswith("slo:"))
    (tmp_path / "work" / "onnxport.yaml").write_text(section.replace("http://127.0.0.1:9090", empty_prometheus))
    shown = next(block for block in blocks("console") if "slo check" in block)
    for program, *arguments in commands(shown):
        assert program == "onnxport"
        done = onnxport(*arguments)
        assert done.code == (6 if "check" in arguments else 0), done.err  # an empty Prometheus gives no verdict
    names = {"onnxport.rules.yaml", "onnxport.dashboard.json", "summary.md"}
    assert names < {path.name for path in (tmp_path / "work").iterdir()}


def test_the_commands_about_endpoints_run_as_shown(
    azure: Any, scoring_service: str, onnxport: Callable[..., Any], tmp_path: Path
) -> None:
    found = azure.ml.endpoints
    found.online("win-endpoint", traffic={"blue": 100})
    found.deploy("win-endpoint", "blue")
    found.deploy("win-endpoint", "green")
    found.online("risk-endpoint", traffic={"only": 100})
    found.deploy("risk-endpoint", "only", instances=2)
    found.cluster("cpu", least=1)
    found.batch("nightly", "default", "cpu")
    work = tmp_path / "work"
    shutil.copy(PAGE_PATH.parents[1] / "examples" / "operations" / "prices.yaml", work / "prices.yaml")
    (work / "row.json").write_text("{}")
    named = f"subscription_id: {SUBSCRIPTION}, resource_group: {GROUP}, workspace_name: {WORKSPACE}"
    section = next(block for block in blocks("yaml") if "endpoints:" in block)
    section = section.replace("http://127.0.0.1:8080", scoring_service)
    (work / "onnxport.yaml").write_text(f"azure_ml: {{{named}}}\n{section}")
    shown = next(block for block in blocks("console") if "endpoint plan" in block)
    for program, *arguments in commands(shown):
        assert program == "onnxport"
        done = onnxport(*arguments)
        assert done.code == 0, done.err
    assert "/onlineEndpoints/win-endpoint/deployments/blue" not in found.documents
    assert "nothing to do" in onnxport("endpoint", "plan").out
